"""Threads that send what was claimed, as many at once as a system allows; what they have done comes back in sets."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from landbridge.sync.bridge import Bridge
from landbridge.sync.deliver import called_off, deliver
from landbridge.sync.job import Job, Result

# Claimed beyond what is being sent, at most, so that no worker waits for the hub.
AHEAD = 16
# Seconds that a result may wait for others to be kept with, while every worker has something to do.
TOGETHER = 0.1


class Workers:
    """For the one thread that claims and keeps. At the end of the block nothing is being sent any more."""

    def __init__(self, bridge: Bridge, target: str, count: int) -> None:
        self._bridge, self._ahead = bridge, min(count, AHEAD)
        self._most = count + self._ahead
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=f"write {target}")
        self._jobs: dict[Future[Result], Job] = {}
        self._done: SimpleQueue[Future[Result]] = SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    @property
    def busy(self) -> bool:
        return bool(self._jobs)

    @property
    def room(self) -> int:
        """How many may be claimed now."""
        return self._most - len(self._jobs)

    def send(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            future = self._pool.submit(deliver, self._bridge, job)
            self._jobs[future] = job
            future.add_done_callback(self._done.put)

    def call_off(self) -> None:
        """What has not begun is not sent any more."""
        for future in self._jobs:
            future.cancel()

    def finished(self, *, wait: bool) -> list[Result]:
        """What has come back; `wait`: at least one, where any is to come.

        Raises what is no error of a record, such as an interruption.
        """
        found = [self._result(self._done.get())] if wait and self._jobs else []
        until = time.monotonic() + TOGETHER
        while True:
            # As long as half of what is claimed ahead is left, no worker will have to wait for what is claimed next.
            unhurried = wait and self.room < (self._ahead + 1) // 2 and not any(one.stops for one in found)
            left = until - time.monotonic() if unhurried else 0.0
            try:
                future = self._done.get(timeout=left) if left > 0 else self._done.get_nowait()
            except Empty:
                return found
            found.append(self._result(future))

    def _result(self, future: Future[Result]) -> Result:
        job = self._jobs.pop(future)
        return called_off(job) if future.cancelled() else future.result()
