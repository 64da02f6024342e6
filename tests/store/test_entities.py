from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import select

from landbridge.errors import LandbridgeError
from landbridge.store import entities, records
from landbridge.store.hub import Hub
from landbridge.store.records import Staged
from landbridge.store.tables import entity
from landbridge.store.unit import Unit
from tests.store.working import add_person, changes, pending, settle, working


def make_record(hub: Hub, key: str) -> int:
    with hub.begin() as conn:
        records.upsert_claims(conn, "hr", "people", "person", [Staged(key, b"a", {})])
        row = records.get(conn, "hr", "people", key)
    assert row
    settle(hub, [row.id])
    return row.id


def test_each_step_is_a_version_and_a_change(hub: Hub) -> None:
    with working(hub) as unit:
        person = unit.create("person")
        unit.entities.update(person, {"a": 1}, {"a": "hr/people"}, ["a"])  # never seen otherwise: no step of its own
    with working(hub) as unit:
        unit.entities.update(person, {"a": 2}, {"a": "crm/people"}, ["a", "a"])
        unit.entities.delete(person)
    with hub.read() as conn:
        deleted = entities.get(conn, person)
        assert deleted
        assert deleted.deleted_at
        assert (deleted.version, deleted.data, deleted.origin) == (3, {"a": 2}, {"a": "crm/people"})
        assert conn.scalar(select(entity.c.hash)) == entities.data_hash({"a": 2})
    with working(hub) as unit:
        unit.entities.restore(person)
    with hub.read() as conn:
        log = changes(conn)
        assert [(change.op, change.fields, change.run) for change in log] == [
            ("create", [], "run"), ("update", ["a"], "run"), ("delete", [], "run"), ("restore", [], "run"),
        ]  # fmt: skip
        assert changes(conn, log[1].seq) == log[2:]
        found = entities.get(conn, person)
        assert found
        assert found.version == 4
        assert found.deleted_at is None


@pytest.mark.parametrize("op", ["update", "delete", "restore"])
def test_an_unknown_entity_cannot_change(hub: Hub, op: str) -> None:
    given: tuple[Any, ...] = ({}, {}, []) if op == "update" else ()
    with pytest.raises(LandbridgeError, match=f"no entity nobody to {op}"), working(hub) as unit:
        getattr(unit.entities, op)("nobody", *given)


def test_a_derived_entity_is_found_by_its_rule(hub: Hub) -> None:
    rule = "people:person-member:1:2"
    with working(hub) as unit:
        made = unit.create("person", rule)
        assert (found := unit.entities.by_rule(rule)) and found.id == made
    with working(hub) as unit:
        assert (found := unit.entities.by_rule(rule)) and found.id == made
        assert unit.entities.by_rule("other") is None


