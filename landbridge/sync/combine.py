"""Merging claims, as a pure function: who decides which field, and what is disputed.

A field that a source has authority over is what that source says. Any other field is merged three-way: each record's
`base` is the last common state, so a record whose claim left its base is one that somebody changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from landbridge.model import GATHERED
from landbridge.sync.routes import Source

ABSENT: Any = object()
# Who may see a place, from the fewest to the most.
NARROWER = {"visibility": ("hidden", "members", "public")}
_SIGNATURE = re.compile(r"\*\*.+?:\*\* ")
# How a message names, at its end, the files that are left out of it.
LEFT_OUT = "Not sent along: "
_LEFT_OUT = re.compile(rf"(?:\A|\n\n){LEFT_OUT}[^\n]+\Z")


class Said(NamedTuple):
    """One contributor: its stream's rank in the order of sources, what it says now and said at the last common state.

    `shown` are the fields that are written to it where they changed elsewhere, `sent` what it was last sent of them.
    """

    source: Source
    rank: int
    claim: dict[str, Any]
    base: dict[str, Any] | None
    sent: dict[str, Any] | None = None
    shown: frozenset[str] = frozenset()
    # Told anew without having been changed, such as by another mapping: what came from it follows.
    retold: bool = False

    def has_seen(self, path: str, value: Any) -> bool:
        """Was this the common state that it changed from?"""
        return path not in self.shown or any(value == state.get(path) for state in (self.base or {}, self.sent or {}))


@dataclass
class Merged:
    """`conflicts`: field → {stream: value} where several changed it to different values since the last common state."""

    data: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, dict[str, Any]] = field(default_factory=dict)


def unsigned(said: Said, data: dict[str, Any]) -> Said:
    """A copy of a message without what we say in it: the name of an author who has no account there, the files left out."""
    sent, known = said.sent or {}, str(data.get("body") or "")
    body = str(sent.get("body") or "")
    found = None if sent.get("author") or not (data.get("author") or data.get("guest")) else _SIGNATURE.match(body)
    left_out = _LEFT_OUT.search(body)
    name, files = found[0] if found else "", left_out[0] if left_out and not known.endswith(left_out[0]) else ""
    if not name and not files:
        return said

    def without(state: dict[str, Any]) -> dict[str, Any]:
        body = state.get("body")
        return state | {"body": body.removeprefix(name).removesuffix(files)} if isinstance(body, str) else state

    claim = without(said.claim)
    base = claim if said.base is said.claim else said.base and without(said.base)
    return said._replace(claim=claim, base=base, sent=without(sent))


def placed(said: Said, told: Collection[str]) -> Said:
    """A copy of a message without what its home has told: where it stands, and who said it when."""

    def without(state: dict[str, Any]) -> dict[str, Any]:
        return {path: value for path, value in state.items() if path not in told}

    if not said.claim.keys() & told:
        return said
    claim = without(said.claim)
    base = claim if said.base is said.claim else said.base and without(said.base)
    return said._replace(claim=claim, base=base, sent=said.sent and without(said.sent))


def combine(said: Sequence[Said], data: dict[str, Any], origin: dict[str, str]) -> Merged:
    """Merge what is said into what was known; `said` in order of authority."""
    if len(said) == 1 and not data:  # nothing was known, and nobody says otherwise
        return Merged(dict(said[0].claim), dict.fromkeys(said[0].claim, said[0].source.stream))
    merged = Merged()
    live = {one.source.stream for one in said}
    edited = [one for one in said if one.base is not None and one.base is not one.claim]
    ranks = {one.source.stream: one.rank for one in said}
    retold = {one.source.stream: one for one in said if one.retold}
    for path in dict.fromkeys(chain(*(one.claim for one in said), data)):
        if path in GATHERED:
            merged.data[path], merged.origin[path] = _gathered(said, path, origin.get(path, ""))
            continue
        decided, value, source = False, ABSENT, ""
        for one in said:
            if one.source.decides(path):
                decided = True
                if path in one.claim:
                    value, source = one.claim[path], one.source.stream
                    break
        if not decided:
            value, source = data.get(path, ABSENT), origin.get(path, "")
            if source in retold:
                value = retold[source].claim.get(path, ABSENT)
            if source and source not in live:
                value, source = ABSENT, ""
            if edited:
                value, source = _three_way(edited, path, value, source, merged)
            value, source = _newcomer(said, path, value, source, ranks)
            if path in NARROWER:
                value, source = _narrower(said, path, value, source, merged)
        if value is not ABSENT:
            merged.data[path] = value
            merged.origin[path] = source
    return merged


def _gathered(said: Sequence[Said], path: str, before: str) -> tuple[dict[str, list[Any]], str]:
    """What each says of its own people, together: what one of them adds takes nothing away from another."""
    found: dict[str, list[Any]] = {}
    streams = []
    for one in said:
        marks = {mark: people for mark, people in (one.claim.get(path) or {}).items() if people}
        streams += [one.source.stream] if marks else []
        for mark, people in marks.items():
            known = found.setdefault(mark, [])
            known += [person for person in people if person not in known]
    return found, " and ".join(streams) or before or said[0].source.stream


def _three_way(edited: Sequence[Said], path: str, known: Any, source: str, merged: Merged) -> tuple[Any, str]:
    """`edited`: those whose claim is no longer the last common state."""
    changed = [one for one in edited if one.claim.get(path, ABSENT) != (one.base or {}).get(path, ABSENT)]
    values: list[Any] = []
    for one in changed:
        value = one.claim.get(path, ABSENT)
        if not any(value is seen or value == seen for seen in values):
            values.append(value)
    if len(values) == 1:
        if not _unseen(changed, path, known, source):
            return values[0], changed[0].source.stream
        merged.conflicts[path] = {source: known, changed[0].source.stream: changed[0].claim.get(path)}
        return known, source
    if len(values) > 1:
        merged.conflicts[path] = {one.source.stream: one.claim.get(path) for one in changed}
    return known, source


def _unseen(changed: Sequence[Said], path: str, known: Any, source: str) -> bool:
    """Was it changed elsewhere too, merged already and not written here yet? Systems are not read at the same moment."""
    return (
        known is not ABSENT
        and all(one.source.stream != source and one.claim.get(path) != known for one in changed)
        and not any(one.has_seen(path, known) for one in changed)
    )


def _narrower(said: Sequence[Said], path: str, known: Any, source: str, merged: Merged) -> tuple[Any, str]:
    """While it is disputed who may see it, the fewest of those named may; rooms that differ when they are joined dispute it."""
    new = (one for one in said if one.base is None and one.source.stream != source and one.claim.get(path))
    joined = {one.source.stream: one.claim[path] for one in new}
    if any(value != known for value in joined.values()):
        merged.conflicts.setdefault(path, {source: known} | joined)
    named = [(known, source), *((value, stream) for stream, value in merged.conflicts.get(path, {}).items())]
    return min((one for one in named if one[0] in NARROWER[path]), key=lambda one: NARROWER[path].index(one[0]),
               default=(known, source))  # fmt: skip


def _newcomer(said: Sequence[Said], path: str, known: Any, source: str, ranks: dict[str, int]) -> tuple[Any, str]:
    """A record that is merged for the first time fills what is absent, or outranks where the value came from.

    After what was changed: so it is the same whether it comes together with a change or in a run of its own.
    """
    for one in said:
        if path in one.claim:
            if known is ABSENT or (one.base is None and one.rank < ranks.get(source, len(ranks))):
                return one.claim[path], one.source.stream
            break
    return known, source
