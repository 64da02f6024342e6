"""The standard's own examples: RFC 7643 and 7644."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.scim import natives
from connectors.scim.connector import Scim
from landbridge.mapping import load_mapping
from landbridge.model import validate
from tests.connectors.scim.acting import MAPPINGS, MARKER
from tests.connectors.scim.provider import Provider
from tests.shared import SHARED

EXAMPLES = SHARED / "contracts" / "scim"


def example(name: str) -> Any:
    if not SHARED.is_dir():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the examples of RFC 7643 and 7644")
    return json.loads((EXAMPLES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["8.1-user-minimal", "8.2-user-full", "8.3-enterprise_user"])
def test_the_users_of_rfc_7643_become_valid_claims(name: str) -> None:
    raw = example(f"rfc7643-{name}")
    mapped = load_mapping(MAPPINGS / "users.yaml").into(natives.user(raw))
    claim = validate("person", mapped.claim)
    assert claim["user_name"] == raw["userName"]
    if "enterprise" in name:
        assert claim["employee_number"] == "701984"
        assert claim["manager"] == {"stream": "users", "key": "26118915-6090-4610-87e4-49d8ca9f808d"}


def test_the_group_of_rfc_7643_and_its_members() -> None:
    raw = example("rfc7643-8.4-group")
    assert natives.group(raw) == {"id": raw["id"], "displayName": "Tour Guides"}
    assert natives.members(raw) == [member["value"] for member in raw["members"]]


def test_a_removal_has_the_form_of_rfc_7644(provider: Provider, scim: Scim) -> None:
    (operation,) = example("rfc7644-3.5.2.2-patch_op-remove_one_member")["Operations"]
    group = provider.add("Groups", members=[{"value": "2819c223-7f76-...413861904646"}])
    scim.writer("memberships", "delete")(json.dumps([group, "2819c223-7f76-...413861904646"]), MARKER)
    assert provider.bodies("PATCH")[0]["Operations"] == [operation]
