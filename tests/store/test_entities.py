from __future__ import annotations

import threading
import time

import pytest

from landbridge.errors import LandbridgeError
from landbridge.store import entities, records
from landbridge.store.hub import Hub
from landbridge.store.records import Staged


def make(hub: Hub, kind: str = "person", rule: str | None = None) -> str:
    entity = entities.new_id()
    with hub.begin() as conn:
        entities.create(conn, entity, kind, {"a": 1}, {"a": "hr/people"}, None, rule, "run")
    return entity


def make_record(hub: Hub, key: str) -> int:
    with hub.begin() as conn:
        records.upsert_claims(conn, "hr", "people", "person", [Staged(key, b"a", {})])
        row = records.get(conn, "hr", "people", key)
        assert row
        records.set_merged(conn, row.id, row.claim)
        return row.id


def test_each_step_is_a_version_and_a_change(hub: Hub) -> None:
    entity = make(hub)
    with hub.begin() as conn:
        assert entities.update(conn, entity, {"a": 2}, {}, {"scope": "company"}, ["a", "a"], "run") == 2
        assert entities.delete(conn, entity, "run") == 3
        deleted = entities.get(conn, entity)
        assert deleted
        assert deleted.deleted_at
        assert deleted.data == {"a": 2}
        assert deleted.audience == {"scope": "company"}
        assert deleted.hash == entities.data_hash({"a": 2})
        assert entities.restore(conn, entity, "run") == 4
    with hub.read() as conn:
        changes = entities.changes_after(conn, 0, ["person"], 10)
        assert [(change.op, change.fields) for change in changes] == [
            ("create", []), ("update", ["a"]), ("delete", []), ("restore", []),
        ]  # fmt: skip
        assert entities.changes_after(conn, changes[1].seq, ["person"], 1) == [changes[2]]
        assert entities.changes_after(conn, 0, ["message"], 10) == []
        assert entities.last_seq(conn) == changes[-1].seq
        found = entities.get(conn, entity)
        assert found
        assert found.version == 4
        assert found.deleted_at is None


def test_an_unknown_entity_cannot_change(hub: Hub) -> None:
    with pytest.raises(LandbridgeError, match="no entity"), hub.begin() as conn:
        entities.update(conn, "nobody", {}, {}, None, [])


def test_a_derived_entity_is_found_by_its_rule(hub: Hub) -> None:
    entity = make(hub, rule="people:person-member:1:2")
    with hub.read() as conn:
        found = entities.by_rule(conn, "people:person-member:1:2")
        assert found
        assert found.id == entity
        assert entities.by_rule(conn, "other") is None


def test_ids_sort_by_age_and_many_are_fetched_at_once(hub: Hub) -> None:
    ids = [entities.new_id() for _ in range(2_500)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 2_500
    entity = make(hub)
    with hub.read() as conn:
        assert entities.get_many(conn, [*ids, entity]).keys() == {entity}
        assert entities.get_many(conn, []) == {}


def test_a_reader_of_the_log_misses_no_change_of_a_slow_transaction(hub: Hub) -> None:
    """Numbers are handed out before commits; without a lock a slow transaction's change appears behind the reader."""
    slow_wrote, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with hub.begin() as conn:
            entities.create(conn, entities.new_id(), "person", {}, {}, None)
            slow_wrote.set()
            finish.wait(10)

    def fast() -> None:
        with hub.begin() as conn:
            entities.create(conn, entities.new_id(), "person", {}, {}, None)

    threads = [threading.Thread(target=slow), threading.Thread(target=fast)]
    threads[0].start()
    assert slow_wrote.wait(10)
    threads[1].start()
    seen: list[int] = []
    for step in range(20):
        with hub.read() as conn:
            seen += [change.seq for change in entities.changes_after(conn, max(seen, default=0), ["person"], 10)]
        time.sleep(0.02)
        if step == 10:
            finish.set()
    for thread in threads:
        thread.join()
    with hub.read() as conn:
        seen += [change.seq for change in entities.changes_after(conn, max(seen, default=0), ["person"], 10)]
    assert len(seen) == 2


def test_a_lock_lost_with_a_savepoint_is_taken_again(hub: Hub) -> None:
    with hub.begin() as conn:
        savepoint = conn.begin_nested()
        entities.create(conn, entities.new_id(), "person", {}, {}, None)
        savepoint.rollback()
        entities.create(conn, entities.new_id(), "person", {}, {}, None)
        if hub.dialect == "postgresql":
            held = conn.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
            assert held.scalar_one() >= 1
    with hub.read() as conn:
        assert len(entities.changes_after(conn, 0, ["person"], 10)) == 1


def test_references_are_replaced_and_found_from_the_target(hub: Hub) -> None:
    with hub.begin() as conn:
        entities.set_references(conn, "m1", {"author": ["p1"], "mentions": ["p1", "p2"]})
        entities.set_references(conn, "m2", {"author": ["p1"]})
        assert entities.referrers(conn, "p1", ["author"]) == [("m1", "author"), ("m2", "author")]
        assert len(entities.referrers(conn, "p1")) == 3
        entities.set_references(conn, "m1", {"author": ["p2"], "mentions": []})
        assert entities.referrers(conn, "p1") == [("m2", "author")]
        assert entities.referrers(conn, "p2") == [("m1", "author")]


def test_who_waits_for_a_record_is_merged_again_when_it_is_linked(hub: Hub) -> None:
    reply, other = make_record(hub, "reply"), make_record(hub, "other")
    with hub.begin() as conn:
        entities.set_unresolved(conn, reply, {("hr", "people", "root"), ("hr", "people", "author")})
        entities.set_unresolved(conn, other, {("hr", "people", "author")})
        assert entities.waiting_for(conn, "hr", "people", "root") == [reply]
        assert entities.wake(conn, "hr", "people", "root") == [reply]
        assert [row.key for row in records.pending(conn, [("hr", "people")])] == ["reply"]
        entities.set_unresolved(conn, reply, set())
        assert entities.waiting_for(conn, "hr", "people", "author") == [other]


def test_identifiers_match_records_that_are_not_gone(hub: Hub) -> None:
    one, two = make_record(hub, "1"), make_record(hub, "2")
    with hub.begin() as conn:
        records.link(conn, one, "e")
        entities.set_identifiers(conn, one, "person", {"emails": ["a@x", "b@x", "b@x"], "number": ["7"]})
        entities.set_identifiers(conn, two, "person", {"emails": ["b@x"]})
        hits = entities.matches(conn, "person", "emails", ["a@x", "b@x"])
        assert [(hit.record_id, hit.entity, hit.system) for hit in hits] == [(one, "e", "hr"), (two, None, "hr")]
        assert entities.matches(conn, "group", "emails", ["a@x"]) == []
        assert entities.matches(conn, "person", "emails", []) == []
        records.mark_gone(conn, "hr", "people", ["2"])
        entities.set_identifiers(conn, one, "person", {"emails": ["c@x"]})
        assert entities.matches(conn, "person", "emails", ["a@x", "b@x"]) == []
        assert [hit.record_id for hit in entities.matches(conn, "person", "emails", ["c@x"])] == [one]
