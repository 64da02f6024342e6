"""Hundreds of steps of the model in CI, the same in every run; `make soak` plays thousands of others."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import _create_database
from tests.model.machine import Machine

_numbers = itertools.count(1)
IN_CI = settings(
    max_examples=8, stateful_step_count=30, deadline=None, derandomize=True, database=None, print_blob=False,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def new_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A fresh hub for each example."""

    def on_sqlite() -> str:
        path = tmp_path / f"{next(_numbers)}.sqlite"
        shutil.copy(request.getfixturevalue("_sqlite_template"), path)
        return f"sqlite:///{path}"

    def on_postgresql() -> str:
        template = request.getfixturevalue("_postgresql_template")
        return _create_database(request.getfixturevalue("postgresql"), f"model_{next(_numbers)}", template)

    return on_sqlite if request.param == "sqlite" else on_postgresql


def test_whatever_happens_it_comes_to_rest_with_everything_in_its_place(new_hub: Callable[[], str]) -> None:
    run_state_machine_as_test(lambda: Machine(new_hub), settings=IN_CI)
