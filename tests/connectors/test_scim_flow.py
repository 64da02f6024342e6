"""The engine between a real slapd and a real scim2-server: a company's directory provisions an identity provider."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest

from connectors.ldap.connector import Ldap
from connectors.scim.connector import Scim
from landbridge.connector.config import connection_from
from landbridge.sync import Bridge, load_company, open_bridge, run_flow
from sandbox.company import Company, halbrueck
from sandbox.scim import Scim as Server
from sandbox.slapd import GROUPS, Slapd, person_dn
from tests.connectors.reading import natives_of
from tests.servers import brought_up

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[2]
COMPANY = halbrueck()
ANNA = COMPANY.people[0]
OTHER = next(one.code for one in COMPANY.departments if one.code != ANNA.department)
PEOPLE = [person for person in COMPANY.people if person.department in (ANNA.department, OTHER)]
FILES = {
    "systems": "systems: {directory: {connector: ldap}, identities: {connector: scim}}",
    "flows/people": """
flow: people
purpose: Who is in the directory can sign in.
kind: person
from: {directory/people: {}}
to: {identities/users: {only: active, leaver: {disable: at once}}}
""",
    "flows/groups": """
flow: groups
purpose: The directory's groups are the provider's.
kind: group
from: {directory/groups: {}}
to: {identities/groups: {}}
""",
    "flows/members": """
flow: members
purpose: Who is in them, too.
kind: membership
from: {directory/memberships: {}}
to: {identities/memberships: {}}
""",
}


class Empty(Server):
    def seed(self, company: Company) -> None:
        """Nobody is there yet."""


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    with brought_up(Slapd) as system:
        yield system


@pytest.fixture
def bridge(slapd: Slapd, tmp_path: Path, hub_url: str) -> Iterator[Bridge]:
    for name, text in FILES.items():
        path = tmp_path / "config" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("ldap", "scim"):
        shutil.copytree(ROOT / "mappings" / name, tmp_path / "mappings" / name)
    with brought_up(Empty) as server:
        connections = slapd.connections() | server.connections()
        few = f"(|(departmentNumber={ANNA.department})(departmentNumber={OTHER}))"
        connections["directory"]["extra"] |= {"disabled_by": "employeeType=former", "people_filter": few}
        known = {name: connection_from(name, data) for name, data in connections.items()}
        with open_bridge(load_company(tmp_path), known.__getitem__, hub_url) as found:
            yield found


def moved(bridge: Bridge) -> dict[str, int]:
    counts: dict[str, int] = {}
    for flow in ("groups", "people", "members"):
        report = run_flow(bridge, flow)
        assert report.failures == []
        for name, count in report.counts.items():
            counts[name] = counts.get(name, 0) + count
    told = ("created", "updated", "disabled", "enabled", "deleted", "set_aside")
    return {name: counts[name] for name in told if counts.get(name)}


def quiet(bridge: Bridge) -> dict[str, int]:
    """What is done until nothing more is to be done."""
    counts: dict[str, int] = {}
    for _ in range(3):
        found = moved(bridge)
        if not found:
            return counts
        counts = {name: counts.get(name, 0) + found.get(name, 0) for name in (*counts, *found)}
    raise AssertionError(f"It does not come to rest: {found}")


def test_a_directory_provisions_an_identity_provider(slapd: Slapd, bridge: Bridge) -> None:
    directory, provider = bridge.connector("directory"), bridge.connector("identities")
    assert isinstance(directory, Ldap)
    assert isinstance(provider, Scim)
    people, groups = len(PEOPLE), len(COMPANY.departments)
    settled = quiet(bridge)
    assert settled["created"] == people + groups + people
    assert settled.keys() <= {"created", "updated"}  # a manager is named once the manager is there
    users = {native["userName"]: native for native in natives_of(provider, "users").values()}
    found = users[ANNA.user_name]
    assert found["enterprise"]["employeeNumber"] == ANNA.number
    assert found["emails"] == [{"value": ANNA.email, "primary": True}]
    assert len(natives_of(provider, "memberships")) == people
    numbers = {person.number: person for person in PEOPLE}
    somebody, boss = next((one, numbers[one.manager]) for one in PEOPLE if one.manager in numbers)
    assert users[somebody.user_name]["enterprise"]["manager"] == users[boss.user_name]["id"]

    key = next(key for key, native in natives_of(directory, "people").items() if native["uid"] == [ANNA.user_name])
    directory.disable_person(key, "m")
    change(slapd, person_dn(PEOPLE[1]), title=b"Cook")
    assert moved(bridge) == {"updated": 1, "disabled": 1}
    assert natives_of(provider, "users")[found["id"]]["active"] is False
    directory.enable_person(key, "m")
    assert moved(bridge) == {"enabled": 1}

    before = memberships(provider)
    other = next(one for one in COMPANY.departments if one.code not in (ANNA.department, OTHER))
    dn, member = f"cn={other.code},{GROUPS}", person_dn(ANNA).encode()
    session(slapd).modify_s(dn, [(ldap.MOD_ADD, "member", [member])])
    assert moved(bridge) == {"created": 1}
    assert len(memberships(provider) - before) == 1
    session(slapd).modify_s(dn, [(ldap.MOD_DELETE, "member", [member])])
    assert moved(bridge) == {"deleted": 1}
    assert memberships(provider) == before

    # Somebody is in the group on both sides before Landbridge knows it.
    group = next(key for key, native in natives_of(provider, "groups").items() if native["displayName"] == other.code)
    provider.writer("memberships", "create")({"group": group, "user": found["id"]}, "m")
    session(slapd).modify_s(dn, [(ldap.MOD_ADD, "member", [member])])
    quiet(bridge)
    assert memberships(provider) - before == {(group, found["id"])}
    assert moved(bridge) == {}


def memberships(provider: Scim) -> set[tuple[str, str]]:
    return {(one["group"], one["user"]) for one in natives_of(provider, "memberships").values()}


def session(slapd: Slapd) -> Any:
    data = slapd.connections()["directory"]
    found = ldap.initialize(data["host"])
    found.simple_bind_s(data["login"], data["password"])
    return found


def entry(slapd: Slapd, dn: str) -> dict[str, list[bytes]]:
    [(_, found)] = session(slapd).search_s(dn, ldap.SCOPE_BASE)
    return dict(found)


def change(slapd: Slapd, dn: str, **attributes: bytes) -> None:
    session(slapd).modify_s(dn, [(ldap.MOD_REPLACE, name, [value]) for name, value in attributes.items()])
