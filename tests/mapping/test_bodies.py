"""richtext(): tokens of mentions, labels, losses, and the places it writes. The markups have their own tests."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import MappingError
from landbridge.mapping import Mapping, parse_mapping

ADA = '<a href="https://matrix.to/#/@ada:example.com">Ada</a>'
TOKEN = "@{person:~%40ada%3Aexample.com}"


def of(field: str, *more: str) -> Mapping:
    lines = "".join(f"  {line}\n" for line in (f"body: '{field}'", *more))
    return parse_mapping(f"system: s\nstream: posts\nkind: message\nfields:\n{lines}")


def label(kind: str, key: str) -> str | None:
    return {("person", "@ada:example.com"): "Ada"}.get((kind, key))


def test_a_mention_names_the_record() -> None:
    mapping = of('content.raw | richtext("matrix-html", people="users")')
    claim = {"body": f"hi {TOKEN}"}
    assert mapping.into({"content": {"raw": f"hi {ADA}"}}) == (claim, ())
    assert mapping.out(claim, labels=label).native == {"content": {"raw": f"hi {ADA}"}}
    assert mapping.kept(claim) == claim
    assert mapping.fields["body"].mentions == {"person": "users"}
    assert mapping.fields["body"].ref is None


def test_without_a_stream_of_people_nobody_is_mentioned() -> None:
    mapping = of('raw | richtext("matrix-html")')
    assert "person" not in mapping.into({"raw": ADA}).claim["body"]
    native, lossy = mapping.out({"body": TOKEN})
    assert "matrix.to" not in native["raw"]
    assert lossy == ("mention shown as name",)


def test_an_entity_that_was_not_resolved_is_nobody() -> None:
    mapping = of('raw | richtext("matrix-html", people="users")')
    native = mapping.out({"body": "@{person:0192aa3e-0000-7000-8000-000000000000}"}).native
    assert "0192aa3e" not in native["raw"]


def test_the_limit_is_counted() -> None:
    native, lossy = of('raw | richtext("plain", limit=8)').out({"body": "one two three four"})
    assert len(native["raw"]) <= 8
    assert lossy == ("shortened to 8 characters",)


def test_null_and_absent_pass() -> None:
    mapping = of('raw | richtext("matrix-html")')
    assert mapping.into({"raw": None}).claim == {"body": None}
    assert mapping.into({"raw": ""}).claim == {"body": ""}
    assert mapping.into({}).claim == {}
    assert mapping.out({"body": None}).native == {"raw": None}


def test_plain_text_beside() -> None:
    mapping = of('html | richtext("matrix-html", people="users", plain="text")')
    assert mapping.into({"html": "<b>hi</b>", "text": "other"}).claim == {"body": "**hi**"}
    assert mapping.out({"body": "**hi**"}).native == {"html": "<strong>hi</strong>", "text": "hi"}
    assert mapping.into({"text": "a *b*"}).claim == {"body": r"a \*b\*"}
    assert mapping.into({"html": None, "text": "hi"}).claim == {"body": "hi"}
    assert mapping.into({"html": "", "text": ""}).claim == {"body": ""}
    assert mapping.into({"text": None}).claim == {"body": None}
    assert mapping.into({}).claim == {}
    assert mapping.out({"body": None}).native == {"html": None, "text": None}


def test_the_content_of_a_matrix_event_is_merged_with_what_other_fields_write() -> None:
    mapping = of('content | richtext("matrix-content", people="users")', 'guest: content."x.guest"')
    content: dict[str, Any] = {
        "x.guest": "Eve",
        "body": "hi Ada",
        "format": "org.matrix.custom.html",
        "formatted_body": f"hi {ADA}",
        "m.mentions": {"user_ids": ["@ada:example.com"]},
    }
    claim = {"body": f"hi {TOKEN}", "guest": "Eve"}
    assert mapping.into({"content": content}).claim == claim
    found = mapping.out(claim, labels=label).native["content"]
    assert found == content | {"body": found["body"]}
    assert mapping.kept(claim) == claim
    assert mapping.into({"content": {}}).claim == {}
    assert mapping.into({}).claim == {}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('raw | richtext("plain", plain="a or b")', "body: plain must be a path."),
        ('raw | richtext("plain", plain="raw.x")', "body: raw.x is already written by body."),
        ("raw | richtext", 'body: expected richtext("markup", limit=30000,'),
        ('raw | richtext("wikitxt")', "body: unknown markup 'wikitxt'. Did you mean wikitext?"),
        (
            '(a or b) | richtext("matrix-content")',
            "body: an object from anything but one path can be read but not written back.",
        ),
    ],
)
def test_mistakes(field: str, expected: str) -> None:
    with pytest.raises(MappingError) as caught:
        of(field)
    assert expected in str(caught.value)
