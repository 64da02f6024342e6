"""A name that nobody has, written in one tool, is in no other tool a mention of whoever has such a key there."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mapping.bodies import MARK
from landbridge.richtext import NAMES, from_markup, mentioned, to_markup
from landbridge.richtext.tree import NamesBy
from landbridge.sync.refs import unlinked_mentions

KEYS = st.one_of(
    st.from_regex(r"\A[A-Za-z0-9_][\w.\-]{0,20}\Z"),
    st.from_regex(r"\AU[A-Z0-9]{8}\Z"),
    st.from_regex(r"\A@[a-z]{1,8}:[a-z]{1,8}\.org\Z"),
    st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12),
)
AROUND = st.sampled_from(["", " ", "Ask ", "**", "(", ", or *", "a", "1"])
# A tool in which somebody has any name that one can think of.
EVERYBODY = NamesBy(
    lambda kind, id: (id.removeprefix(MARK), id.removeprefix(MARK)) if id.startswith(MARK) else None,
    lambda kind, key: f"{MARK}{quote(key, safe='')}",
)


@pytest.mark.parametrize("markup", NAMES)
@given(key=KEYS, before=AROUND, after=AROUND)
def test_a_name_nobody_has_is_text_in_every_other_tool(markup: str, key: str, before: str, after: str) -> None:
    body = f"{before}@{{person:~{quote(key, safe='')}}}{after}"
    shown = unlinked_mentions(body, lambda found: found)
    assert mentioned(shown) == ()
    there = to_markup(shown, markup, EVERYBODY)
    assert mentioned(from_markup(there.text, markup, EVERYBODY).text) == ()
    assert not any("mention" in loss for loss in there.lossy)


@pytest.mark.parametrize(("key", "text"), [("nobody", "@nobody"), ("@bob:x.org", "@bob:x.org"), ("a*b*", "@a*b*")])
def test_it_is_the_text_that_was_written(key: str, text: str) -> None:
    shown = unlinked_mentions(f"Ask @{{person:~{quote(key, safe='')}}}!", lambda found: found)
    assert to_markup(shown, "plain", EVERYBODY).text == f"Ask {text}!"
