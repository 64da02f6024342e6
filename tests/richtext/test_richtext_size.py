"""Size and depth: work grows with the text, nesting is bounded, nothing recurses without end."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest

from landbridge.richtext import MARKUPS, from_markup, normal, to_markup
from landbridge.richtext.build import MAX_DEPTH

POST = """== Title ==
Lorem '''ipsum''' <b>dolor</b> **sit** _amet_, [here](https://a.test/x) and [https://a.test y] [[Page|z]] {{t|a}}.

* one
* two

| a | b |
| --- | --- |
| c | d |

<p>x <a href="https://b.test">y</a></p>

"""

# Each opens something again and again that is never closed, or closes what was never opened.
HOSTILE = [
    "[", "![", "*a ", "**a", "_a_", "`", "`a ``b ", "<a", "<", "</", "&a", "> ", "- ", "[a][", "~~a ", "|a", "@{p", "(", "[](",
    "<div>", "<b>", "</b>", "<p><a></b>", "<ul><li>", "<table><tr><td>", "<td></i>", "<!--", "<div ", '<a href="', "<pre>",
    "{{", "{{a|", "{|\n", "{|\n|a\n", "| a\n", "[[", "[[a|", "[http://a ", "''a'''b", "<nowiki>", "<ref>", "<ref></ref>",
    "=\n", "==a==\n", "*#:a\n", "1. a\n", "\\\n", "a\n", "[a]: b\n", "```\n", "~~~", "a|b\n-|-\n", "[[File:a|", "|-\n", "}}{{",
    "<a href='/" + "x" * 300 + "'><p>", "https://a.test/", "\u0301", "_*", "    - a\n",
]  # fmt: skip


def work(action: Any, *given: str) -> int:
    """How many Python functions are called: counted work, the same on every machine at any load."""
    calls = Counter[str]()

    def count(frame: FrameType, event: str, argument: object) -> None:
        calls["all"] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action(*given)
    finally:
        sys.setprofile(before)
    return calls["all"]


def repeated(piece: str, size: int) -> str:
    return piece * (size // len(piece) + 1)


def test_ten_times_the_text_is_ten_times_the_work() -> None:
    small, large = repeated(POST, 5_000), repeated(POST, 50_000)
    for action in (normal, *(lambda text, markup=markup: from_markup(text, markup) for markup in MARKUPS)):
        assert work(action, large) < 13 * work(action, small)


@pytest.mark.parametrize("markup", ["wordpress-html", "wikitext", "canonical"])
@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_text_not_with_its_square(markup: str, piece: str) -> None:
    def convert(text: str) -> None:
        body = normal(text) if markup == "canonical" else from_markup(text, markup).text
        if markup != "canonical":
            to_markup(body, markup)

    assert work(convert, repeated(piece, 4000)) < 7 * work(convert, repeated(piece, 1000)) + 10_000


@pytest.mark.parametrize("markup", ["matrix-html", "wordpress-html", "wikitext"])
@pytest.mark.parametrize(
    "tag", ["div", "blockquote", "ul><li", "b", "table><tr><td", "span", "code", "a href='/x'", "li"]
)
def test_ten_thousand_nested_elements_lose_no_text(markup: str, tag: str) -> None:
    closing = "".join(f"</{part.split()[0]}>" for part in reversed(tag.split("><")))
    text = f"<{tag}>" * 10_000 + "inside" + closing * 10_000 + " after"
    body = from_markup(text, markup).text
    assert "inside" in body
    assert "after" in body
    assert normal(body) == body
    assert "inside" in to_markup(body, markup).text


@pytest.mark.parametrize("text", ["> " * 10_000 + "inside", "- " * 10_000 + "inside", "1. > " * 5000 + "inside"])
def test_deep_markdown_keeps_its_text_and_is_counted(text: str) -> None:
    shown = to_markup(text, "matrix-html")
    assert "inside" in shown.text
    assert any(reason.startswith("deep nesting shown flat") for reason in shown.lossy)
    assert shown.text.count("<blockquote>") + shown.text.count("<ul>") + shown.text.count("<ol>") <= MAX_DEPTH
    assert normal(normal(text)) == normal(text)


def test_a_short_reference_to_a_long_address_cannot_blow_up_a_body() -> None:
    body = f"[a]: https://a.test/{'x' * 4000}\n\n" + "[a] " * 5000
    assert len(normal(body)) < 10 * len(body)
    html = f"<a href='https://a.test/{'x' * 4000}'>" + "<p>a" * 5000
    assert len(from_markup(html, "matrix-html").text) < 10 * len(html)


def test_a_ragged_table_cannot_blow_up_either() -> None:
    html = "<table><tr>" + "<td>a" * 190 + "</tr>" + "<tr><td>b" * 5000 + "</table>"
    body = from_markup(html, "matrix-html")
    assert body.lossy == ("table shown as text",)
    assert len(body.text) < len(html)
