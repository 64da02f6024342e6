"""Which error is tried again, and when."""

from __future__ import annotations

from types import ModuleType

import pytest

from landbridge.errors import (
    AuthError,
    Braked,
    ConfigError,
    IncompleteRead,
    MappingError,
    NotFound,
    RateLimited,
    ScopeError,
    TransientError,
)


@pytest.mark.parametrize(
    ("error", "action", "seconds"),
    [
        (RateLimited("slow down", after=90), "retry", (90, 90)),
        (RateLimited("slow down", after=0), "retry", (1, 1)),
        (RateLimited("slow down"), "retry", (7.5, 15)),
        (TransientError("502"), "retry", (7.5, 15)),
        (IncompleteRead("empty"), "retry", (7.5, 15)),
        (OSError("no route"), "retry", (7.5, 15)),
        (AuthError("refused"), "fail", None),
        (ScopeError("not yours"), "fail", None),
        (ConfigError("wrong"), "fail", None),
        (MappingError("wrong"), "fail", None),
        (NotFound("gone"), "fail", None),
        (Braked("too much"), "fail", None),
    ],
)
def test_first_try(airflow: ModuleType, error: Exception, action: str, seconds: tuple[float, float] | None) -> None:
    from landbridge_airflow.retries import Retries

    decision = Retries().evaluate(error, 1, 6)
    assert decision.action.value == action
    assert decision.reason
    if seconds:
        assert decision.retry_delay is not None
        assert seconds[0] <= decision.retry_delay.total_seconds() <= seconds[1]


def test_waits_grow_and_end(airflow: ModuleType) -> None:
    from landbridge_airflow.retries import LONGEST, backoff

    assert backoff(2) > 15
    assert backoff(3) > 30
    assert all(LONGEST / 2 <= backoff(n) <= LONGEST for n in range(8, 30))
