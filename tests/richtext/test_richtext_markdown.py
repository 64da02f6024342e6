"""Markdown as chats and forums write it: names, emoji, line ends."""

from __future__ import annotations

import pytest

from landbridge.richtext import from_markup, normal, to_markup
from tests.richtext.documents import names

NAMES = names("markdown")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("Ask @name_7, she knows.", "Ask @{person:0190-a}, she knows."),
        ("_@name_7_ **@name_8**", "_@{person:0190-a}_ **@{person:~%40bob}**"),
        ("@name_7's and @name_7.", "@{person:0190-a}'s and @{person:0190-a}."),
        ("@here @all", "@here @all"),
        ("me@name_7 and @nobody", "me@name_7 and @nobody"),
        ("`@name_7 :wave:` \\@name_7", "`@name_7 :wave:` @name_7"),
        (":wave: :own_emoji: 10:30:15", "👋 :own_emoji: 10:30:15"),
        ("![:wave: @name_7](https://a.b/c)", "![:wave: @name\\_7](https://a.b/c)"),
        ("one\ntwo", "one\\\ntwo"),
        ("@{person:0190-a}", "@\\{person:0190-a}"),
        ("- [x] done\n\n```sql\nselect 1\n```", "- \\[x\\] done\n\n```sql\nselect 1\n```"),
    ],
)
def test_read(text: str, body: str) -> None:
    assert from_markup(text, "markdown", NAMES).text == normal(body)


@pytest.mark.parametrize(
    ("body", "text", "lossy"),
    [
        ("Ask @{person:0190-a}.", "Ask @name_7.", ()),
        ("@name_7 :wave: a@b.c", "\\@name\\_7 \\:wave: a\\@b.c", ()),
        ("@{person:0190-a}x", "\\@Ann \\*O'Neil\\*x", ("mention shown as name",)),
        ("#{space:s1} @{person:x}", "\\#News \\[1\\] \\@unknown", ("mention shown as name (2 times)",)),
    ],
)
def test_write(body: str, text: str, lossy: tuple[str, ...]) -> None:
    shown = to_markup(body, "markdown", NAMES)
    assert (shown.text, shown.lossy) == (text, lossy)
