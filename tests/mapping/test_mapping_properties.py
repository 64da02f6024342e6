"""Whatever a system sends, both directions agree."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from landbridge.errors import RecordError
from landbridge.mapping import parse_mapping
from landbridge.model import validate

MAPPING = parse_mapping("""
system: s
stream: users
kind: person
only: not bot and (state in ["on", "off"] or kind == null)
fields:
  display_name: profile.nick or profile.name or login
  user_name:    login | lower
  name.given:   profile.names[0].first
  name.family:  profile.names[0].last | text
  emails:       profile.mail | as_email
  phones:       [mobile | as_phone("mobile"), desk | as_phone("work")]
  title:        profile.job.title
  department:   unit | ref("units", number=true, none=0)
  manager:      boss.id | ref("users")
  skills:       skills | split
  employment.starts: since | datetime("unix_s") | date
  active:       not off
  external:     {native: guest or partner, direction: in}
  locale:       {native: '["lang tag"] | default("en")', direction: in}
""")

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.just("") | values


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each field is absent, or there."""
    return st.fixed_dictionaries({}, optional=fields)


NATIVES = some(
    login=maybe(TEXT),
    profile=st.none() | st.just([]) | some(
        nick=maybe(TEXT), name=maybe(TEXT), mail=maybe(TEXT), job=st.none() | some(title=maybe(TEXT)),
        names=st.none() | st.lists(some(first=maybe(TEXT), last=maybe(TEXT)), max_size=2),
    ),
    mobile=maybe(TEXT),
    desk=maybe(TEXT),
    unit=st.none() | st.integers(0, 99),
    boss=st.none() | some(id=maybe(st.integers(1) | st.text("ab", min_size=1))),
    skills=maybe(TEXT | st.lists(TEXT).map(",".join)),
    since=maybe(st.integers(0, 4 * 10**9)),
    off=maybe(st.sampled_from([True, False, "True", "False", 0, 1])),
    guest=st.none() | st.booleans(),
    partner=st.none() | st.booleans(),
    bot=st.none() | st.booleans(),
    state=maybe(st.sampled_from(["on", "off", "?"])),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)
NAMES = ["login", "profile", "mobile", "unit", "boss", "skills", "since", "off", "guest", "lang tag", "state"]


@settings(max_examples=300, deadline=None)
@given(NATIVES)
def test_what_is_written_is_read_as_it_was_meant(native: dict[str, Any]) -> None:
    claim = MAPPING.into(native).claim
    desired = {path: claim[path] for path in claim if path in MAPPING.writable}
    assert MAPPING.kept(desired) == desired
    assert MAPPING.out(desired).native.keys() <= native.keys() | {"profile", "mobile", "desk"}
    assert validate("person", claim) == claim
    assert isinstance(MAPPING.accepts(native), bool)


@settings(max_examples=200, deadline=None)
@given(NATIVES)
def test_absent_stays_absent(native: dict[str, Any]) -> None:
    claim = MAPPING.into(native).claim
    assert ("manager" in claim) == ("boss" in native and (native["boss"] is None or "id" in native["boss"]))
    assert ("phones" in claim) == bool({"mobile", "desk"} & native.keys())
    assert ("active" in claim) == ("off" in native)
    assert "locale" in claim
    if "login" in native:
        assert (claim["user_name"] is None) == (native["login"] is None)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.dictionaries(st.sampled_from(sorted(MAPPING.fields)), JSON))
def test_whatever_comes_is_mapped_or_set_aside(native: dict[str, Any], claim: dict[str, Any]) -> None:
    for run in (lambda: MAPPING.into(native), lambda: MAPPING.accepts(native), lambda: MAPPING.out(claim)):
        with contextlib.suppress(RecordError):
            run()
