"""Plain text, lengths, and the table of markups."""

from __future__ import annotations

from html import unescape

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.errors import ConfigError
from landbridge.richtext import MARKUPS, Rendered, from_markup, normal, to_markup
from tests.richtext.documents import bodies, names


def test_plain_text_reads_like_typed_text() -> None:
    shown = to_markup(
        "# T\n\n**a** [b](https://c.test/) <mailto:x@y.test>\n\n- one\n  1. two\n\n> q\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```\ncode\n```\n\n![cat](https://a.test/c.png)",
        "plain",
    )
    assert shown.text == (
        "T\n\na b <https://c.test/> mailto:x@y.test\n\n- one\n  1. two\n\n> q\n\na | b\n1 | 2\n\ncode\n\n"
        "cat <https://a.test/c.png>"
    )
    assert shown.text == shown.plain
    assert shown.lossy == (
        "heading shown as text",
        "emphasis dropped",
        "link shown as text",
        "list shown as text (2 times)",
        "quote shown as text",
        "table shown as text",
        "code shown as text",
        "image shown as text",
    )


def test_from_plain_keeps_lines_and_paragraphs() -> None:
    body = from_markup("Dear *all*,\r\n\r\n  1. x\n- y\n \n\nhttps://a.test/b.", "plain")
    assert body.text == "Dear \\*all\\*,\n\n1\\. x\\\n\\- y\n\n<https://a.test/b>."
    assert body.lossy == ()


@pytest.mark.parametrize("markup", MARKUPS)
@settings(deadline=None)
@given(bodies, st.integers(0, 80))
def test_nothing_is_longer_than_its_limit_and_no_tag_is_cut(markup: str, body: str, limit: int) -> None:
    whole = to_markup(body, markup, names(markup))
    shown = to_markup(body, markup, names(markup), limit=limit)
    assert len(shown.text) <= limit
    assert len(shown.plain) <= limit
    if max(len(whole.text), len(whole.plain)) <= limit:
        assert shown == whole
        return
    assert f"shortened to {limit} characters" in shown.lossy
    # Beside emphasis Markdown spells it as an entity.
    assert "…" in unescape(shown.text) or not limit
    if markup.endswith("html"):
        assert str(BeautifulSoup(f"<p>{shown.text}</p>", "html.parser")).count("<") - 2 == shown.text.replace(
            "<br>", "<br/>"
        ).count("<")
    assert normal(from_markup(shown.text, markup).text) == from_markup(shown.text, markup).text


def test_a_cut_parts_no_emoji_and_no_accent() -> None:
    family = "👩\u200d👩\u200d👧"
    assert to_markup(f"ab{family}", "plain", limit=5).text == "ab…"
    assert to_markup("abe\u0301f", "plain", limit=4).text == "ab…"
    assert to_markup("ab🇩🇪🇫🇷", "plain", limit=4).text == "ab…"


def test_a_cut_fills_most_of_what_it_may() -> None:
    shown = to_markup("word " * 1000, "matrix-html", limit=500)
    assert 450 < len(shown.text) <= 500
    assert shown.text.endswith("…")


def test_an_unknown_markup_is_a_config_error_that_names_the_known() -> None:
    known = ", ".join(sorted(MARKUPS))
    with pytest.raises(ConfigError, match=rf"'htlm'\. Use one of: {known}\."):
        to_markup("x", "htlm")


@pytest.mark.parametrize("markup", MARKUPS)
def test_nothing_is_nothing(markup: str) -> None:
    assert to_markup("", markup) == Rendered("", "", ())
    assert from_markup("", markup).text == ""
    assert from_markup(" \n\n ", markup).text == ""
    assert normal("  \n ") == ""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a  b\nc   \nd", "a b c\\\nd"),
        ("Title\n===", "# Title"),
        ("* a\n* b", "- a\n- b"),
        ("1) a\n2) b", "1. a\n2. b"),
        ("    code", "```\ncode\n```"),
        ("***", "___"),
        ("*a* __b__", "_a_ **b**"),
        ("a|b\n-|-\n1|2|3", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("[x][y]\n\n[y]: https://a.test/ 'T'", "[x](https://a.test/)"),
        ("&copy; &#42; &lt;", "© \\* \\<"),
        ("http://a.test/b", "<http://a.test/b>"),
        ("# a #", "# a"),
        ("# \\#", "# \\#"),
        ("a\\\n\\\nb", "a\n\nb"),
        ("@{person:~%40bob} @{animal:1} @{person:} #{person:1}", "@{person:~%40bob} @\\{animal:1} @\\{person:} #\\{person:1}"),
        ("Hallo&nbsp;**&nbsp;x**y", "Hallo&#160;**&#160;x**y"),
    ],
)  # fmt: skip
def test_normal_form(body: str, expected: str) -> None:
    assert normal(body) == expected
