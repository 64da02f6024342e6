"""Drafts of mappings: recognised by names and by values, and true of the records they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from landbridge.errors import MappingError
from landbridge.mapping import parse_mapping
from landbridge.mapping.canonical import canonical_paths
from landbridge.mapping.draft import draft
from landbridge.mapping.drafted import Source
from landbridge.mapping.synonyms import LEADS_TO, MATCH, OPPOSITES, SYNONYMS, WORDS
from landbridge.model import KINDS, ref_fields

RECORDED = Path(__file__).parents[1] / "connectors" / "recordings"
STREAMS = {"people": "person", "teams": "group", "rooms": "space", "posts": "document", "notes": "message"}
PERSON = {
    "id": 7,
    "login": "anna",
    "firstName": "Anna",
    "last_name": "Müller",
    "contact": {"reach": "anna@example.org", "mobile": "+49 171 1"},
    "employeeId": 12,
    "supervisor": {"id": 3},
    "team_id": "t1",
    "hire-date": "2024-01-31",
    "disabled": False,
    "shoe size": 42,
}


def fields(kind: str, *natives: dict[str, Any], stream: str = "x") -> dict[str, Any]:
    made = draft(Source("tool", stream, kind, ("id",), list(natives), STREAMS))
    assert parse_mapping(made.text).run_examples() == []
    return dict(yaml.safe_load(made.text)["fields"])


def test_a_person_by_names_and_by_values() -> None:
    assert fields("person", PERSON) == {
        "user_name": "login",
        "name.given": "firstName",
        "name.family": "last_name",
        "emails": "contact.reach | as_email",
        "phones": "contact.mobile | as_phone",
        "department": 'team_id | ref("teams")',
        "employee_number": "employeeId | text(number=true)",
        "manager": 'supervisor.id | ref("people", number=true)',
        "employment.starts": "hire-date | date",
        "active": "disabled | not",
    }


def test_what_is_not_recognised_stands_in_comments_with_shape_and_example() -> None:
    made = draft(Source("tool", "people", "person", ("id",), [PERSON], STREAMS))
    assert '#   ["shoe size"]  number     42' in made.text
    assert "Nothing was found for: " in made.text
    assert "photo" in made.empty
    assert "shoe size" not in made.text.partition("examples:")[2]
    assert yaml.safe_load(made.text)["match"] == ["employee_number", "emails", "user_name"]


def test_lists_of_addresses_and_a_directorys_lists_of_one() -> None:
    many = {"id": 1, "emails": [{"value": "a@example.org", "type": "work", "primary": True}]}
    assert fields("person", many)["emails"] == 'emails | emails(value="value", type="type", primary="primary")'
    entry = {"entryUUID": "1", "cn": ["Anna Müller"], "mail": ["a@example.org"]}
    assert fields("person", entry) == {"display_name": "cn[0]", "emails": "mail | emails"}
    assert fields("person", entry | {"mail": ["a@example.org", "b@example.org"]})["emails"] == "mail | emails"


def test_messages_with_times_threads_and_markup() -> None:
    note = {"id": 2, "post": 1, "parent": 0, "html": "<p>Yes</p>", "author": "Anna", "created_at": 1772430000}
    found = fields("message", note, stream="notes")
    assert found["thread"] == 'post | ref("posts", number=true)'
    assert found["reply_to"] == 'parent | ref("notes", number=true, none=0)'
    assert found["guest"] == {"native": "author", "direction": "in"}
    assert 'html | richtext("' in str(found["body"])
    assert found["sent_at"] == {"native": 'created_at | datetime("unix_s")', "direction": "in"}


def test_words_of_a_vocabulary() -> None:
    assert (
        fields("document", {"id": 1, "title": "A", "status": "publish"})["state"]
        == 'status | enum(publish="published")'
    )
    assert fields("document", {"id": 1, "title": "A", "status": "draft"})["state"] == "status"
    assert "state" not in fields("document", {"id": 1, "title": "A", "status": "zork"})


def test_a_field_that_one_record_contradicts_is_left_out() -> None:
    assert "active" not in fields("person", PERSON, PERSON | {"disabled": "perhaps"})


def test_nothing_to_recognise() -> None:
    with pytest.raises(MappingError, match="looks like a field of a person"):
        draft(Source("tool", "x", "person", ("id",), [{"id": 1, "zork": 2}]))
    with pytest.raises(MappingError, match="There is no kind"):
        draft(Source("tool", "x", "persona", ("id",), [PERSON]))


@pytest.mark.parametrize(("stream", "kind"), [("users", "person"), ("posts", "document"), ("comments", "message")])
def test_drafts_of_what_was_recorded_hold(stream: str, kind: str) -> None:
    natives = json.loads((RECORDED / "wordpress.json").read_text())[stream]
    made = draft(Source("wordpress", stream, kind, ("id",), natives, {"users": "person", "posts": "document"}))
    assert len(made.lines) >= 5
    assert parse_mapping(made.text).run_examples() == []


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**40),
    st.text(max_size=12),
    st.sampled_from(["a@example.org", "2024-01-31"]),
)
_NAMES = st.sampled_from([name for names in SYNONYMS.values() for known in names.values() for name in known])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(SYNONYMS)),
    natives=st.lists(
        st.dictionaries(_NAMES | st.text(min_size=1, max_size=5), _VALUES | st.lists(_VALUES, max_size=2), min_size=1),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_whatever_the_records_a_draft_holds(kind: str, natives: list[dict[str, Any]]) -> None:
    try:
        made = draft(Source("tool", "x", kind, ("id",), natives, STREAMS))
    except MappingError:
        assume(False)
    mapping = parse_mapping(made.text)
    assert mapping.run_examples() == []
    assert all(mapping.into(native).claim is not None for native in natives)


def test_the_tables_speak_of_the_model() -> None:
    assert SYNONYMS.keys() == KINDS.keys()
    for kind, wanted in SYNONYMS.items():
        assert wanted.keys() <= canonical_paths(kind).keys()
        assert set(MATCH.get(kind, ())) <= wanted.keys()
    references = {path for kind in KINDS for path in ref_fields(kind)}
    assert LEADS_TO.keys() == references
    assert {kind for leads in LEADS_TO.values() for kind in leads} <= KINDS.keys()
    assert OPPOSITES.keys() <= {path for wanted in SYNONYMS.values() for path in wanted}
    words = {word for kind in KINDS for shape in canonical_paths(kind).values() for word in shape.words or ()}
    assert set(WORDS.values()) <= words
