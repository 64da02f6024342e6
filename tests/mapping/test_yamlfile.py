"""YAML with lines, and validation that reports them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from landbridge.errors import ConfigError
from landbridge.mapping import load_yaml, validated
from landbridge.mapping.yamlfile import parse_yaml


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Leaver(Strict):
    disable: str
    delete: str | None = None


class Target(Strict):
    only: str | None = None
    leaver: Leaver | None = None


class Flow(Strict):
    flow: str
    kind: Literal["person", "group"]
    to: dict[str, Target | None] = {}
    match: list[str] = []
    every: int = 15

    @field_validator("match")
    @classmethod
    def _not_empty(cls, value: list[str]) -> list[str]:
        if value == [""]:
            raise ValueError("expected the name of a field")
        return value


TEXT = """flow: people
kind: person
to:
  chat/users: {only: active, leaver: {disable: at once, delete: 30 days}}
  intranet/users:
    leaver:
      disable: at once
match:
  - employee_number
"""


def test_data_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(TEXT)
    yaml = load_yaml(path)
    assert yaml.data["to"]["intranet/users"] == {"leaver": {"disable": "at once"}}
    assert yaml.line("to", "intranet/users", "leaver", "disable") == 7
    assert yaml.line("to", "intranet/users", "no such key") == 5
    assert yaml.line("match", 0) == 9
    assert yaml.line("nothing") == 1
    assert validated(yaml, Flow).to["chat/users"] == Target(
        only="active", leaver=Leaver(disable="at once", delete="30 days")
    )


def test_only_what_json_can_say() -> None:
    text = (
        "a: no\nb: 2026-01-31\nc: 12:30:00\nd: 010\ne: true\nf: ~\ng:\nh: 1e3\ni: 1.5\nj: '1'\non: x\nk: -3\nl: 1_000\n"
    )
    assert parse_yaml(text, "x").data == {
        "a": "no", "b": "2026-01-31", "c": "12:30:00", "d": 10, "e": True, "f": None, "g": None, "h": "1e3", "i": 1.5,
        "j": "1", "on": "x", "k": -3, "l": "1_000",
    }  # fmt: skip


def test_aliases_are_followed() -> None:
    yaml = parse_yaml("a: &x {b: 1}\nc: *x\n", "x")
    assert yaml.data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "x:2: the key 'a' stands here again, first in line 1. Keep one of the two."),
        ("a:\n\tb: 1\n",
         "x:2: is not YAML: found character '\\t' that cannot start any token. Indent with spaces, not tabs."),
        ("a: b: c\n", "x:1: is not YAML: mapping values are not allowed here."
         " Quote a text that contains a colon followed by a space."),
        ("a: {b: c\n", "x:2: is not YAML: expected ',' or '}', but got '<stream end>'."
         " Quote a text that contains a comma, a colon or a brace inside {…}."),
        ("a: @x\n", "x:1: is not YAML: found character '@' that cannot start any token."
         " Quote a text that starts with this character."),
        ("a: 1\n---\nb: 2\n", "x:2: is not YAML: but found another document. Put each document into its own file."),
        ("- a\n", "x:1: expected keys and values (`key: value`) at the top."),
        ("a: &x [*x]\n", "x:1: an alias (*) refers to what it stands in."),
        ("a: *x\n", "x:1: is not YAML: found undefined alias 'x'."),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "x:3: merge keys (<<) are not supported. Write the keys out."),
        ("a: !!python/name:os.system x\n",
         "x:1: the tag tag:yaml.org,2002:python/name:os.system is not supported. Leave it out."),
        ("a: !!int x\n", "x:1: this is not a int."),
        ("? [a]\n: b\n", "x:1: expected a text as a key, found a list or a mapping."),
        ("a: \x07\n", "x: contains a character that YAML does not allow."),
    ],
)  # fmt: skip
def test_mistakes_in_yaml(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "x")
    assert str(caught.value) == expected


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_yaml(tmp_path / "none.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/none.yaml: cannot be read: No such file or directory. Check the path and its mode."
    )
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe4\n")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text\. Save it as UTF-8\."):
        load_yaml(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: person\n", "x:1: the key 'flow' is missing. Add `flow: …`."),
        ("flow: a\nkind: persn\n", "x:2: kind: expected 'person' or 'group'."),
        ("flow: a\nkind: person\nevery: often\n",
         "x:3: every: expected a valid integer, unable to parse string as an integer."),
        ("flow: a\nkind: person\nevry: 5\n", "x:3: unknown key 'evry'. Did you mean every?"),
        ("flow: a\nkind: person\nzzz: 5\n", "x:3: unknown key 'zzz'. Known keys: every, flow, kind, match, to."),
        ("flow: a\nkind: person\nmatch: ['']\n", "x:3: match: expected the name of a field."),
        ("flow: a\nkind: person\nto:\n  chat/users:\n    leaver:\n      disabel: x\n      disable: x\n",
         "x:6: to.chat/users.leaver: unknown key 'disabel'. Did you mean disable?"),
        ("flow: a\nkind: person\nto:\n  chat/users:\n    leaver: {}\n",
         "x:5: to.chat/users.leaver: the key 'disable' is missing. Add `disable: …`."),
        ("flow: a\nkind: x\nevry: 5\n", "x:2: kind: expected 'person' or 'group'.\n"
         "x:3: unknown key 'evry'. Did you mean every?"),
    ],
)  # fmt: skip
def test_mistakes_against_a_model(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        validated(parse_yaml(text, "x"), Flow)
    assert str(caught.value) == expected
