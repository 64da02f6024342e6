"""Listen to systems, keep what they tell, and have the flows concerned follow at once.

One thread per system listens and keeps; it is never held up by a flow, since a system wants its answer within seconds.
What takes longer, reading a whole stream and running flows, the caller's thread does, one after the other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from landbridge.connector import News
from landbridge.errors import AuthError, ConfigError, Fenced, LandbridgeError
from landbridge.sync.bridge import Bridge
from landbridge.sync.read import read
from landbridge.sync.reports import Report
from landbridge.sync.told import keep_told

# Seconds that one listening lasts, and with it the end of the process; and after which what failed is tried again.
WAIT, LATER = 5.0, 60.0
Listen = Callable[[float], Sequence[News]]
# What is done about streams ("chat/messages") of which the hub now knows more; those that it could not be done for.
Follow = Callable[[frozenset[str]], Collection[str]]
Tell = Callable[[str, str], None]
log = logging.getLogger("landbridge.watch")


class Board:
    """What is left to do, by all listeners together. Safe for threads."""

    def __init__(self) -> None:
        self._is_more = threading.Condition()
        self._unread: dict[str, list[News]] = {}
        self._moved: set[str] = set()
        self._later: list[tuple[float, Callable[[], None]]] = []

    def read(self, stream: str, told: Iterable[News] = ()) -> None:
        """This stream has to be read as a whole; `told` are the news that are kept then."""
        with self._is_more:
            self._unread.setdefault(stream, []).extend(told)
            self._is_more.notify()

    def moved(self, streams: Iterable[str]) -> None:
        with self._is_more:
            self._moved.update(streams)
            self._is_more.notify()

    def later(self, again: Callable[[], None]) -> None:
        with self._is_more:
            self._later.append((time.monotonic() + LATER, again))

    def take(self, seconds: float) -> tuple[dict[str, list[News]], set[str]]:
        """All that is to be read and all that has moved; empty after so many seconds."""
        with self._is_more:
            if not self._unread and not self._moved:
                self._is_more.wait(seconds)
            due = [one for one in self._later if one[0] <= time.monotonic()]
            self._later = [one for one in self._later if one not in due]
            for _, again in due:
                again()
            taken = self._unread, self._moved
            self._unread, self._moved = {}, set()
            return taken


class Listener(threading.Thread):
    """Listens to one system until it is stopped, or until `failure` says why no trying again would help."""

    def __init__(self, bridge: Bridge, system: str, listen: Listen, board: Board, stop: threading.Event) -> None:
        super().__init__(name=f"landbridge-watch {system}", daemon=True)
        self._bridge, self.system, self._listen = bridge, system, listen
        self._board, self._stopped = board, stop
        self.failure: Exception | None = None

    def run(self) -> None:
        failed = 0
        while not self._stopped.is_set():
            try:
                self._take(self._listen(WAIT))
                failed = 0
            except (AuthError, ConfigError) as error:
                log.error("%s is not listened to any more: %s", self.system, error)
                self.failure = error
                return
            except LandbridgeError as error:
                failed += 1
                log.warning("%s: %s", self.system, error)
                self._stopped.wait(min(LATER, 2.0**failed))
            except Exception as error:  # a mistake of ours: without a listener nobody would see it
                log.error("%s is not listened to any more: %s", self.system, type(error).__name__)
                self.failure = error
                return

    def _take(self, told: Sequence[News]) -> None:
        by_stream: dict[str, list[News]] = defaultdict(list)
        for news in told:
            by_stream[news.stream].append(news)
        for stream, some in by_stream.items():
            if stream not in self._bridge.company.system(self.system).streams:
                _kept(some)
                continue
            if whole := [news for news in some if news.whole]:
                self._board.read(f"{self.system}/{stream}", whole)
            if single := [news for news in some if not news.whole]:
                self._keep(stream, single)

    def _keep(self, stream: str, told: Sequence[News]) -> None:
        name = f"{self.system}/{stream}"
        try:
            report = keep_told(self._bridge, self.system, stream, told)
        except (AuthError, ConfigError):
            raise
        except LandbridgeError as error:
            log.warning("%s: what was told could not be kept, so it is read: %s", name, error)
            self._board.read(name, told)
            return
        _kept(told)
        if report.moved:
            self._board.moved([name])


def watch(
    bridge: Bridge,
    listening: Mapping[str, Listen],
    follow: Follow,
    stop: threading.Event,
    tell: Tell = lambda step, outcome: None,
) -> dict[str, Exception]:
    """Until `stop` is set, or nobody is left to listen to; what ended listening to a system, by its name.

    `listening` says how each system is listened to. At the beginning all its streams count as moved: what was kept by a
    process that died since may not have been followed.
    """
    board = Board()
    listeners = [Listener(bridge, name, listen, board, stop) for name, listen in listening.items()]
    board.moved(f"{name}/{stream}" for name in listening for stream in bridge.company.system(name).streams)
    for one in listeners:
        one.start()
    try:
        while not stop.is_set() and any(one.is_alive() for one in listeners):
            unread, moved = board.take(0.5)
            moved |= {stream for stream, told in unread.items() if _read(bridge, board, stream, told, tell)}
            if moved and not stop.is_set() and (left := follow(frozenset(moved))):
                board.later(partial(board.moved, left))
    finally:
        stop.set()
        for one in listeners:
            one.join()
    return {one.system: one.failure for one in listeners if one.failure is not None}


def _read(bridge: Bridge, board: Board, stream: str, told: list[News], tell: Tell) -> bool:
    """Read a stream from where reading stands; has anything moved?"""
    system, _, name = stream.partition("/")
    try:
        report: Report = read(bridge, system, name, tell=partial(tell, f"read {stream}"))
    except Fenced:  # a later read has taken over, and sees what we were told
        _kept(told)
        return True
    except LandbridgeError as error:
        log.warning("%s could not be read: %s", stream, error)
        board.later(partial(board.read, stream, told))
        return False
    _kept(told)
    return report.moved


def _kept(told: Iterable[News]) -> None:
    for news in told:
        try:
            news.kept()
        except LandbridgeError as error:  # then the system tells it once more
            log.info("A system could not be told that its news are kept: %s", error)
