from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.errors import RateLimited
from landbridge.http import LocalThrottle
from landbridge.http.retry import retry_after


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def throttle(clock, *args, **options):
    return LocalThrottle(*args, clock=clock, sleep=clock.sleep, **options)


@given(st.floats(0.1, 100), st.integers(1, 20), st.lists(st.floats(0, 2), max_size=60))
def test_never_more_than_burst_and_rate(rate, burst, pauses):
    clock = Clock()
    bucket = throttle(clock, rate, burst)
    taken = []
    for pause in pauses:
        clock.now += pause
        bucket.acquire()
        taken.append(clock.now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - taken[first]) * rate + 1e-6


def test_it_uses_what_is_allowed():
    clock = Clock()
    bucket = throttle(clock, 50, 10)
    for _ in range(510):
        bucket.acquire()
    assert clock.now == pytest.approx(10)


def test_a_cost_above_the_burst_is_paid_in_time():
    clock = Clock()
    bucket = throttle(clock, 2, 1)
    bucket.acquire(5)
    assert clock.now == pytest.approx(2)


@pytest.mark.parametrize(("after", "expected"), [(7.0, 7.0), (None, 1.0), (0.0, 0.0)])
def test_a_limit_makes_all_wait(after, expected):
    clock = Clock()
    bucket = throttle(clock)
    bucket.acquire()
    bucket.limited(after)
    bucket.acquire()
    assert clock.now == expected


def test_the_longest_wait_wins():
    clock = Clock()
    bucket = throttle(clock, 10, 5)
    bucket.limited(9)
    bucket.limited(2)
    bucket.acquire()
    assert clock.now == 9
    bucket.acquire()
    assert clock.now == pytest.approx(9.1)


def test_too_long_a_wait_is_handed_back():
    clock = Clock()
    bucket = throttle(clock, patience=60)
    bucket.limited(600)
    with pytest.raises(RateLimited) as caught:
        bucket.acquire()
    assert caught.value.after == 600 and clock.now == 0


def test_threads_keep_the_rate_together():
    bucket = LocalThrottle(100, 1)
    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bucket.acquire(), range(31)))
    assert time.monotonic() - began >= 0.29


def test_a_limit_also_stops_threads_that_wait_already():
    bucket = LocalThrottle(20, 1)
    bucket.acquire()
    done = []
    waiting = threading.Thread(target=lambda: (bucket.acquire(), done.append(time.monotonic())))
    began = time.monotonic()
    waiting.start()
    time.sleep(0.01)
    bucket.limited(0.25)
    waiting.join()
    assert done[0] - began >= 0.25


NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", None), ("12", 12), ("1.5", 1.5), ("-3", 0), ("nan", None), ("inf", None), ("soon", None),
     (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
     (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0)],
)  # fmt: skip
def test_retry_after(value, expected):
    headers = {"Retry-After": value, "Date": format_datetime(NOW, usegmt=True)}
    assert retry_after(headers) == expected


def test_a_date_without_the_servers_clock_uses_ours():
    due = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 57 < (retry_after({"Retry-After": due}) or 0) <= 60