def test_ids_sort_by_age_and_many_are_fetched_at_once(hub: Hub) -> None:
    ids = [entities.new_id() for _ in range(2_500)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2_500
    with hub.begin() as conn:
        person = add_person(conn)
    with hub.read() as conn:
        assert entities.get_many(conn, [*ids, person]).keys() == {person}
        assert entities.get_many(conn, []) == {}


def test_a_reader_of_the_log_misses_no_change_of_a_slow_transaction(hub: Hub) -> None:
    """Numbers are handed out before commits; without a lock a slow transaction's change appears behind the reader."""
    slow_wrote, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with hub.begin() as conn:
            add_person(conn)
            slow_wrote.set()
            finish.wait(10)

    def fast() -> None:
        with hub.begin() as conn:
            add_person(conn)

    threads = [threading.Thread(target=slow), threading.Thread(target=fast)]
    threads[0].start()
    assert slow_wrote.wait(10)
    threads[1].start()
    seen: list[int] = []
    for step in range(20):
        with hub.read() as conn:
            seen += [change.seq for change in changes(conn, max(seen, default=0))]
        time.sleep(0.02)
        if step == 10:
            finish.set()
    for thread in threads:
        thread.join()
    with hub.read() as conn:
        seen += [change.seq for change in changes(conn, max(seen, default=0))]
    assert len(seen) == 2


def test_a_lock_lost_with_a_savepoint_is_taken_again(hub: Hub) -> None:
    with hub.begin() as conn:
        savepoint = conn.begin_nested()
        add_person(conn)
        savepoint.rollback()
        add_person(conn)
        if hub.dialect == "postgresql":
            held = conn.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            assert held.scalar_one() >= 1
    with hub.read() as conn:
        assert len(changes(conn)) == 1


def test_references_are_replaced_and_found_from_the_target(hub: Hub) -> None:
    with working(hub) as unit:
        unit.refer("m1", {"author": ["p1"], "mentions": ["p1", "p2"]})
        unit.refer("m2", {"author": ["p1"]})
        assert unit.referrers("p1", ["author"]) == ["m1", "m2"]
    with hub.read() as conn:
        assert entities.referrers(conn, "p1", ["author"]) == [("m1", "author"), ("m2", "author")]
        assert len(entities.referrers(conn, "p1")) == 3
    with working(hub) as unit:
        unit.refer("m1", {"author": ["p2"], "mentions": []})
        assert unit.referrers("p1", ["author", "mentions"]) == ["m2"]
    with hub.read() as conn:
        assert entities.referrers(conn, "p1") == [("m2", "author")]
        assert entities.referrers(conn, "p2") == [("m1", "author")]
        assert entities.referrers_of(conn, ["p1", "p3"], "author") == {"p1": ["m2"], "p3": []}


def wait_for(unit: Unit, record: int, *keys: str) -> None:
    unit.unresolved.replace(record, frozenset(("hr", "people", key) for key in keys))


def test_who_waits_for_a_record_is_merged_again_when_it_is_linked(hub: Hub) -> None:
    reply, other, root = make_record(hub, "reply"), make_record(hub, "other"), make_record(hub, "root")
    with working(hub) as unit:
        wait_for(unit, reply, "root", "author")
        wait_for(unit, other, "author")
    with working(hub) as unit:
        unit.wake_waiting(unit.records.get(root))
    with hub.read() as conn:
        assert [row.key for row in pending(conn, [("hr", "people")])] == ["reply"]
    settle(hub, [reply])
    with hub.begin() as conn:  # linked because it was written, not merged
        assert entities.wake(conn, "hr", "people", ["root"]) == [reply]
        assert [row.key for row in pending(conn, [("hr", "people")])] == ["reply"]
    with working(hub) as unit:
        wait_for(unit, reply)
    with hub.begin() as conn:
        assert entities.wake(conn, "hr", "people", ["author"]) == [other]


def identify(hub: Hub, record: int, **values: list[str]) -> None:
    with working(hub) as unit:
        noted = frozenset(("person", field, value) for field, some in values.items() for value in some)
        unit.identifiers.replace(record, noted)


def test_identifiers_match_records_that_are_not_gone(hub: Hub) -> None:
    one, two = make_record(hub, "1"), make_record(hub, "2")
    with working(hub) as unit:
        unit.records.link(unit.records.get(one), "e")
    identify(hub, one, emails=["a@x", "b@x", "b@x"], number=["7"])
    identify(hub, two, emails=["b@x"])
    with hub.begin() as conn:
        hits = entities.matches(conn, "person", "emails", ["a@x", "b@x"])
        assert [(hit.record_id, hit.entity, hit.system) for hit in hits] == [(one, "e", "hr"), (two, None, "hr")]
        assert entities.matches(conn, "group", "emails", ["a@x"]) == []
        assert entities.matches(conn, "person", "emails", []) == []
        records.mark_gone(conn, "hr", "people", ["2"])
    identify(hub, one, emails=["c@x"])
    with hub.read() as conn:
        assert entities.matches(conn, "person", "emails", ["a@x", "b@x"]) == []
        assert [hit.record_id for hit in entities.matches(conn, "person", "emails", ["c@x"])] == [one]
