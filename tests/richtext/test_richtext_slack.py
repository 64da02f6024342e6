"""Slack: what people, apps and old messages say, what is written, and emoji by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.richtext import from_markup, normal, to_markup
from landbridge.richtext.emoji import emoji_of, name_of, with_emoji
from tests.richtext.documents import names

NAMES = names("slack")


def rich(*parts: Any) -> str:
    return json.dumps([{"type": "rich_text", "block_id": "x", "elements": list(parts)}])


def part(kind: str, *elements: Any, **more: Any) -> dict[str, Any]:
    return {"type": f"rich_text_{kind}", "elements": list(elements), **more}


def text(said: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": said, **({"style": style} if style else {})}


def item(said: str) -> dict[str, Any]:
    return part("section", text(said))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (rich(part("section", text("a "), text("b", bold=True, italic=True), text(" c*\n\nd\ne"))), "a **_b_** c\\*\n\nd\\\ne"),
        (rich(part("section", text("x", code=True), text("y", strike=True))), "`x`~~y~~"),
        (rich(part("section", {"type": "link", "url": "https://a.test/x"})), "<https://a.test/x>"),
        (rich(part("section", {"type": "link", "url": "javascript:x", "text": "no"})), "no"),
        (rich(part("section", {"type": "user", "user_id": "U7"}, {"type": "channel", "channel_id": "C7"})),
         "@{person:0190-a}#{space:s1}"),
        (rich(part("section", {"type": "user", "user_id": "U99"})), "@U99"),
        (rich(part("section", {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fd"}, {"type": "emoji", "name": "tada"})),
         "👋🏽🎉"),
        (rich(part("section", {"type": "emoji", "name": "our-logo"}, {"type": "broadcast", "range": "here"})), ":our-logo:@here"),
        (rich(part("section", {"type": "date", "timestamp": 1, "fallback": "1970"})), "1970"),
        (rich(part("list", item("a"), style="bullet", indent=0), part("list", item("b"), style="ordered", indent=1),
              part("list", item("c"), style="bullet", indent=0)), "- a\n\n  1. b\n\n- c"),
        (rich(part("list", item("a"), style="ordered", indent=0), part("list", item("b"), style="bullet", indent=1),
              part("list", item("c"), style="ordered", indent=0, offset=1)), "1. a\n\n   - b\n\n2. c"),
        (rich(part("quote", text("q\nr")), part("preformatted", text("if x:\n  y"))), "> q\\\n> r\n\n```\nif x:\n  y\n```"),
        (json.dumps([{"type": "header", "text": {"type": "plain_text", "text": "News :tada:", "emoji": True}},
                     {"type": "divider"}, {"type": "section", "text": {"type": "mrkdwn", "text": "*b*"}},
                     {"type": "actions", "elements": []}]), "# News 🎉\n\n___\n\n**b**"),
        (json.dumps([{"type": "markdown", "text": "**b** @{person:x}"}]), "**b** @\\{person:x}"),
    ],
)  # fmt: skip
def test_what_people_and_apps_write(message: str, body: str) -> None:
    assert from_markup(message, "slack", NAMES).text == normal(body)


@pytest.mark.parametrize(
    ("mrkdwn", "body"),
    [
        ("*b* _i_ ~s~ `c*` 2*3*4 snake_case_x", "**b** _i_ ~~s~~ `c*` 2\\*3\\*4 snake_case_x"),
        ("*b _i_*", "**b _i_**"),
        ("a &lt;b&gt; &amp;amp;", "a \\<b> \\&amp;"),
        (
            "<https://a.test/x?a=1&amp;b=2|here> <mailto:a@b.test|a@b.test>",
            "[here](https://a.test/x?a=1&b=2) <a@b.test>",
        ),
        (
            "<@U7> <@U99|old name> <#C7|news> <!here> <!subteam^S1|@team>",
            "@{person:0190-a} @old name #{space:s1} @here @team",
        ),
        ("&gt; q\n&gt; r\nafter", "> q\\\n> r\n\nafter"),
        ("a\n>>> b\nc", "a\n\n> b\\\n> c"),
        ("```x &lt; 1\n*y*```then", "```\nx < 1\n*y*\n```\n\nthen"),
        ("• one\n• two", "- one\n- two"),
        (":tada: :our-logo: 12:30:45 :+1::skin-tone-4:", "🎉 :our-logo: 12:30:45 👍🏽"),
        ("[not json", "\\[not json"),
        ("", ""),
    ],
)
def test_mrkdwn(mrkdwn: str, body: str) -> None:
    assert from_markup(mrkdwn, "slack", NAMES).text == normal(body)


def test_what_is_written() -> None:
    shown = to_markup("**Hi** @{person:0190-a},\n\nsee #{space:s1} and ![cat](https://a.test/c.png)", "slack", NAMES)
    assert json.loads(shown.text) == [{"type": "rich_text", "elements": [part(
        "section", text("Hi", bold=True), text(" "), {"type": "user", "user_id": "U7"}, text(",\n\nsee "),
        {"type": "channel", "channel_id": "C7"}, text(" and "), {"type": "link", "url": "https://a.test/c.png", "text": "cat"},
    )]}]  # fmt: skip
    assert shown.lossy == ("image shown as link",)


def test_text_cannot_call_anybody() -> None:
    body = from_markup("<!channel> @everyone <@U7>", "plain").text
    shown = json.loads(to_markup(body, "slack", NAMES).text)
    assert [one["type"] for one in shown[0]["elements"][0]["elements"]] == ["text"]


def test_a_table_and_what_does_not_fit_into_one() -> None:
    body = "| a | b |\n| --- | :-: |\n| **1** |  |"
    shown = to_markup(body, "slack")
    assert shown.lossy == ()
    table = json.loads(shown.text)[0]
    assert [len(row) for row in table["rows"]] == [2, 2]
    assert from_markup(shown.text, "slack").text == normal(body)
    assert to_markup(f"{body}\n\n{body.replace('a', 'c')}", "slack").lossy == ("table shown as text",)


def test_no_more_blocks_than_slack_takes() -> None:
    shown = to_markup("\n\n".join(f"# {n}\n\ntext" for n in range(40)), "slack")
    assert len(json.loads(shown.text)) <= 50
    assert "headings and rules shown as text" in shown.lossy


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("+1", "👍"),
        ("thumbsup", "👍"),
        ("flag-de", "🇩🇪"),
        ("wave::skin-tone-3", "👋🏼"),
        ("female-doctor", "👩‍⚕️"),
        ("our-logo", None),
    ],
)
def test_emoji_by_name(name: str, emoji: str | None) -> None:
    assert emoji_of(name) == emoji


@pytest.mark.parametrize(("emoji", "name"), [("✅", "white_check_mark"), ("❤", "heart"), ("❤️", "heart"),
                                             ("👋🏼", "wave::skin-tone-3"), ("x", None)])  # fmt: skip
def test_names_of_emoji(emoji: str, name: str | None) -> None:
    assert name_of(emoji) == name


@given(st.text(max_size=30))
def test_text_without_known_names_stays(said: str) -> None:
    assert with_emoji(said.replace(":", ";")) == said.replace(":", ";")


@pytest.mark.parametrize("sign", ["*a ", "_", "~ ", "<", "`", ":a", "> ", "```", "*_~"])
def test_unpaired_signs_cost_no_more_than_text(sign: str) -> None:
    assert len(from_markup(sign * 20_000, "slack").text) >= 1
