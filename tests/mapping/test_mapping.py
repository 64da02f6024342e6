"""What a mapping does in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landbridge.errors import MappingError, RecordError
from landbridge.mapping import Mapping, load_mapping, load_mappings, parse_mapping
from landbridge.model import validate

SLACK = """
system: slack
stream: users
kind: person
only: not is_bot and id != "USLACKBOT"
match: [employee_number, emails]
fields:
  display_name: profile.display_name or profile.real_name or name
  name.given:   profile.first_name
  name.family:  profile.last_name
  emails:       profile.email | as_email
  active:       deleted | not
  title:        {native: profile.title, strength: weak}
  external:     {native: is_restricted or is_ultra_restricted, direction: in}
  employee_number: profile["fields"]."Xf 1".value
  manager:      supervisor | ref("employees")
create: {profile: {status_text: new}, team: T1}
examples:
  - name: a colleague
    native: {id: U1, deleted: false, profile: {display_name: Ada, email: ada@example.com}, is_restricted: false}
    canonical: {display_name: Ada, emails: [{value: ada@example.com, primary: true}], active: true, external: false}
"""


def person(*fields: str, rest: str = "") -> Mapping:
    lines = "".join(f"  {line}\n" for line in fields)
    return parse_mapping(f"system: s\nstream: users\nkind: person\nfields:\n{lines}{rest}")


@pytest.fixture(scope="module")
def slack() -> Mapping:
    return parse_mapping(SLACK)


def test_reads_a_record(slack: Mapping) -> None:
    native = {
        "profile": {"real_name": "Ada L.", "first_name": "Ada", "fields": {"Xf 1": {"value": "17"}}},
        "supervisor": 5,
    }
    assert slack.into(native).claim == {
        "display_name": "Ada L.",
        "name.given": "Ada",
        "employee_number": "17",
        "manager": {"stream": "employees", "key": "5"},
    }


def test_filters(slack: Mapping) -> None:
    assert slack.accepts({"id": "U1"})
    assert slack.accepts({"id": "U1", "is_bot": None})
    assert not slack.accepts({"id": "U1", "is_bot": True})
    assert not slack.accepts({"id": "USLACKBOT"})


def test_writes_only_the_given_fields(slack: Mapping) -> None:
    assert slack.out({"title": "Engineer", "external": True, "locale": "de"}).native == {
        "profile": {"title": "Engineer"}
    }
    assert slack.out({}).native == {}


def test_writes_the_first_alternative(slack: Mapping) -> None:
    assert slack.out({"display_name": "Ada"}).native == {"profile": {"display_name": "Ada"}}


def test_create_adds_its_values_and_stays_as_it_is(slack: Mapping) -> None:
    first = slack.out({"title": "Engineer"}, create=True).native
    assert first == {"profile": {"status_text": "new", "title": "Engineer"}, "team": "T1"}
    first["profile"]["status_text"] = "changed"
    assert slack.out({}, create=True).native == {"profile": {"status_text": "new"}, "team": "T1"}


def test_a_field_wins_over_what_is_set_on_create() -> None:
    mapping = person("title: job.title", rest="create: {job: {title: none, level: 1}}\n")
    assert mapping.out({"title": "Engineer"}, create=True).native == {"job": {"title": "Engineer", "level": 1}}


@pytest.mark.parametrize(
    ("native", "claim"),
    [
        ({}, {}),
        ({"a": None}, {"title": None}),
        ({"a": ""}, {"title": ""}),
        ({"b": None}, {"title": None}),
        ({"a": "", "b": None}, {"title": ""}),
        ({"a": None, "b": ""}, {"title": None}),
        ({"a": None, "b": "x"}, {"title": "x"}),
        ({"a": "", "b": "x"}, {"title": "x"}),
        ({"a": "w", "b": "x"}, {"title": "w"}),
    ],
)
def test_or_takes_the_first_that_says_something_else_the_first_that_is_there(native: Any, claim: Any) -> None:
    assert person("title: a or b").into(native).claim == claim


def test_or_between_flags_is_true_when_one_is(slack: Mapping) -> None:
    assert slack.into({"is_restricted": False, "is_ultra_restricted": True}).claim == {"external": True}
    assert slack.into({"is_restricted": False}).claim == {"external": False}


def test_absent_null_and_empty_stay_three(slack: Mapping) -> None:
    assert slack.into({}).claim == {}
    assert slack.into({"profile": {}}).claim == {}
    assert slack.into({"profile": {"title": None}}).claim == {"title": None}
    assert slack.into({"profile": {"title": ""}}).claim == {"title": ""}
    assert slack.into({"profile": {"email": ""}}).claim == {"emails": []}
    assert slack.out({"emails": None}).native == {"profile": {"email": None}}
    assert slack.out({"emails": []}).native == {"profile": {"email": ""}}


def test_a_null_list_stays_null(slack: Mapping) -> None:
    claim = slack.into({"profile": {"email": None}}).claim
    assert claim == validate("person", claim) == {"emails": None}


def test_below_null_everything_is_null_and_below_phps_empty_object_nothing_is() -> None:
    mapping = person("title: job.title")
    assert mapping.into({"job": None}).claim == {"title": None}
    assert mapping.into({"job": []}).claim == {}


def test_another_shape_is_an_error_of_the_record_and_not_absence() -> None:
    mapping = person("title: job.title")
    with pytest.raises(RecordError) as caught:
        mapping.into({"job": "Anna Secret"})
    assert str(caught.value) == (
        "s/users title (mapping.yaml:5): expected an object that may hold 'title', found a text."
    )


def test_errors_of_a_record_never_show_its_values() -> None:
    mapping = person("emails: mail | as_email", "employment.starts: since | date", 'title: "t | enum(a=\\"x\\")"')
    for native in ({"mail": {"Anna": 1}}, {"since": "Anna"}, {"t": "Anna"}, {"t": ["Anna"]}):
        with pytest.raises(RecordError) as caught:
            mapping.into(native)
        assert "Anna" not in str(caught.value)
        assert "mapping.yaml:" in str(caught.value)


def test_a_native_that_is_no_object_is_an_error_of_the_record() -> None:
    with pytest.raises(RecordError, match=r"s/users title \(mapping.yaml:5\): cannot be read \(AttributeError\)"):
        person("title: a").into(["x"])  # type: ignore[arg-type]


def test_null_of_a_whole_object_is_null_of_its_parts() -> None:
    mapping = person("name.given: first", "name.family: last")
    assert mapping.out({"name": None}).native == {"first": None, "last": None}
    assert mapping.out({"name": None, "name.given": "A"}).native == {"first": "A", "last": None}


def test_not_is_a_transform_at_the_top_of_a_field() -> None:
    mapping = person("active: not deleted")
    assert mapping.into({"deleted": "False"}).claim == {"active": True}
    assert mapping.into({"deleted": None}).claim == {"active": None}
    assert mapping.out({"active": False}).native == {"deleted": True}


def test_a_condition_is_absent_where_all_it_asks_about_is_absent() -> None:
    mapping = person('active: {native: status == "active" and not locked, direction: in}')
    assert mapping.into({}).claim == {}
    assert mapping.into({"status": "active"}).claim == {"active": True}
    assert mapping.into({"status": None}).claim == {"active": False}
    assert mapping.into({"locked": True}).claim == {"active": False}


def test_a_constant_needs_no_native_field_and_is_not_written() -> None:
    text = 'system: s\nstream: g\nkind: group\nfields:\n  type: const("department")\n  name: name\n'
    mapping = parse_mapping(text)
    assert mapping.into({}).claim == {"type": "department"}
    assert mapping.out({"type": "department"}).native == {}
    assert mapping.writable == {"name"}
    assert mapping.fields["type"].direction == "in"


def test_a_list_of_expressions_joins_and_parts_lists() -> None:
    mapping = person("phones:", '  - mobile | as_phone("mobile")', '  - office | as_phone("work")')
    claim = {"phones": [{"value": "1", "type": "mobile"}, {"value": "2", "type": "work"}]}
    assert mapping.into({"mobile": "1", "office": "2"}).claim == claim
    assert mapping.out(claim).native == {"mobile": "1", "office": "2"}
    assert mapping.into({"office": "2"}).claim == {"phones": claim["phones"][1:]}
    assert mapping.into({"mobile": None, "office": ""}).claim == {"phones": []}
    assert mapping.into({"mobile": None}).claim == {"phones": None}
    assert mapping.into({}).claim == {}
    assert mapping.out({"phones": claim["phones"][1:]}).native == {"mobile": None, "office": "2"}
    assert mapping.out({"phones": None}).native == {"mobile": None, "office": None}


def test_a_key_of_several_parts() -> None:
    text = 'system: s\nstream: m\nkind: message\nfields:\n  space: channel | ref("rooms")\n'
    mapping = parse_mapping(text + "  thread: '[channel, thread_ts] | ref(\"m\")'\n")
    claim = {"space": {"stream": "rooms", "key": "C1"}, "thread": {"stream": "m", "key": '["C1","17.5"]'}}
    assert mapping.into({"channel": "C1", "thread_ts": "17.5"}).claim == claim
    assert mapping.into({"channel": "C1"}).claim == {"space": claim["space"]}
    assert mapping.into({"channel": "C1", "thread_ts": None}).claim == {"space": claim["space"], "thread": None}
    assert mapping.out(claim).native == {"channel": "C1", "thread_ts": "17.5"}
    with pytest.raises(RecordError, match="expected a key of 2 parts"):
        mapping.out({"thread": {"stream": "m", "key": "C1"}})


def test_elements_of_lists() -> None:
    mapping = person("title: jobs[0].title", "division: {native: 'jobs[-1].unit', direction: in}")
    assert mapping.into({"jobs": [{"title": "a"}, {"unit": "b"}]}).claim == {"title": "a", "division": "b"}
    assert mapping.into({"jobs": []}).claim == {}
    assert mapping.into({"jobs": None}).claim == {"title": None, "division": None}
    assert mapping.out({"title": "a"}).native == {"jobs": [{"title": "a"}]}


def test_odd_names() -> None:
    mapping = person(
        "title: '\"urn:x:2.0:User\".title'", "division: '[\"odd key\"].unit'", 'locale: links."wp:term"[0]'
    )
    native = {"urn:x:2.0:User": {"title": "t"}, "odd key": {"unit": "u"}, "links": {"wp:term": ["de"]}}
    assert mapping.into(native).claim == {"title": "t", "division": "u", "locale": "de"}
    assert mapping.out({"title": "t", "division": "u", "locale": "de"}).native == native


def test_fields_say_what_the_engine_asks(slack: Mapping) -> None:
    assert slack.fields["manager"].ref == "employees"
    assert slack.fields["manager"].line == 16
    assert slack.fields["title"].strength == "weak"
    assert slack.fields["external"].direction == "in"
    assert slack.match == ("employee_number", "emails")
    assert "external" not in slack.writable
    assert slack.fields["display_name"].native == "profile.display_name or profile.real_name or name"


def test_kept_is_what_the_system_will_say() -> None:
    mapping = person("emails: mail | as_email", "title: title | text", "external: {native: x, direction: in}")
    desired = {
        "emails": [{"value": "a@x", "type": "home"}, {"value": "b@x", "primary": True}],
        "title": " Engineer ",
        "external": True,
        "locale": "de",
    }
    kept = mapping.kept(desired)
    assert kept == {"emails": [{"value": "b@x", "primary": True}], "title": "Engineer"}
    assert mapping.kept(kept) == kept


def test_the_version_follows_the_file() -> None:
    assert parse_mapping(SLACK).version == parse_mapping(SLACK).version
    assert parse_mapping(SLACK).version != parse_mapping(SLACK + "# changed\n").version


def test_loads_folders_and_lets_a_later_one_replace(tmp_path: Path) -> None:
    for folder, title in (("shipped", "title"), ("own", "custom_title")):
        path = tmp_path / folder / "s" / "users.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(f"system: s\nstream: users\nkind: person\nfields: {{title: {title}}}\n")
    found = load_mappings(tmp_path / "shipped", tmp_path / "own")
    assert found["s", "users"].into({"custom_title": "x"}).claim == {"title": "x"}
    assert load_mapping(tmp_path / "shipped/s/users.yaml").file == str(tmp_path / "shipped/s/users.yaml")


def test_loading_reports_every_file(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a.yaml").write_text("system: s\nstream: b\nkind: person\nfields: {title: t}\n")
    (tmp_path / "s" / "c.yaml").write_text("system: s\nstream: c\nkind: person\nfields: {titel: t}\n")
    with pytest.raises(MappingError) as caught:
        load_mappings(tmp_path)
    assert str(caught.value).replace(str(tmp_path), "") == (
        "/s/a.yaml:1: says it is s/b. Move it to s/b.yaml, or change system and stream.\n"
        "/s/c.yaml:4: titel: a person has no such field. Did you mean title?"
    )
    with pytest.raises(MappingError, match="is no folder"):
        load_mappings(tmp_path / "nowhere")


def test_many_records_cost_one_compilation(monkeypatch: pytest.MonkeyPatch, slack: Mapping) -> None:
    """Mapping ten thousand records parses, binds and compiles nothing."""
    import landbridge.mapping.fields as fields
    import landbridge.mapping.pairs as pairs

    calls: list[str] = []
    monkeypatch.setattr(fields, "parse", lambda *args: calls.append("parse"))
    monkeypatch.setattr(pairs, "bind", lambda *args: calls.append("bind"))
    monkeypatch.setattr("builtins.compile", lambda *args, **more: calls.append("compile"))
    native = {"id": "U1", "deleted": False, "profile": {"display_name": "Ada", "email": "a@x"}}
    mapped = sum(1 for _ in range(10_000) if slack.accepts(native) and slack.out(slack.into(native).claim))
    assert mapped == 10_000
    assert not calls


def test_examples_are_run_both_ways(slack: Mapping) -> None:
    assert slack.run_examples() == []


def test_examples_say_where_they_fail() -> None:
    text = """
