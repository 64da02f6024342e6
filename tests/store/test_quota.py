from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from landbridge.errors import ConfigError, RateLimited
from landbridge.store import quota
from landbridge.store.hub import Hub
from landbridge.store.quota import HubThrottle, usage

RATE = 100.0
# Seconds of virtual time.
SPREAD_FOR = 20


def _send(url: str, rate: float, start: Any, seconds: float, threads: int, sent: Any) -> None:
    """A process that sends as fast as it may, from several threads, and tells when."""
    hub = Hub(url)
    throttle = HubThrottle(hub, "chat", rate)
    moments: list[float] = []
    start.wait()
    until = time.time() + seconds

    def send() -> None:
        while time.time() < until:
            throttle.acquire()
            moments.append(time.time())

    workers = [threading.Thread(target=send) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sent.put(moments)
    hub.close()


def _most_in(moments: list[float], window: float) -> int:
    first, most = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] < moment - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_four_processes_together_reach_the_rate_and_never_exceed_it(hub_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, sent, seconds = spawn.Barrier(4), spawn.Queue(), 4.0
    processes = [spawn.Process(target=_send, args=(hub_url, RATE, start, seconds, 4, sent)) for _ in range(4)]
    for process in processes:
        process.start()
    moments = sorted(moment for _ in processes for moment in sent.get(timeout=60))
    for process in processes:
        process.join()
    lasted = moments[-1] - moments[0]
    assert len(moments) <= RATE * lasted + RATE / 20 + 1
    assert len(moments) >= 0.5 * RATE * lasted  # on a busy machine its processes do not get to more
    # Windows of a second, as systems count them: what a noisy machine delays must not pile up.
    assert _most_in(moments, 1.0) <= 1.25 * RATE
    hub = Hub(hub_url)
    with hub.read() as conn:
        (found,) = usage(conn)
    hub.close()
    assert found.system == "chat"
    assert len(moments) <= found.used <= 1.1 * len(moments) + 20


def test_a_pause_stops_everyone(hub: Hub) -> None:
    one, other = HubThrottle(hub, "chat", 50.0), HubThrottle(hub, "chat", 50.0)
    other.acquire()
    one.limited(0.6)
    begun = time.monotonic()
    other.acquire()
    one.acquire()
    assert time.monotonic() - begun >= 0.55
    with hub.read() as conn:
        assert usage(conn)[0].blocked == 0


def test_the_very_first_refusal_teaches_what_was_let_through_before(hub: Hub) -> None:
    throttle = HubThrottle(hub, "chat", RATE)
    for _ in range(60):
        throttle.acquire()
    throttle.limited(0.1)
    with hub.read() as conn:
        assert usage(conn)[0].rate > RATE * 0.2


def test_a_pause_reaches_those_who_already_wait(hub: Hub) -> None:
    one, other = HubThrottle(hub, "chat", 2.0), HubThrottle(hub, "chat", 2.0)
    one.acquire()  # the burst
    done: list[float] = []

    def wait(throttle: HubThrottle) -> None:
        throttle.acquire()
        done.append(time.monotonic())

    threads = [threading.Thread(target=wait, args=(throttle,)) for throttle in (one, other)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    HubThrottle(hub, "chat", 2.0).limited(1.5)
    for thread in threads:
        thread.join()
    assert min(done) - begun >= 1.6


def test_who_would_wait_too_long_is_told_instead(hub: Hub) -> None:
    throttle = HubThrottle(hub, "chat", 0.01, patience=5.0)
    throttle.acquire()
    with pytest.raises(RateLimited) as caught:
        throttle.acquire()
    assert caught.value.after == pytest.approx(100, abs=2)
    with hub.read() as conn:
        assert usage(conn)[0].used == 1


def test_a_dear_request_takes_its_share(hub: Hub) -> None:
    waits: list[float] = []
    throttle = HubThrottle(hub, "chat", 10.0, sleep=waits.append)
    throttle.acquire(5.0)
    throttle.acquire()
    assert waits == [pytest.approx(0.4, abs=0.1), pytest.approx(0.5, abs=0.1)]


def test_one_who_asks_seldom_hoards_nothing(hub: Hub) -> None:
    throttle = HubThrottle(hub, "chat", 100.0)
    for _ in range(4):
        throttle.acquire()
        time.sleep(0.25)
    with hub.read() as conn:
        assert usage(conn)[0].used == 4


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_that_is_none_is_refused(tmp_path: Any, rate: float) -> None:
    make: Callable[[], HubThrottle] = lambda: HubThrottle(Hub(f"sqlite:///{tmp_path / 'h'}"), "chat", rate)  # noqa: E731
    with pytest.raises(ConfigError, match="rate"):
        make()


class Limited:
    """A system with a limit that nobody was told, in virtual time: `window` seconds allow `most` requests."""

    def __init__(self, most: int, window: float, *, tells: bool) -> None:
        self.now, self.most, self.window, self.tells = 1_000_000.0, most, window, tells
        self.begun, self.count = 0.0, 0
        self.answered: list[float] = []
        self.refused: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, throttle: HubThrottle) -> None:
        throttle.acquire()
        if self.now >= self.begun + self.window:
            self.begun, self.count = self.now, 0
        self.count += 1
        if self.count <= self.most:
            self.answered.append(self.now)
            return
        self.refused.append(self.now)
        throttle.limited(self.begun + self.window - self.now if self.tells else None)


@pytest.mark.parametrize(("most", "window", "tells"), [(10, 1.0, False), (60, 60.0, True), (20, 10.0, True)])
def test_an_unknown_limit_is_learned_within_a_minute(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, most: int, window: float, tells: bool
) -> None:
    system = Limited(most, window, tells=tells)
    monkeypatch.setattr(quota, "shared", lambda conn: system.now)
    monkeypatch.setattr(quota, "time", SimpleNamespace(monotonic=lambda: system.now, sleep=system.sleep))
    throttle = HubThrottle(hub, "chat", 50.0, sleep=system.sleep)
    begun = system.now
    while system.now < begun + 240:
        system.ask(throttle)
    # Counted from the second minute on, in whole windows.
    after = [one for one in system.answered if one >= begun + 60]
    assert len(after) >= 0.75 * 180 * most / window
    assert len([one for one in system.refused if one >= begun + 60]) <= 180 / 5
    with hub.read() as conn:
        (found,) = usage(conn)
    assert found.rate <= 1.5 * most / window
    # The limit may be gone: the rate comes back by itself.
    system.sleep(300)
    with hub.read() as conn:
        assert usage(conn)[0].rate == 50.0


class Strict:
    """A system that takes 50 in any second, and what it is asked with, in virtual time."""

    def __init__(self, late: Callable[[], float]) -> None:
        self.now, self.late = 1_000_000.0, late
        self.answered: list[float] = []
        self.refused: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late()

    def ask(self, throttle: HubThrottle, on_the_way: float) -> None:
        throttle.acquire()
        at = self.now + on_the_way
        if len([one for one in self.answered[-60:] if one > at - 1]) < 50:
            self.answered.append(at)
        else:
            self.refused.append(at)
            throttle.limited(1.0)


def asked_for_a_while(hub: Hub, monkeypatch: pytest.MonkeyPatch, seed: int, most_late: float) -> Strict:
    draw = random.Random(seed)
    system = Strict(lambda: draw.random() * most_late)
    monkeypatch.setattr(quota, "shared", lambda conn: system.now)
    monkeypatch.setattr(quota, "time", SimpleNamespace(monotonic=lambda: system.now, sleep=system.sleep))
    throttle = HubThrottle(hub, "chat", 50.0, window=1.0, sleep=system.sleep)
    until = system.now + SPREAD_FOR
    while system.now < until:
        system.ask(throttle, draw.random() * 0.02)
    return system


def test_11_a_limit_that_holds_for_any_second_is_used_and_never_met(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although each request is on its way for another time, and each sleeper wakes up late."""
    system = asked_for_a_while(hub, monkeypatch, seed=1, most_late=0.005)
    assert system.refused == []
    assert len(system.answered) >= 0.95 * SPREAD_FOR * 50


def test_11_who_wakes_too_late_does_not_come_together_with_others(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    system = asked_for_a_while(hub, monkeypatch, seed=2, most_late=0.06)
    assert system.refused == []


def test_the_limit_of_one_kind_of_call_is_shared_and_slows_no_other(hub: Hub) -> None:
    here, there = (HubThrottle(hub, "chat", 1_000, patience=5) for _ in range(2))
    here.of("history", 0.01).acquire()
    with pytest.raises(RateLimited, match="chat history"):
        there.of("history", 0.01).acquire()
    there.of("members", 0.01).acquire()
    there.acquire()
    here.of("post", 10).limited(60)
    with pytest.raises(RateLimited):
        there.of("post", 10).acquire()


def test_parts_of_long_names_are_told_apart(hub: Hub) -> None:
    throttle = HubThrottle(hub, "teams", 1_000, patience=5)
    for last in "ab":
        throttle.of(f"post {'x' * 100}{last}", 0.01).acquire()
    with hub.read() as conn:
        names = {one.system for one in usage(conn)}
    assert len(names) == 2
    assert max(map(len, names)) <= 64
