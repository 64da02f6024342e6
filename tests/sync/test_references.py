"""What one record names in another: it is said as soon as the other one is there, and waits for nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from landbridge.store.hub import Hub
from landbridge.sync import load_company, run_flow
from tests.sync.acting import people
from tests.sync.conftest import HOME, World, account, make_world, staff

TEAMS = """
system: {system}
stream: memberships
kind: membership
fields:
  group: room | ref("groups")
  person: user | ref("people")
examples:
  - name: one
    native: {{room: g, user: p}}
    canonical: {{group: {{stream: groups, key: g}}, person: {{stream: people, key: p}}}}
"""
FLOW = """
flow: teams
purpose: Who is in a team according to HR is in it everywhere.
kind: membership
from: {hr/memberships: {}}
to: {crm/memberships: {}}
"""


@pytest.fixture
def world(hub: Hub, tmp_path: Path) -> World:
    """The small company, whose chat also knows managers, and whose HR and CRM keep teams."""
    home = tmp_path / "company"
    shutil.copytree(HOME, home)
    mapping = home / "mappings" / "chat_app" / "people.yaml"
    mapping.write_text(mapping.read_text().replace("fields:\n", 'fields:\n  manager: boss | ref("people")\n', 1))
    for system in ("hr_app", "crm_app"):
        (home / "mappings" / system / "memberships.yaml").write_text(TEAMS.format(system=system))
    (home / "config" / "flows" / "teams.yaml").write_text(FLOW)
    return staff(make_world(load_company(home), hub))


def test_a_manager_is_named_once_the_manager_is_there(world: World) -> None:
    """Anna reports to Cleo, who comes later, and Bert to Anna."""
    for subordinate, manager in (("1", "3"), ("2", "1")):
        world.hr.put("people", id=subordinate, boss=manager)
    world.run("people")
    world.run("people")
    found = people(world, "chat")
    assert found["anna"]["boss"] == account(world, "chat", "cleo")
    assert found["bert"]["boss"] == account(world, "chat", "anna")
    world.quiet()


def test_memberships_that_a_system_says_are_carried(world: World) -> None:
    world.run("people")
    for stream, names in (("people", ("number", "login", "mail")), ("groups", ("name", "code"))):
        for one in world.hr.all(stream):
            world.crm.put(stream, id=f"c{one['id']}", **{name: one[name] for name in names})
    sales = next(one["id"] for one in world.hr.all("groups") if one["code"] == "sales")
    key = world.hr.put("memberships", room=sales, user="1")
    for _ in range(2):
        run_flow(world.bridge, "teams")
        [carried] = world.crm.all("memberships")
        assert (carried["room"], carried["user"]) == (f"c{sales}", "c1")
    world.hr.drop("memberships", key)
    run_flow(world.bridge, "teams")
    assert world.crm.all("memberships") == []
