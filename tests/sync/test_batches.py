"""Merging is the same whatever the batch: random claims, with shared identifiers, references, edits, deletes and revivals."""

from __future__ import annotations

import importlib
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from landbridge.store import records
from landbridge.store.hub import Hub
from landbridge.store.records import Staged
from landbridge.store.tables import agenda, change, decision, entity, identifier, record, reference, unresolved
from landbridge.sync import Bridge, load_company, merge
from tests.sync.conftest import HOME

# By its name: the package has the function of the same name.
merging = importlib.import_module("landbridge.sync.merge")
COMPANY = load_company(HOME)
KINDS = {"people": "person", "groups": "group", "rooms": "space", "messages": "message", "cases": "case"}
# (system, stream): the streams that claims are made for.
STREAMS = (
    ("hr", "groups"), ("hr", "people"), ("directory", "people"), ("chat", "people"), ("crm", "people"), ("crm", "groups"),
    ("chat", "rooms"), ("chat", "messages"), ("crm", "cases"),
)  # fmt: skip
FLOWS = ("people", "news", "cases")
# What a round does to one record: (stream, key, seed of its claim); no seed: it is gone.
Edit = tuple[tuple[str, str], int, int | None]


def edits(keys: int, seeds: int) -> st.SearchStrategy[list[list[Edit]]]:
    one = st.tuples(st.sampled_from(STREAMS), st.integers(0, keys), st.none() | st.integers(0, seeds))
    return st.lists(st.lists(one, max_size=25), min_size=1, max_size=4)


def claim(stream: str, key: int, seed: int, *, ambiguous: bool) -> dict[str, Any]:
    draw = random.Random(f"{stream}{key}{seed}")
    # Whose it is: where nothing is ambiguous, the key alone says so.
    who = draw.randrange(4) if ambiguous else key

    def ref(target: str) -> dict[str, str]:
        return {"stream": target, "key": str(draw.randrange(4))}

    made: dict[str, dict[str, Any]] = {
        "people": {
            "employee_number": str(who), "emails": [{"value": f"P{draw.randrange(4) if ambiguous else who}@example.org"}],
            "user_name": f"u{key}", "name.given": f"G{draw.randrange(3)}", "title": draw.choice(["A", "B", None, ""]),
            "active": draw.random() < 0.8, "department": ref("groups"), "manager": ref("people"),
        },
        "groups": {"name": f"N{draw.randrange(3)}", "code": f"g{key}"},
        "rooms": {"name": f"R{key}", "alias": f"r{key}", "visibility": draw.choice(["public", "public", "public", "members"])},
        "messages": {
            "space": ref("rooms"), "author": ref("people"), "sent_at": "2026-01-01T00:00:00Z",
            "body": f"M{draw.randrange(3)} @{{person:~{draw.randrange(4)}}}",
            **_answers(key),
        },
        "cases": {"number": str(key), "subject": f"S{draw.randrange(3)}", "owner": ref("people"), "team": ref("groups")},
    }  # fmt: skip
    return {
        path: value
        for path, value in made[stream].items()
        if path in ("space", "author", "thread", "reply_to") or draw.random() < 0.7
    }


def _answers(key: int) -> dict[str, Any]:
    """What a message answers is older, and stays what it answers; it may itself be a reply, known later than this."""
    draw = random.Random(key)
    if not key:
        return {}
    return {"thread" if key % 3 == 1 else "reply_to": {"stream": "messages", "key": str(draw.randrange(key))}}


def play(hub: Hub, rounds: list[list[Edit]], *, ambiguous: bool = True, shuffle: int | None = None) -> None:
    """Stage each round as reading would, then merge."""
    bridge = Bridge(COMPANY, hub, _no_connection)
    for number, edited in enumerate(rounds):
        newest = {(where, key): seed for where, key, seed in edited}
        order = (
            sorted(newest) if shuffle is None else random.Random(shuffle + number).sample(sorted(newest), len(newest))
        )
        with hub.begin() as conn:
            for where, key in order:
                seed = newest[where, key]
                if seed is None:
                    records.mark_gone(conn, *where, [str(key)])
                else:
                    said = claim(where[1], key, seed, ambiguous=ambiguous)
                    staged = Staged(str(key), random.Random(str(said)).randbytes(16), said)
                    records.upsert_claims(conn, *where, KINDS[where[1]], [staged])
        for flow in FLOWS:
            merge(bridge, flow)


def _no_connection(name: str) -> Any:
    raise AssertionError(name)


def told(hub: Hub, *, by_record: bool = False) -> dict[str, Any]:
    """All that merging left behind, with names for the ids of entities that are the same in every hub."""
    with hub.read() as conn:
        rows = conn.execute(select(record)).all()
        found = conn.execute(select(entity)).all()
        log = conn.execute(select(change).order_by(change.c.seq)).all()
        names = _names(found, log, rows if by_record else [])
        keys = {row.id: f"{row.system}/{row.stream}/{row.key}" for row in rows}
        name = _renamer(names)
        return {
            "records": {
                keys[row.id]: name((row.entity, row.role, row.pending, row.claim if row.merged else row.base)) for row in rows
            },
            "entities": {names[one.id]: name((one.data, one.origin, one.deleted_at is not None)) for one in found},
            # Only what was made: where others saw a record go before another came, one transaction sees both.
            "made": sorted(names[one.entity] for one in log if one.op == "create"),
            "decisions": sorted(
                str(name((one.kind, _subject(one.subject, keys), sorted(one.options), one.state)))
                for one in conn.execute(select(decision))
            ),
            "references": sorted(str(name(tuple(one))) for one in conn.execute(select(reference))),
            "identifiers": sorted((keys[one.record], one.field, one.value) for one in conn.execute(select(identifier))),
            "waiting": sorted((keys[one.record], one.system, one.stream, one.key) for one in conn.execute(select(unresolved))),
            "agenda": sorted(str(name((one.flow, one.entity))) for one in conn.execute(select(agenda))),
        }  # fmt: skip


