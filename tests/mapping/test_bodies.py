"""richtext(): tokens of mentions, labels, losses, and the plain text beside. The markups have their own tests."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from landbridge.errors import MappingError
from landbridge.mapping import Mapping, parse_mapping


def from_markup(text: str, markup: str, names: Any) -> Any:
    """Knows `<@key>` only."""
    key = text.partition("<@")[2].partition(">")[0]
    found = names.to_id("person", key) if key else None
    lossy = ("a mention of nobody",) if key and not found else ()
    return SimpleNamespace(text=f"{markup}:" + text.replace(f"<@{key}>", f"@{{person:{found}}}"), lossy=lossy)


def to_markup(body: str, markup: str, names: Any, limit: int | None) -> Any:
    token = body.partition("@{person:")[2].partition("}")[0]
    key, label = (token and names.to_native("person", token)) or ("?", "someone")
    text = body.removeprefix(f"{markup}:").replace(f"@{{person:{token}}}", f"<@{key}>")
    plain = body.removeprefix(f"{markup}:").replace(f"@{{person:{token}}}", f"@{label}")
    return SimpleNamespace(text=text[:limit], plain=plain, lossy=("cut",) if limit and len(text) > limit else ())


@pytest.fixture(autouse=True)
def _markups(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(from_markup=from_markup, to_markup=to_markup)
    monkeypatch.setitem(sys.modules, "landbridge.richtext", fake)


def of(field: str) -> Mapping:
    return parse_mapping(f"system: s\nstream: posts\nkind: document\nfields:\n  body: '{field}'\n")


def test_a_mention_names_the_record() -> None:
    mapping = of('content.raw | richtext("html", people="users")')
    claim = {"body": "html:hi @{person:~%40ada%3Aexample.com}"}
    assert mapping.into({"content": {"raw": "hi <@@ada:example.com>"}}) == (claim, ())
    assert mapping.out(claim).native == {"content": {"raw": "hi <@@ada:example.com>"}}
    assert mapping.fields["body"].mentions == {"person": "users"}
    assert mapping.fields["body"].ref is None


def test_without_a_stream_of_people_nobody_is_mentioned() -> None:
    mapping = of('raw | richtext("html")')
    assert mapping.into({"raw": "<@U1>"}).lossy == ("a mention of nobody",)
    assert mapping.out({"body": "@{person:~U1}"}).native == {"raw": "<@?>"}
    assert mapping.out({"body": "@{person:0192-an-entity}"}).native == {"raw": "<@?>"}


def test_the_limit_is_counted() -> None:
    assert of('raw | richtext("html", limit=3)').out({"body": "html:long"}) == ({"raw": "lon"}, ("cut",))


def test_null_and_absent_pass() -> None:
    mapping = of('raw | richtext("html")')
    assert mapping.into({"raw": None}).claim == {"body": None}
    assert mapping.into({}).claim == {}
    assert mapping.out({"body": None}).native == {"raw": None}


def test_plain_text_beside() -> None:
    mapping = of('content.html | richtext("html", people="users", plain="content.text")')
    native = {"content": {"html": "hi <@U1>", "text": "hi @Ada"}}
    claim = {"body": "html:hi @{person:~U1}"}
    assert mapping.into(native).claim == claim
    assert mapping.out(claim, labels=lambda kind, key: f"{kind} {key}").native == {
        "content": {"html": "hi <@U1>", "text": "hi @person U1"}
    }
    assert mapping.into({"content": {"text": "hi"}}).claim == {"body": "plain:hi"}
    assert mapping.into({"content": {"html": None, "text": "hi"}}).claim == {"body": "plain:hi"}
    assert mapping.into({"content": {"html": "", "text": ""}}).claim == {"body": ""}
    assert mapping.into({"content": {}}).claim == {}
    assert mapping.into({"content": {"text": None}}).claim == {"body": None}
    assert mapping.out({"body": None}).native == {"content": {"html": None, "text": None}}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('raw | richtext("html", plain="a or b")', "body: plain must be a path."),
        ('raw | richtext("html", plain="raw.x")', "body: raw.x is already written by body."),
        ("raw | richtext", 'body: expected richtext("markup", limit=30000,'),
    ],
)
def test_mistakes(field: str, expected: str) -> None:
    with pytest.raises(MappingError) as caught:
        of(field)
    assert expected in str(caught.value)
