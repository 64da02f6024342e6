"""Hundreds of steps of the model in CI, the same in every run; `make soak` plays thousands of others."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine

# Not shrunk: tests/model/play.py does that much faster, `make soak ARGS="--seed …"` by itself.
IN_CI = settings(
    max_examples=10, stateful_step_count=30, deadline=None, derandomize=True, database=None, print_blob=False,
    phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_whatever_happens_it_comes_to_rest_with_everything_in_its_place(new_hub: Callable[[], str]) -> None:
    run_state_machine_as_test(lambda: Machine(new_hub), settings=IN_CI)
