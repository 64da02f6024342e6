"""When a call is repeated, and how long it waits before."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from landbridge.errors import RateLimited, TransientError

log = logging.getLogger("landbridge.http")


def pause(seconds: float) -> None:
    """Every wait before another attempt, so that a test need not wait."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Retries:
    """Times are seconds; `patience` is the most one call sleeps in all before it hands the wait to its caller."""

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    patience: float = 120.0
    sleep: Callable[[float], None] = field(default=lambda seconds: pause(seconds), repr=False, compare=False)


USUAL = Retries()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds asked for by Retry-After, given as a number or an HTTP date; None where absent or nonsense."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until(value, headers.get("Date", ""))
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until(moment: str, now: str) -> float | None:
    due = _date(moment)
    if due is None:
        return None
    # The server's own clock decides: ours may be minutes off.
    return max(0.0, (due - (_date(now) or datetime.now(UTC))).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def retrying(retries: Retries, *, repeatable: bool, rewindable: bool) -> Retrying:
    """Repeats what may be repeated: after an uncertain outcome only a call that the server applies once anyhow."""

    def again(error: BaseException) -> bool:
        return isinstance(error, TransientError) and rewindable and (repeatable or not error.uncertain)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimited) and error.after is not None:
            return error.after
        return float(backoff(state))

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number >= retries.attempts or state.idle_for + state.upcoming_sleep > retries.patience

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        what = error.args[0] if error and error.args else error  # what to do about it is said when it is given up
        log.warning("%s Trying again in %.1f s (%d of %d).",
                    what, state.upcoming_sleep, state.attempt_number + 1, retries.attempts)  # fmt: skip

    backoff = wait_random_exponential(multiplier=retries.first, max=retries.longest)
    return Retrying(
        sleep=retries.sleep,
        stop=enough,
        wait=wait,
        retry=retry_if_exception(again),
        before_sleep=tell,
        reraise=True,
    )
