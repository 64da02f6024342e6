"""Matrix: pills, replies, the pair of bodies, and what clients write."""

from __future__ import annotations

import pytest

from landbridge.richtext import from_markup, from_matrix, mentioned, to_markup, to_matrix
from tests.richtext.documents import names

NAMES = names("matrix-html")


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("Hello <strong>you</strong>", "Hello **you**"),
        ("<p>a</p>\n<p>b<br />c</p>\n", "a\n\nb\\\nc"),
        ("<mx-reply><blockquote>In reply to <a href='https://matrix.to/#/@ann:hs.test'>x</a></blockquote></mx-reply>ok", "ok"),
        ("<pre><code class=\"language-rust\">fn x() {\n  a &lt; b\n}\n</code></pre>", "```rust\nfn x() {\n  a < b\n}\n```"),
        ("<ul>\n<li>a</li>\n<li>b\n<ol start=\"3\"><li>c</li></ol></li></ul>", "- a\n\n- b\n\n  3. c"),
        ("<h7>x</h7><h2>y</h2>", "x\n\n## y"),
        ("<del>a</del> <s>b</s> <strike>c</strike>", "~~a~~ ~~b~~ ~~c~~"),
        ("I <3 you & 1 < 2", "I \\<3 you & 1 \\< 2"),
        ("<b>a<i>b</b>c</i>", "**&#97;_b_**&#99;"),
        ("<p><b> spaced </b>out</p>", "**spaced** out"),
        ("<img src=\"mxc://hs.test/abc\" alt=\"a cat\">", "![a cat](mxc://hs.test/abc)"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("", ""),
        ("<!-- only -->", ""),
    ],
)  # fmt: skip
def test_what_clients_send(html: str, body: str) -> None:
    assert from_markup(html, "matrix-html").text == body


@pytest.mark.parametrize(
    ("href", "body"),
    [
        ("https://matrix.to/#/@ann:hs.test", "@{person:0190-a}"),
        ("https://matrix.to/#/%40ann%3Ahs.test", "@{person:0190-a}"),
        ("https://matrix.to/#/#news:hs.test?via=hs.test", "#{space:s1}"),
        ("https://matrix.to/#/%23news%3Ahs.test", "#{space:s1}"),
        ("matrix:u/ann:hs.test", "@{person:0190-a}"),
        ("matrix:r/news:hs.test", "#{space:s1}"),
        ("https://matrix.to/#/@stranger:hs.test", "[Label](https://matrix.to/#/@stranger:hs.test)"),
        ("https://matrix.to/#/!room:hs.test/$event", "[Label](https://matrix.to/#/!room:hs.test/$event)"),
        ("https://evil.test/#/@ann:hs.test", "[Label](https://evil.test/#/@ann:hs.test)"),
    ],
)
def test_pills(href: str, body: str) -> None:
    assert from_markup(f'<a href="{href}">Label</a>', "matrix-html", NAMES).text == body


def test_mentions_are_shown_as_pills_and_labels_are_escaped() -> None:
    shown = to_markup("@{person:~%40bob} in #{space:s1}, @{person:nobody}", "matrix-html", NAMES)
    assert shown.text == (
        '<a href="https://matrix.to/#/@bob:hs.test">Bob &lt;b&gt;</a> in '
        '<a href="https://matrix.to/#/%23news:hs.test">News [1]</a>, @unknown'
    )
    assert shown.plain == "@Bob <b> in #News [1], @unknown"
    assert shown.lossy == ("mention shown as name",)


def test_an_event_carries_both_bodies_and_who_is_mentioned() -> None:
    content, lossy = to_matrix("**Hi** @{person:0190-a}", NAMES)
    assert content == {
        "body": "Hi @Ann *O'Neil*",
        "format": "org.matrix.custom.html",
        "formatted_body": '<strong>Hi</strong> <a href="https://matrix.to/#/@ann:hs.test">Ann *O\'Neil*</a>',
        "m.mentions": {"user_ids": ["@ann:hs.test"]},
    }
    assert lossy == ()
    assert from_matrix(content, NAMES).text == "**Hi** @{person:0190-a}"


def test_a_message_without_markup_has_a_plain_body_only() -> None:
    assert to_matrix("Hello\\\nyou")[0]["format"] == "org.matrix.custom.html"
    assert to_matrix("Hello \\* you")[0] == {"body": "Hello * you", "m.mentions": {}}


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({"body": "a *b*\nc"}, "a \\*b\\*\\\nc"),
        ({"body": "x", "format": "org.matrix.custom.html", "formatted_body": "<b>y</b>"}, "**y**"),
        ({"body": "x", "format": "text/other", "formatted_body": "<b>y</b>"}, "x"),
        ({"body": "* x", "m.new_content": {"body": "x"}}, "x"),
        ({"body": "> <@a:b> old\n> more\n\nnew", "m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}}, "new"),
        ({"body": "> <@a:b> no reply"}, "\\> \\<@a:b> no reply"),
        ({"body": 7}, ""),
        ({}, ""),
    ],
)
def test_which_body_of_an_event_counts(content: dict[str, object], body: str) -> None:
    assert from_matrix(content).text == body


def test_what_matrix_cannot_show_is_counted() -> None:
    shown = to_markup("| a |\n| :-: |\n\n[x](/y) ![p](https://a.test/p.png) ![q](mxc://a/q)", "matrix-html")
    assert shown.lossy == ("column alignment dropped", "link shown as text", "image shown as link")
    body = from_markup(
        "<u>a</u><sup>2</sup><span data-mx-spoiler>b</span><table><tr><td colspan=2>x</table>", "matrix-html"
    )
    assert body.lossy == (
        "underline dropped",
        "superscript shown as text",
        "spoiler shown open",
        "merged cells shown apart",
    )


def test_mentioned_lists_everyone_once_in_order() -> None:
    body = "@{person:b} @{person:a}\n\n> - #{space:c} @{person:b}\n\n`@{person:no}` \\@{person:no}"
    assert mentioned(body) == (("person", "b"), ("person", "a"), ("space", "c"))
