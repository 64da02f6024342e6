"""The JSON Schema accepts what the compiler accepts, and refuses what an editor should underline."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from landbridge.mapping import mapping_schema
from landbridge.mapping.transforms import TRANSFORMS

GOOD: dict[str, Any] = {
    "system": "slack",
    "stream": "users",
    "kind": "person",
    "only": "not is_bot",
    "match": ["emails"],
    "fields": {
        "name.given": "first",
        "emails": ["mail | as_email", "home | as_email"],
        "title": {"native": "title", "strength": "weak", "direction": "in"},
        "labels": "labels",
        "audience": "audience",
    },
    "create": {"status": "new"},
    "examples": [{"name": "one", "native": {"first": "A"}, "canonical": {"name": {"given": "A"}}, "into_only": True}],
}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(mapping_schema())
    return Draft202012Validator(mapping_schema())


def test_a_good_mapping(validator: Draft202012Validator) -> None:
    assert validator.is_valid(GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "persn"},
        {"kind": "case"},
        {"fields": {"titel": "t"}},
        {"fields": {"name": "t"}},
        {"fields": {"title": 5}},
        {"fields": {"title": {"native": "t", "strength": "wek"}}},
        {"examples": []},
        {"feilds": {}},
    ],
)
def test_bad_mappings(validator: Draft202012Validator, change: dict[str, Any]) -> None:
    assert not validator.is_valid(GOOD | change)


def test_editors_show_the_transforms() -> None:
    description = mapping_schema()["$defs"]["expression"]["description"]
    assert all(transform.usage in description for transform in TRANSFORMS.values())
