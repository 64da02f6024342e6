"""Hundreds of steps of the model in CI, the same in every run; `make soak` plays thousands of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model import soak
from tests.model.machine import Machine
from tests.model.play import as_code, shortest

# Not shrunk: tests/model/play.py does that much faster, `make soak ARGS="--seed …"` by itself.
IN_CI = settings(
    max_examples=5, stateful_step_count=50, deadline=None, derandomize=True, database=None, print_blob=False,
    phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_whatever_happens_it_comes_to_rest_with_everything_in_its_place(new_hub: Callable[[], str]) -> None:
    run_state_machine_as_test(lambda: Machine(new_hub), settings=IN_CI)


@pytest.mark.parametrize("database", sorted(soak.DATABASES))
def test_a_seed_of_the_soak_leaves_a_line_in_its_log(database: str, tmp_path: Path) -> None:
    log = tmp_path / "soak.log"
    options = ["--seed", "7", "--examples", "1", "--steps", "2", "--log", str(log), "--database", database]
    assert soak.main(options) == 0
    (line,) = map(json.loads, log.read_text().splitlines())
    assert (line["seed"], line["database"]) == (7, database)
    assert line["steps"] == sum(line["happened"].values()) > 0


def test_what_fails_is_cut_down_to_the_steps_that_matter() -> None:
    steps = [("run", {"flow": flow}) for flow in "abcdef"] + [("people_do", {"acts": [("post", 1, 2), ("hire", 0, 0)]})]
    needed = ("run", {"flow": "c"}), ("people_do", {"acts": [("hire", 0, 0)]})
    found = shortest(steps, lambda some: all(one in some for one in needed))
    assert found == list(needed)
    assert "machine.people_do(acts=[('hire', 0, 0)])" in as_code(found)
