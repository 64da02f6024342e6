"""Which failure is tried again, and when: read off the error's name."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from airflow.sdk import RetryAction, RetryDecision, RetryPolicy

from landbridge.errors import AuthError, Braked, ConfigError, LandbridgeError, RateLimited, RecordError, ScopeError

RETRIES = 6
FIRST = 15.0
LONGEST = 900.0
# A killed task leaves no error to judge: Airflow then waits this long, by default five minutes for everybody behind it.
AFTER_DEATH = timedelta(seconds=FIRST)

# First match counts; whatever is not named here (network, database, a bug) is tried again with growing waits.
RULES: tuple[tuple[type[LandbridgeError], RetryAction, str], ...] = (
    (RateLimited, RetryAction.RETRY, "The system asked to wait."),
    (AuthError, RetryAction.FAIL, "The credentials are refused; no retry helps."),
    (ScopeError, RetryAction.FAIL, "The account may not do this; no retry helps."),
    (ConfigError, RetryAction.FAIL, "The configuration is wrong; no retry helps."),
    (RecordError, RetryAction.FAIL, "The record is wrong; no retry helps."),
    (Braked, RetryAction.FAIL, "A person has to decide."),
    (LandbridgeError, RetryAction.RETRY, "Worth another try."),
)


def backoff(try_number: int) -> float:
    """Seconds before the next try: doubling, capped, spread so that the tasks of one outage do not return together."""
    longest = min(LONGEST, FIRST * 2 ** (try_number - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 (nothing secret about it)


class Retries(RetryPolicy):
    """Airflow's own table of exceptions knows fixed waits only; a rate limit says its own."""

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Any = None,
    ) -> RetryDecision:
        for error, action, reason in RULES:
            if isinstance(exception, error):
                if action is RetryAction.FAIL:
                    return RetryDecision.fail(reason)
                asked = exception.after if isinstance(exception, RateLimited) else None
                wait = backoff(try_number) if asked is None else max(asked, 1.0)
                return RetryDecision.retry(timedelta(seconds=wait), reason)
        return RetryDecision.retry(timedelta(seconds=backoff(try_number)), f"{type(exception).__name__} may pass.")
