"""What may go wrong, and when: each fault waits for its nth moment of the right sort, then happens once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from landbridge.errors import AuthError, ExpiredCursor, LandbridgeError, RecordError, TransientError


class Crash(BaseException):
    """The process ends here, as by SIGKILL: no handler of the engine may see it as an error of a record."""


def _raises(make: Callable[[], BaseException]) -> Callable[[], None]:
    def happen() -> None:
        raise make()

    return happen


# Name → (the points at which it can happen, what happens).
FAULTS: dict[str, tuple[tuple[str, ...], Callable[[], None]]] = {
    "crash before commit": (("commit",), _raises(Crash)),
    "crash after commit": (("committed",), _raises(Crash)),
    "crash before send": (("send",), _raises(Crash)),
    "crash after send": (("answered",), _raises(Crash)),
    "crash while reading": (("item",), _raises(Crash)),
    "request lost": (("send",), _raises(lambda: TransientError("The request was lost."))),
    "nobody knows": (("send",), _raises(lambda: TransientError("No answer.", uncertain=True))),
    "answer lost": (("answered",), _raises(lambda: TransientError("The answer was lost.", uncertain=True))),
    "not found out": (("find",), _raises(lambda: TransientError("It cannot be asked now."))),
    "record refused": (("send",), _raises(lambda: RecordError("Not this one."))),
    "half a read": (("item",), _raises(lambda: TransientError("The connection broke."))),
    "cursor expired": (("cursor",), _raises(lambda: ExpiredCursor("Gone."))),
}
# Moments at which others may act: the engine holds no transaction there.
BETWEEN = ("send", "answered", "item", "committed", "find")
OUTAGES: dict[str, Callable[[], LandbridgeError]] = {
    "down": lambda: TransientError("The system is down."),
    "locked out": lambda: AuthError("The password was changed."),
}


@dataclass
class Armed:
    """`left` is how many fitting points still pass by before it happens."""

    name: str
    points: tuple[str, ...]
    happen: Callable[[], None]
    left: int


@dataclass
class Faults:
    """Those that are waiting; `happened` counts what has, `fresh` says whether something has since it was last cleared."""

    armed: list[Armed] = field(default_factory=list)
    happened: dict[str, int] = field(default_factory=dict)
    fresh: bool = False
    # Something happened after the last commit: what the engine knew then is not what the hub says now.
    since_commit: bool = False
    _inside: bool = False

    def arm(self, name: str, nth: int, happen: Callable[[], None] | None = None) -> None:
        points, what = (BETWEEN, happen) if happen else FAULTS[name]
        assert what is not None
        self.armed.append(Armed(name, points, what, nth))

    def disarm(self) -> None:
        self.armed.clear()

    def at(self, point: str, *_: Any) -> None:
        """One at a time, and none inside what another one set off."""
        if self._inside:
            return
        if point == "commit":
            self.since_commit = False
        for fault in [one for one in self.armed if point in one.points]:
            if fault.left > 0:
                fault.left -= 1
                continue
            self.armed.remove(fault)
            self.happened[fault.name] = self.happened.get(fault.name, 0) + 1
            self.fresh = self.since_commit = True
            self._inside = True
            try:
                fault.happen()
            finally:
                self._inside = False
