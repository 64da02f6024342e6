"""A mapping is changed between two runs: that nobody has changed a record stays true, whatever it says by then."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from landbridge.store import decisions
from landbridge.sync import load_company, read
from tests.sync.conftest import World
from tests.sync.test_two_way import HOME, retitle, titles, two_way

__all__ = ["two_way"]
Remap = Callable[[str, str, str], None]


@pytest.fixture
def remap(two_way: World, tmp_path: Path) -> Remap:
    """In a system's mapping of people, this text becomes that one."""
    home = tmp_path / "company"
    shutil.copytree(HOME, home)

    def change(system: str, before: str, after: str) -> None:
        file = home / "mappings" / f"{system}_app" / "people.yaml"
        text = file.read_text()
        assert before in text
        file.write_text(text.replace(before, after))
        two_way.bridge.company = load_company(home)

    return change


def asked(world: World) -> list[str]:
    with world.bridge.hub.read() as conn:
        return [one.question for one in decisions.open_decisions(conn)]


def test_5_what_another_mapping_says_is_nobodys_edit(two_way: World, remap: Remap) -> None:
    """Chat's number is mobile by now: nobody has taken it away in HR."""
    two_way.hr.put("people", id="1", phone="123")
    two_way.run("people")
    remap("chat", 'as_phone("work")', 'as_phone("mobile")')
    two_way.run("people")
    two_way.run("people")
    assert two_way.hr.all("people")[0]["phone"] == "123"
    assert asked(two_way) == []


def test_a_field_that_is_mapped_no_more_stays_what_it_was_and_one_that_is_again_is_brought_up_to_date(
    two_way: World, remap: Remap
) -> None:
    retitle(two_way, "chat", "Seller")
    two_way.run("people")
    remap("chat", "  title: title\n", "")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3
    retitle(two_way, "hr", "Manager")
    two_way.run("people")
    assert titles(two_way) == ["Manager", "Seller", "Manager"]
    remap("chat", "  phones:", "  title: title\n  phones:")
    two_way.run("people")
    assert titles(two_way) == ["Manager"] * 3
    assert asked(two_way) == []


def test_what_one_system_alone_says_follows_its_mapping(two_way: World, remap: Remap) -> None:
    two_way.hr.put("people", id="1", phone="123")
    two_way.run("people")
    remap("hr", 'as_phone("work")', 'as_phone("mobile")')
    remap("cms", 'as_phone("work")', 'as_phone("mobile")')
    two_way.run("people")
    two_way.run("people")
    assert [two_way.systems[name].all("people")[0].get("phone") for name in ("hr", "chat", "cms")] == [
        "123",
        None,
        "123",
    ]


def test_9_who_edits_when_the_mapping_changes_is_heard(two_way: World, remap: Remap) -> None:
    remap("chat", 'as_phone("work")', 'as_phone("mobile")')
    retitle(two_way, "chat", "Seller")
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3


def test_9_what_is_not_merged_yet_when_the_mapping_changes_is_not_lost(two_way: World, remap: Remap) -> None:
    """Also where the other mapping says something else of the same record."""
    two_way.hr.put("people", id="1", phone="123")
    two_way.run("people")
    retitle(two_way, "chat", "Seller")
    read(two_way.bridge, "chat", "people")
    remap("chat", 'as_phone("work")', 'as_phone("mobile")')
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3


def test_9_who_edits_a_field_while_it_is_not_mapped_is_heard_once_it_is(two_way: World, remap: Remap) -> None:
    remap("chat", "  title: title\n", "")
    retitle(two_way, "chat", "Seller")
    two_way.run("people")
    assert titles(two_way) == ["Clerk", "Seller", "Clerk"]
    remap("chat", "  phones:", "  title: title\n  phones:")
    two_way.run("people")
    two_way.run("people")
    assert titles(two_way) == ["Seller"] * 3