system: s
stream: users
kind: person
only: not bot
fields:
  display_name: nick or name
  active: deleted | not
examples:
  - {name: wrong claim, native: {name: Ada}, canonical: {display_name: Eve, title: x}}
  - {name: not written so, native: {name: Ada}, canonical: {display_name: Ada}}
  - {name: read only, native: {name: Ada}, canonical: {display_name: Ada}, into_only: true}
  - {name: said so, native: {name: Ada}, canonical: {display_name: Ada}, out: {nick: Ada}}
  - {name: a bot, native: {bot: true}, canonical: {}}
  - {name: broken, native: {deleted: often}, canonical: {}}
  - {name: not of the kind, native: {nick: 5}, canonical: {display_name: 5}}
"""
    assert parse_mapping(text).run_examples() == [
        "mapping.yaml:10: example \"wrong claim\": into: display_name: expected 'Eve', found 'Ada'.",
        "mapping.yaml:10: example \"wrong claim\": into: title: expected 'x', found nothing.",
        "mapping.yaml:11: example \"not written so\": out: nick: expected nothing, found 'Ada'."
        " Say what is written with `out:`, or `into_only: true`.",
        'mapping.yaml:14: example "a bot": `only` refuses the native record.',
        'mapping.yaml:15: example "broken": s/users active (mapping.yaml:8): expected true or false, found a text.',
        'mapping.yaml:16: example "not of the kind": person.display_name: Input should be a valid string.',
    ]
    assert person("title: t").run_examples() == [
        "mapping.yaml: no examples. Add one under `examples:` with native and canonical."
    ]
