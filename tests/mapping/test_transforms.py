"""Each transform: what it does, that it is inverse on its image, and that nothing but UnfitError comes out of it."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.errors import RecordError
from landbridge.mapping import TRANSFORMS, Mapping, parse_mapping
from landbridge.mapping.fields import bind_all, parse_text
from landbridge.mapping.pairs import Pair
from landbridge.mapping.runtime import Notes, UnfitError
from landbridge.model import validate

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
KEYS = st.one_of(st.integers(0, 10**12), st.text("abcXYZ019-_/", min_size=1, max_size=8))
TIMES = st.datetimes(min_value=datetime(1000, 1, 1))
OBJECTS = st.fixed_dictionaries(
    {"v": WORDS},
    optional={"t": st.sampled_from(["home", "work"]), "p": st.sampled_from([True, "False", None]), "x": WORDS},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)

SLACK_TIMES = st.tuples(st.integers(0, 10**10), st.integers(0, 999_999)).map(lambda t: f"{t[0]}.{t[1]:06}")

# How it is written, and natives that it understands.
CASES: list[tuple[str, st.SearchStrategy[Any]]] = [
    ("text", WORDS | st.integers() | st.floats(allow_nan=False)),
    ("text(number=true)", st.integers()),
    ("integer", st.integers(-(10**18), 10**18).map(str) | st.integers() | st.just("")),
    ("bool", st.sampled_from([True, False, 0, 1, "True", "false", "YES", "0", ""])),
    ('bool(true="TRUE", false="FALSE")', st.sampled_from(["TRUE", "FALSE", True, ""])),
    ("bool(true=1, false=0)", st.sampled_from([0, 1, True])),
    ("not", st.sampled_from([True, False, 0, 1, "False", ""])),
    ("lower", WORDS),
    ("slug", WORDS),
    ('enum(draft="draft", publish="published", private="published", true=1)',
     st.sampled_from(["draft", "publish", "private", True, ""])),
    ('default("x")', st.none() | WORDS),
    ("list", st.integers(1) | WORDS),
    ("first", st.lists(WORDS, max_size=3)),
    ('split(", ")', WORDS | st.lists(WORDS).map(", ".join)),
    ('join(", ")', st.lists(WORDS, max_size=4)),
    ("date", st.dates().map(str) | TIMES.map(lambda moment: moment.isoformat()) | st.sampled_from(["", "0000-00-00"])),
    ('date("%d.%m.%Y")', TIMES.map(lambda moment: moment.strftime("%d.%m.%Y"))),
    ('datetime', TIMES.map(lambda moment: moment.isoformat()) | st.sampled_from(["", "0001-01-01T00:00:00Z"])),
    ('datetime("naive")', TIMES.map(lambda moment: moment.isoformat())),
    ('datetime("offset")', TIMES.map(lambda moment: moment.isoformat() + "+02:00")),
    ('datetime("unix_s")', st.integers(-(10**9), 10**10) | st.floats(0, 4e9)),
    ('datetime("unix_ms")', st.integers(-(10**12), 10**13)),
    ('datetime("unix_text")', SLACK_TIMES),
    ("as_email", WORDS),
    ('as_email("private")', WORDS),
    ("emails", st.lists(WORDS, max_size=3)),
    ('emails(value="v", type="t", primary="p")', st.lists(OBJECTS, max_size=3)),
    ("as_phone", WORDS),
    ('as_phone("mobile")', WORDS),
    ("phones", st.lists(WORDS, max_size=3)),
    ('phones(value="v", type="t")', st.lists(OBJECTS, max_size=3)),
    ('ref("users")', KEYS | st.just("")),
    ('ref("users", number=true, none=0)', st.integers(0, 10**9)),
    ("ref", st.fixed_dictionaries({"stream": st.just("a"), "key": WORDS})),
    ('refs("users")', st.lists(KEYS, max_size=3) | st.dictionaries(WORDS, st.lists(KEYS, max_size=2), max_size=2)),
    ('refs("users", number=true)', st.lists(st.integers(0), max_size=3)),
]  # fmt: skip


def pair_of(text: str) -> Pair:
    (pair,) = bind_all(parse_text(f"a | {text}")).values()
    return pair


def into(pair: Pair, value: Any) -> Any:
    if value is None and not pair.null_into:
        return None
    return pair.into(value, Notes()) if pair.into_notes else pair.into(value)


def out(pair: Pair, value: Any) -> Any:
    assert pair.out is not None
    if value is None and not pair.null_out:
        return None
    return pair.out(value, Notes()) if pair.out_notes else pair.out(value)


def test_every_transform_has_a_case_here() -> None:
    tested = {text.partition("(")[0] for text, _ in CASES}
    assert tested == TRANSFORMS.keys() - {"const", "richtext"}


@pytest.mark.parametrize(("text", "natives"), CASES, ids=[text for text, _ in CASES])
def test_out_is_the_inverse_on_the_image(text: str, natives: st.SearchStrategy[Any]) -> None:
    pair = pair_of(text)

    @settings(max_examples=60, deadline=None)
    @given(natives)
    def check(native: Any) -> None:
        canonical = into(pair, native)
        assert into(pair, out(pair, canonical)) == canonical

    check()


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_whatever_comes_only_unfit_is_raised(text: str) -> None:
    pair = pair_of(text)

    @settings(max_examples=60, deadline=None)
    @given(JSON)
    def check(value: Any) -> None:
        for direction in (into, out):
            with contextlib.suppress(UnfitError):
                direction(pair, value)

    check()


@pytest.mark.parametrize("text", [text for text, _ in CASES if not text.startswith(("default", "ref"))])
def test_absent_and_null_pass(text: str) -> None:
    mapping = of(text)
    assert mapping.into({}).claim == {}
    assert mapping.into({"a": None}).claim == {"title": None}
    assert mapping.out({}).native == {}
    assert mapping.out({"title": None}).native == {"a": None}


def of(text: str, path: str = "title", kind: str = "person") -> Mapping:
    return parse_mapping(f"system: s\nstream: x\nkind: {kind}\nfields:\n  {path}: 'a | {text}'\n")


@pytest.mark.parametrize(
    ("text", "native", "canonical"),
    [
        ("text", "  a ", "a"),
        ("text", 17, "17"),
        ("integer", " 17 ", 17),
        ("integer", "", None),
        ("bool", "False", False),
        ("bool", "", None),
        ("not", "False", True),
        ("lower", "ÄB", "äb"),
        ("slug", "Größe & Über_uns!", "groesse-ueber-uns"),
        ("slug", "Привет, мир", "привет-мир"),
        ("slug", "Café", "cafe"),
        ('enum(publish="published", 7="x", "in use"="z")', "in use", "z"),
        ('enum(publish="published", true="y")', True, "y"),
        ('enum(publish="published")', "", None),
        ('default("x")', "", ""),
        ("list", "a", ["a"]),
        ("list", "", []),
        ("first", ["a", "b"], "a"),
        ("first", [], None),
        ("split", " a, b ,,c", ["a", "b", "c"]),
        ("join", ["a", "b"], "a, b"),
        ("date", "2026-01-31T12:00:00", "2026-01-31"),
        ("date", "0000-00-00", None),
        ('date("%d.%m.%Y")', "31.01.2026", "2026-01-31"),
        ("datetime", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z"),
        ("datetime", "2026-01-31 14:00:00.5+02:00", "2026-01-31T12:00:00.500000Z"),
        ("datetime", "2026-01-31T12:00:00.0000000Z", "2026-01-31T12:00:00Z"),
        ("datetime", "0000-00-00 00:00:00", None),
        ('datetime("unix_s")', 1769860800, "2026-01-31T12:00:00Z"),
        ('datetime("unix_ms")', 1769860800001, "2026-01-31T12:00:00.001000Z"),
        ('datetime("unix_text")', "1355517523.000005", "2012-12-14T20:38:43.000005Z"),
        ("as_email", " a@x ", [{"value": "a@x", "primary": True}]),
        ("as_email", "", []),
        ('as_email("home")', "a@x", [{"value": "a@x", "type": "home"}]),
        ("emails", ["a@x", "", "b@x"], [{"value": "a@x", "primary": True}, {"value": "b@x"}]),
        ('emails(value="v", type="t", primary="p")', [{"v": "a", "t": "work", "p": "True", "display": "A"}, {"v": ""}],
         [{"value": "a", "type": "work", "primary": True}]),
        ('as_phone("mobile")', "+49 1", [{"value": "+49 1", "type": "mobile"}]),
        ("phones", ["1"], [{"value": "1"}]),
    ],
)  # fmt: skip
def test_into(text: str, native: Any, canonical: Any) -> None:
    assert of(text).into({"a": native}).claim == {"title": canonical}


@pytest.mark.parametrize(
    ("text", "canonical", "native"),
    [
        ("text(number=true)", "17", 17),
        ("integer", 17, "17"),
        ('bool(true="TRUE", false="FALSE")', False, "FALSE"),
        ('enum(publish="published", private="published")', "published", "publish"),
        ("slug", "Sales Team", "sales-team"),
        ("list", [], ""),
        ("first", "a", ["a"]),
        ('split(", ")', ["a", "b"], "a, b"),
        ("join", "a, b", ["a", "b"]),
        ('datetime("naive")', "2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
        ('datetime("offset")', "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+00:00"),
        ('datetime("unix_s")', "2026-01-31T12:00:00Z", 1769860800),
        ('datetime("unix_text")', "2012-12-14T20:38:43.000005Z", "1355517523.000005"),
        ("as_email", [{"value": "a"}, {"value": "b", "primary": True}], "b"),
        ("as_email", [{"value": "a"}, {"value": "b"}], "a"),
        ('as_email("home")', [{"value": "a"}, {"value": "b", "type": "home"}], "b"),
        ('as_email("home")', [{"value": "a"}], None),
        ("emails", [{"value": "a"}, {"value": "b", "primary": True}], ["b", "a"]),
        ('phones(value="number", type="label")', [{"value": "1", "type": "work"}], [{"number": "1", "label": "work"}]),
    ],
)
def test_out(text: str, canonical: Any, native: Any) -> None:
    assert of(text).out({"title": canonical}) == ({"a": native}, ())


def test_references() -> None:
    mapping = of('ref("users", number=true, none=0)', "author", "document")
    assert mapping.into({"a": 5}).claim == {"author": {"stream": "users", "key": "5"}}
    assert mapping.into({"a": 0}).claim == {"author": None}
    assert mapping.out({"author": {"stream": "users", "key": "5"}}).native == {"a": 5}
    assert mapping.out({"author": None}).native == {"a": 0}
    with pytest.raises(RecordError, match="expected a reference to a record of users, not of bots"):
        mapping.out({"author": {"stream": "bots", "key": "5"}})
    with pytest.raises(RecordError, match=r"expected a reference, .* found a text"):
        mapping.out({"author": "an-entity-id"})


def test_reactions() -> None:
    mapping = of('refs("users")', "reactions", "message")
    claim = {"reactions": {"👍": [{"stream": "users", "key": "U1"}]}}
    assert mapping.into({"a": {"👍": ["U1"]}}).claim == claim
    assert mapping.out(claim).native == {"a": {"👍": ["U1"]}}
    assert validate("message", claim) == claim


def test_what_a_text_list_cannot_hold_is_counted() -> None:
    assert of('split(", ")').out({"title": ["C", "a,b"]}) == ({"a": "C, a b"}, ("the separator inside a value",))
    assert of("list").out({"title": ["a", "b"]}) == ({"a": "a"}, ("only the first of several values",))


def test_default_is_read_and_not_written() -> None:
    mapping = of('default("x")')
    assert mapping.into({}).claim == mapping.into({"a": None}).claim == {"title": "x"}
    assert mapping.into({"a": ""}).claim == {"title": ""}
    assert mapping.out({"title": None}).native == {"a": None}


def test_transforms_follow_each_other_and_go_back_in_reverse() -> None:
    mapping = of('first | lower | enum(a="x", b="y")')
    assert mapping.into({"a": ["B"]}).claim == {"title": "y"}
    assert mapping.out({"title": "x"}).native == {"a": ["a"]}
