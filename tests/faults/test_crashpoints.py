"""Killed by SIGKILL at every boundary that the engine names: the end is the same as if nothing had happened.

On CI some of them, each name at least once; all of them, and more kills while recovering, with LANDBRIDGE_SOAK (`make
soak`).
"""

from __future__ import annotations

import pytest

from landbridge.testing import crashpoints
from tests.faults import places, scenario
from tests.faults.places import SEED, SOAK, Before

EACH = 10_000 if SOAK else 15


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Before:
    folder = tmp_path_factory.mktemp("company")
    if request.param == "sqlite":
        return places.prepared(folder, *places.on_sqlite(folder))
    return places.prepared(folder, *places.on_postgresql(folder, request.getfixturevalue("postgresql")))


def test_the_attacked_run_is_worth_it(before: Before) -> None:
    """It reads, merges, plans and writes all that there is, and a second run changes nothing."""
    assert sum("after the write" in name for name in before.names) > 20
    assert {name.split(".")[2] for name in before.names} >= {
        "read",
        "merge",
        "plan",
        "guard",
        "write",
        "claim",
        "deliver",
        "keep",
    }
    assert [len(before.end["people"][system]) for system in ("chat", "intranet")] == [5, 5]
    assert before.end["said"]["news-it"][-3:] == [(None, "**Third**\n\n!", f"**Eve:** k{n}") for n in (5, 6, 7)]


def test_1_6_7_killed_at_every_boundary_the_end_is_the_same(before: Before) -> None:
    wrong = {}
    for number in crashpoints.chosen(before.names, EACH, SEED):
        with before.copy() as place:
            name = crashpoints.kill_at(number, scenario.landbridge_runs, *place)
            assert name
            scenario.comes_to_rest(*place)
            end = scenario.seen(*place)
        if end != before.end:
            wrong[f"{number} {name}"] = {part: end[part] for part in end if end[part] != before.end[part]}
    assert wrong == {}


def test_1_6_7_killed_again_while_recovering_the_end_is_the_same(before: Before) -> None:
    """A dead run's work is taken over by a run that dies as well, and that one's by another."""
    for number in crashpoints.chosen(before.names, 0)[:: 1 if SOAK else 8]:
        with before.copy() as place:
            for at in (number, 7, 60, 150):
                crashpoints.kill_at(at, scenario.landbridge_runs, *place)
            scenario.comes_to_rest(*place)
            assert scenario.seen(*place) == before.end, (number, before.names[number - 1])
