"""The exact words with which a mistake in a mapping is reported."""

from __future__ import annotations

import pytest

from landbridge.errors import MappingError
from landbridge.mapping import parse_mapping

HEAD = "system: s\nstream: users\nkind: person\n"


def message(text: str) -> str:
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "users.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("titel: t", "titel: a person has no such field. Did you mean title?"),
        ("name: t", "name: name is mapped by its parts. Use name.given, name.family, name.formatted."),
        ("name.first: t", "name.first: a person has no such field. Did you mean name.formatted?"),
        ("emails: mail | as_emial", 'emails: unknown transform "as_emial". Did you mean as_email?'),
        ("title: t | text(5)", "title: number must be bool: expected text(number=false)."),
        ("title: t | text(numbr=true)", "title: text has no argument 'numbr'. Did you mean number?"),
        ("title: t | lower(1)", "title: expected lower."),
        ("title: t | lower(x=1)", "title: lower has no argument 'x'. It takes none."),
        ("title: t | enum", 'title: expected enum(native="canonical", …).'),
        ('title: t | enum("a")', 'title: expected enum(native="canonical", …).'),
        ('title: t | enum(a="x", a="y")', "title: enum names 'a' twice."),
        ("employment.starts: t | datetime(\"epoch\")",
         "employment.starts: expected one of iso, naive, offset, unix_s, unix_ms, unix_text, found 'epoch'."),
        ("manager: boss", 'manager: manager holds a reference. End the expression with `| ref("<stream>")`.'),
        ('title: t | ref("users")', "title: title holds no reference. Leave out ref()."),
        ("active: status == \"on\"",
         "active: a condition can be read but not written back. Add `direction: in`."),
        ("active: a and b", "active: a condition can be read but not written back. Add `direction: in`."),
        ("title: t | const(\"x\")", 'title: "const" can be read but not written back. Add `direction: in`.'),
        ("title: jobs[1].t",
         "title: an element other than the first of a list can be read but not written back. Add `direction: in`."),
        ("title: '[a, b] | join'",
         "title: a list of paths without ref() can be read but not written back. Add `direction: in`."),
        ("title: {native: '\"x\"', direction: out}",
         "title: a fixed value can be read but not written back. Add `direction: in`."),
        ("title: first(a)", 'title: unknown function "first". There are no functions here.'),
        ("title: a or", 'title: expected a path or a value, found the end at column 5 of `a or`.'),
        ("title: a b", 'title: expected an operator ("|", "or", "and", "==", …) or the end, found "b" at column 3'
         " of `a b`."),
        ("title: a |", 'title: expected a transform after "|", found the end at column 4 of `a |`.'),
        ("title: a | text(b)",
         'title: expected a value (a text in quotes, a number, true, false or null), found "b" at column 10'
         " of `a | text(b)`."),
        ("title: (a", 'title: expected ")", found the end at column 3 of `(a`.'),
        ("title: a + b", "title: unexpected '+' at column 3 of `a + b`."),
        ("title: a[b]",
         'title: expected a number or a text in quotes between [ and ], found "b" at column 3 of `a[b]`.'),
        ("title: 5", "fields.title: expected an expression (a text), or a list of them."),
        ("title: []", "fields.title: expected an expression (a text), or a list of them."),
        ("title: {native: t, strenght: weak}", "fields.title: unknown key 'strenght'. Did you mean strength?"),
        ("title: {native: t, strength: wek}", "fields.title.strength: expected 'weak', 'normal' or 'strong'."),
        ("title: {strength: weak}", "fields.title: the key 'native' is missing. Add `native: …`."),
        ('title: {native: t | enum(a="x", b="y")}',
         "fields.title: unknown key 'b=\"y\")'. Quote the expression: inside {…} a comma ends it."),
    ],
)  # fmt: skip
def test_a_field(field: str, expected: str) -> None:
    assert message(f"{HEAD}fields:\n  {field}\n") == f"users.yaml:5: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "users.yaml:1: expected keys and values (`key: value`) at the top."),
        ("- a\n", "users.yaml:1: expected keys and values (`key: value`) at the top."),
        ("system: s\nkind: person\nfields: {title: t}\n",
         "users.yaml:1: the key 'stream' is missing. Add `stream: …`."),
        ("system: s\nstream: x\nkind: persn\nfields: {title: t}\n",
         "users.yaml:3: kind: unknown kind 'persn'. Did you mean person?"),
        (HEAD + "fields: {title: t}\nfeilds: {}\n", "users.yaml:5: unknown key 'feilds'. Did you mean fields?"),
        (HEAD + "fields:\n  title: t\n  title: u\n",
         "users.yaml:6: the key 'title' stands here again, first in line 5. Keep one of the two."),
        (HEAD + "fields:\n\ttitle: t\n",
         "users.yaml:5: is not YAML: found character '\\t' that cannot start any token."
         " Indent with spaces, not tabs."),
        (HEAD + "only: not\nfields: {title: t}\n",
         "users.yaml:4: only: expected a path or a value, found the end at column 4 of `not`."),
        (HEAD + "match: [title, email]\nfields: {title: t, emails: m}\n",
         "users.yaml:4: match: email is not read by this mapping. Did you mean emails?"),
        (HEAD + "fields:\n  title: job.title\n  display_name: job\n",
         "users.yaml:6: display_name: job is already written by title. Add `direction: in` to one of the two."),
        ("system: s\nstream: g\nkind: group\nfields:\n  type: t | enum(a=\"teem\")\n",
         "users.yaml:5: type: 'teem' is no type of a group. Did you mean team?"),
        ("system: s\nstream: g\nkind: group\nfields:\n  type: '\"squad\"'\n",
         "users.yaml:5: type: 'squad' is no type of a group. Known: company, customer, department, role, team."),
    ],
)  # fmt: skip
def test_a_file(text: str, expected: str) -> None:
    assert message(text) == expected


def test_another_kind_is_one_problem_and_not_one_for_each_field() -> None:
    text = HEAD + "match: [body]\nfields:\n  body: b\n  sent_at: a | whatever\n  thread: t\n  url: u\n"
    assert message(text) == (
        "users.yaml:3: kind: 4 of the 4 fields are those of a message, 0 of a person. "
        "Write `kind: message`, or correct the fields."
    )


def test_one_field_of_another_kind_does_not_tell() -> None:
    assert message(HEAD + "fields:\n  body: b\n").startswith("users.yaml:5: body: a person has no such field.")


def test_all_problems_of_a_file_at_once() -> None:
    text = HEAD + "only: a ==\nmatch: [titel]\nfields:\n  titel: t\n  locale: l | lowr\n  division: d\n"
    assert message(text) == (
        "users.yaml:4: only: expected a path or a value, found the end at column 5 of `a ==`.\n"
        "users.yaml:7: titel: a person has no such field. Did you mean title?\n"
        'users.yaml:8: locale: unknown transform "lowr". Did you mean lower?'
    )
    with pytest.raises(MappingError) as caught:
        parse_mapping(text, "users.yaml")
    assert (caught.value.file, caught.value.line) == ("users.yaml", 4)