def _subject(text: str, keys: dict[int, str]) -> str:
    return re.sub(r"record:(\d+)", lambda found: keys[int(found[1])], text)


def _names(found: list[Any], log: list[Any], rows: list[Any]) -> dict[str, str]:
    """Said ones by the order in which they were made (or by their records), derived ones by what they are derived from."""
    kinds = {one.id: one.kind for one in found}
    derived = {one.id: one.rule for one in found if one.rule}
    names: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: (row.system, row.stream, row.key)):
        names.setdefault(row.entity or "", f"{row.kind} of {row.system}/{row.stream}/{row.key}")
    for one in log:
        if one.op == "create" and one.entity not in derived:
            names.setdefault(one.entity, f"{kinds[one.entity]} {len(names)}")
    for id, rule in derived.items():
        names[id] = _renamer(names)(rule)
    return names


def _renamer(names: dict[str, str]) -> Callable[[Any], Any]:
    def rename(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda found: names.get(found[0], found[0]), value)
        if isinstance(value, dict):
            return {rename(key): rename(inner) for key, inner in value.items()}
        return [rename(inner) for inner in value] if isinstance(value, list | tuple) else value

    return rename


class Hubs:
    """Fresh copies of a migrated SQLite hub, for as many examples as it takes."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template, self._folder, self._count = template, folder, 0

    def __call__(self, batch: int, then: Callable[[Hub], dict[str, Any]]) -> dict[str, Any]:
        self._count += 1
        path = self._folder / f"{self._count}.sqlite"
        shutil.copy(self._template, path)
        hub, before = Hub(f"sqlite:///{path}"), merging.BATCH
        try:
            merging.BATCH = batch
            return then(hub)
        finally:
            merging.BATCH = before
            hub.close()
            path.unlink()


@pytest.fixture
def hubs(_sqlite_template: Path, tmp_path: Path) -> Hubs:
    return Hubs(_sqlite_template, tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=edits(keys=5, seeds=6))
def test_any_batch_size_gives_the_same(hubs: Hubs, rounds: list[list[Edit]]) -> None:
    def outcome(hub: Hub) -> dict[str, Any]:
        play(hub, rounds)
        return told(hub)

    expected = hubs(1, outcome)
    for batch in (3, 1000):
        assert hubs(batch, outcome) == expected


def test_a_reply_follows_what_it_answers_into_its_thread(hubs: Hubs) -> None:
    """They come in the opposite order: a reply to a reply, and last the question; also when what it answers is moved."""

    def said(key: str, **answers: str) -> Staged:
        refs = {field: {"stream": "messages", "key": to} for field, to in answers.items()}
        text = {"space": {"stream": "rooms", "key": "0"}, "sent_at": "2026-01-01T00:00:00Z", "body": key}
        return Staged(key, repr((key, answers)).encode(), text | refs)

    pages = (
        [
            said("last", reply_to="third"),
            said("third", reply_to="second"),
            said("second", reply_to="first"),
            said("first"),
        ],
        [said("other"), said("second", reply_to="other")],
        [said("second", thread="first")],
    )

    def outcome(hub: Hub) -> dict[str, Any]:
        room = claim("rooms", 0, 0, ambiguous=False) | {"visibility": "public"}
        found = []
        for page in pages:
            with hub.begin() as conn:
                records.upsert_claims(conn, "chat", "rooms", "space", [Staged("0", b"0", room)])
                for one in page:
                    records.upsert_claims(conn, "chat", "messages", "message", [one])
            merge(Bridge(COMPANY, hub, _no_connection), "knowledge")
            with hub.read() as conn:
                rows = conn.execute(select(record.c.key, record.c.entity).where(record.c.stream == "messages"))
                keys = {row.entity: row.key for row in rows}
                threads = conn.execute(select(entity.c.id, entity.c.data).where(entity.c.kind == "message"))
                found.append({keys[one.id]: keys.get(one.data.get("thread")) for one in threads})
        return {"threads": found}

    first = {"first": None, "second": "first", "third": "first", "last": "first"}
    moved = {"first": None, "other": None, "second": "other", "third": "other", "last": "other"}
    for batch in (1, 2, 1000):
        assert hubs(batch, outcome)["threads"] == [first, moved, {**first, "other": None}], batch


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=edits(keys=4, seeds=6), order=st.integers(0, 1000))
def test_any_order_gives_the_same_where_nothing_is_ambiguous(hubs: Hubs, rounds: list[list[Edit]], order: int) -> None:
    def outcome(shuffle: int | None) -> Callable[[Hub], dict[str, Any]]:
        def then(hub: Hub) -> dict[str, Any]:
            play(hub, rounds, ambiguous=False, shuffle=shuffle)
            found = told(hub, by_record=True)
            return {part: found[part] for part in ("records", "entities", "references", "identifiers", "waiting")}

        return then

    assert hubs(1000, outcome(order)) == hubs(1000, outcome(None))


@pytest.mark.parametrize("seed", range(3))
def test_either_database_gives_the_same(hub: Hub, hubs: Hubs, seed: int) -> None:
    """In one batch here, record by record there."""
    draw = random.Random(seed)
    rounds = [
        [(draw.choice(STREAMS), draw.randrange(6), draw.choice([None, *range(7)])) for _ in range(25)] for _ in range(4)
    ]

    def outcome(hub: Hub) -> dict[str, Any]:
        play(hub, rounds)
        return told(hub)

    assert outcome(hub) == hubs(1, outcome)
