"""A public directory for tests (Planet Express), which was made without us: people named otherwise, groups of another class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.ldap.connector import Ldap
from landbridge.errors import RecordError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.slapd import BASE, CONFIGURATION, PEOPLE, Slapd
from tests.connectors.ldap_desk import connector
from tests.connectors.reading import natives_of
from tests.servers import brought_up
from tests.shared import SHARED

pytestmark = pytest.mark.server

MAPPING = Path(__file__).parents[2] / "mappings" / "ldap" / "people.yaml"
SAMPLE = SHARED / "samples" / "ldap" / "planetexpress" / "data"
# The group class of Active Directory, which the sample's groups have.
CLASS = (
    "olcAttributeTypes: ( 1.2.840.113556.1.4.750 NAME 'groupType' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )\n"
    "olcObjectClasses: ( 1.2.840.113556.1.5.8 NAME 'Group' SUP top STRUCTURAL MUST ( groupType $ cn ) MAY member )\n"
)


class PlanetExpress(Slapd):
    configuration: ClassVar[str] = CONFIGURATION.replace(
        "dn: olcDatabase={{0}}config",
        f"dn: cn={{{{9}}}}sample,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: sample\n{CLASS}\n"
        "dn: olcDatabase={{0}}config",
        1,
    )


@pytest.fixture(scope="module")
def directory() -> Iterator[Ldap]:
    if not SAMPLE.exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the sample directory")
    with brought_up(PlanetExpress) as slapd:
        whole = "\n".join(file.read_text().strip("\n") + "\n" for file in sorted(SAMPLE.glob("[13]0_*.ldif")))
        slapd._add(whole.replace("ou=people,dc=planetexpress,dc=com", PEOPLE).replace("dc=planetexpress,dc=com", BASE))
        yield connector(slapd, people_filter="(description=*)", groups=BASE, groups_filter="(objectClass=Group)")


def test_everyone_of_the_sample(directory: Ldap) -> None:
    mapping = load_mapping(MAPPING)
    found = natives_of(directory, "people").values()
    claims = {claim["user_name"]: claim for claim in (validate("person", mapping.into(one).claim) for one in found)}
    assert {"amy", "bender", "fry", "hermes", "leela", "professor", "zoidberg"} <= claims.keys()
    assert claims["fry"]["display_name"] == "Fry"
    assert claims["amy"]["display_name"] == "Amy Wong"
    assert claims["fry"]["photo"]["media_type"] == "image/jpeg"


def test_members_of_another_class_of_group(directory: Ldap) -> None:
    people = {key: one["uid"][0] for key, one in natives_of(directory, "people").items()}
    groups = {key: one["cn"][0] for key, one in natives_of(directory, "groups").items()}
    members = natives_of(directory, "memberships").values()
    assert {people[one["user"]] for one in members if groups[one["group"]] == "ship_crew"} == {"fry", "leela", "bender"}
    crew = next(key for key, name in groups.items() if name == "ship_crew")
    amy = next(key for key, name in people.items() if name == "amy")
    directory.writer("memberships", "create")({"group": crew, "user": amy}, "m")
    assert directory.find("memberships", {"group": crew, "user": amy}, "m") is not None
    directory.writer("memberships", "delete")(json.dumps([crew, amy]), "m")
    assert directory.find("memberships", {"group": crew, "user": amy}, "m") is None


def test_who_is_named_by_something_else_stays_where_they_are(directory: Ldap) -> None:
    people = {one["uid"][0]: one for one in natives_of(directory, "people").values()}
    found = directory.writer("people", "update")(
        people["leela"]["entryUUID"], {"uid": ["turanga"], "title": ["Captain"]}, "m"
    )
    assert (found["uid"], found["title"], found["dn"]) == (["turanga"], ["Captain"], people["leela"]["dn"])
    directory.writer("people", "update")(people["leela"]["entryUUID"], {"uid": ["leela"]}, "m")
    with pytest.raises(RecordError, match="Changing one of people failed"):
        directory.writer("people", "update")(
            people["amy"]["entryUUID"], {"sn": ["Wong"]}, "m"
        )  # it is part of her name there
