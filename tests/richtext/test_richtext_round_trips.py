"""There and back: what a markup can show comes back as it was, and what it cannot settles at once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from landbridge.richtext import MARKUPS, Losses, Node, from_markup, normal, to_markup
from landbridge.richtext.read_commonmark import read_commonmark
from landbridge.richtext.write_commonmark import write_commonmark
from tests.richtext.documents import bodies, documents, names, plain_text

RICH = sorted(MARKUPS.keys() - {"plain"})


@given(documents)
def test_every_document_can_be_written_as_a_body_and_read_again(document: Node) -> None:
    body = write_commonmark(document)
    assert write_commonmark(read_commonmark(body, Losses())) == body


@given(plain_text)
def test_normal_is_idempotent(body: str) -> None:
    assert normal(normal(body)) == normal(body)


@pytest.mark.parametrize("markup", RICH)
@settings(deadline=None)
@given(bodies)
def test_what_a_markup_shows_without_loss_comes_back_as_it_was(markup: str, body: str) -> None:
    shown = to_markup(body, markup, names(markup))
    if not shown.lossy:
        assert from_markup(shown.text, markup, names(markup)).text == body


@pytest.mark.parametrize("markup", MARKUPS)
@settings(deadline=None)
@given(bodies)
def test_after_one_trip_nothing_changes_any_more(markup: str, body: str) -> None:
    once = from_markup(to_markup(body, markup, names(markup)).text, markup, names(markup)).text
    twice = from_markup(to_markup(once, markup, names(markup)).text, markup, names(markup)).text
    assert twice == once == normal(once)


@pytest.mark.parametrize("markup", MARKUPS)
@settings(deadline=None)
@given(plain_text)
def test_whatever_a_tool_sends_becomes_a_normal_body_that_it_can_show_again(markup: str, text: str) -> None:
    body = from_markup(text, markup, names(markup)).text
    assert normal(body) == body
    shown = to_markup(body, markup, names(markup))
    if not shown.lossy:
        assert from_markup(shown.text, markup, names(markup)).text == body


@pytest.mark.parametrize("markup", MARKUPS)
def test_the_ordinary_post_survives(markup: str) -> None:
    # Neither plain HTML nor mail has anything to mention somebody with.
    named = POST.replace("@{person:0190-a}", "Anna")
    other = {"plain": PLAIN_POST, "mail-text": PLAIN_POST, "slack": SLACK_POST, "html": named, "mail-html": named}
    body = other.get(markup, POST)
    shown = to_markup(body, markup, names(markup))
    assert shown.lossy == ()
    assert from_markup(shown.text, markup, names(markup)).text == body == normal(body)


POST = """\
# Heading _leaning_

Hello **bold _both_** and `code` ~~gone~~, @{person:0190-a} in Ger*ma*ny, see <https://a.test/c> or [here](https://b.test/).\\
A second line.

- one
- two
  1. a
  2. b

1. first

   with more
2. second

   ```py
   if x < 1:
   \treturn "&amp;"
   ```

> quoted
>
> > twice

| a | b |
| --- | --- |
| 1 \\| 2 | `c\\|d` |
|  | **x** |

___

- by hyphen

* by star

3 \\* 4 = 12, \\[sic\\], \\<b>, \\&lt;, snake\\_case, \\`tick\\`, {{x}}, ''y'', \\~, #1, @you""".replace(
    "   with more\n2.", "   with more\n\n2."
)
PLAIN_POST = "Hello.\n\nTwo\\\nlines, and <https://a.test/x>."
# Headings of one kind, no code in lists, no quotes in quotes.
SLACK_POST = POST.replace(" _leaning_", "").replace("\n>\n> > twice", "")
SLACK_POST = re.sub(r"\n\n   ```py.*?```", "", SLACK_POST, flags=re.DOTALL)
