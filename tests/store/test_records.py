from __future__ import annotations

from typing import Any

import pytest

from landbridge.store import bulk, records
from landbridge.store.driver import postgresql_of
from landbridge.store.hub import Hub
from landbridge.store.records import Counts, Staged
from tests.store import working
from tests.store.working import pending

HR = ("hr", "people")


def staged(key: str, mark: str = "a", marker: str | None = None, **claim: Any) -> Staged:
    return Staged(key, mark.encode().ljust(16, b"\0"), claim, marker)


def store(hub: Hub, *rows: Staged) -> Counts:
    with hub.begin() as conn:
        return records.upsert_claims(conn, *HR, "person", rows)


def settle(hub: Hub) -> None:
    """Merge everything, as the engine would."""
    with hub.read() as conn:
        waiting = records.pending_ids(conn, [HR], 500)
    working.settle(hub, waiting)


def pending_keys(hub: Hub) -> list[str]:
    with hub.read() as conn:
        return [row.key for row in pending(conn, [HR])]


def test_only_news_is_pending(hub: Hub) -> None:
    assert store(hub, staged("1", a=1), staged("2", a=1), staged("3", a=1)) == Counts(new=3)
    assert pending_keys(hub) == ["1", "2", "3"]
    settle(hub)
    # 1 as it was, 2 with another raw form but the same claim, 3 with another claim, 4 new.
    counts = store(hub, staged("1", a=1), staged("2", "b", a=1), staged("3", "b", a=2), staged("4", a=1))
    assert counts == Counts(new=1, changed=1, same=2)
    assert pending_keys(hub) == ["3", "4"]
    with hub.read() as conn:
        known = records.look_up(conn, *HR, ["2", "3", "9"])
        assert {key: one.fingerprint for key, one in known.items()} == {
            "2": b"b".ljust(16, b"\0"), "3": b"b".ljust(16, b"\0"),
        }  # fmt: skip
        row = records.get(conn, *HR, "3")
        assert row
        assert row.claim == {"a": 2}
        assert row.base == {"a": 1}
        assert row.role == "source"


def test_a_change_that_waits_keeps_waiting(hub: Hub) -> None:
    store(hub, staged("1", a=1))
    assert store(hub, staged("1", "b", a=1)).same == 1
    assert pending_keys(hub) == ["1"]


def test_order_of_keys_in_a_claim_is_no_change(hub: Hub) -> None:
    store(hub, Staged("1", b"a", {"a": 1, "b": {"c": 1, "d": 2}}))
    assert store(hub, Staged("1", b"b", {"b": {"d": 2, "c": 1}, "a": 1})) == Counts(same=1)


@pytest.mark.parametrize("before", [{}, {"a": None}, {"a": ""}, {"a": []}, {"a": {}}, {"a": False}, {"a": 0}])
def test_absent_null_and_empty_stay_apart(hub: Hub, before: dict[str, Any]) -> None:
    store(hub, Staged("1", b"a", before))
    settle(hub)
    with hub.read() as conn:
        row = records.get(conn, *HR, "1")
        assert row
        assert repr(row.claim) == repr(before) == repr(row.base)
    for after in ({}, {"a": None}, {"a": ""}, {"a": []}, {"a": {}}):
        if after != before:
            assert store(hub, Staged("1", b"b", after)).changed == 1
            assert store(hub, Staged("1", b"a", before)).changed == 1


@pytest.mark.parametrize("text", ["tab\tnew\nline\\ \\N \\u0000 “quotes” 🌍", "nul\x00byte", "a'b\"c%s%(x)s"])
def test_any_text_survives(hub: Hub, text: str) -> None:
    kept = text.replace("\x00", "\ufffd")
    key = kept
    store(hub, Staged(key, b"a", {"body": text, text: 1}))
    assert store(hub, Staged(key, b"b", {"body": text, text: 1})) == Counts(same=1)
    with hub.read() as conn:
        row = records.get(conn, *HR, key)
        assert row
        assert row.claim == {"body": kept, kept: 1}
        assert list(records.look_up(conn, *HR, [key])) == [key]


def test_a_key_twice_on_a_page_counts_once_and_the_last_wins(hub: Hub) -> None:
    assert store(hub, staged("1", a=1), staged("1", "b", a=2)) == Counts(new=1)
    with hub.read() as conn:
        row = records.get(conn, *HR, "1")
        assert row
        assert row.claim == {"a": 2}


def test_sets_larger_than_any_statement(hub: Hub) -> None:
    keys = [str(number) for number in range(5_003)]
    assert store(hub, *(staged(key, a=key) for key in keys)).new == 5_003
    with hub.begin() as conn:
        assert len(records.look_up(conn, *HR, keys)) == 5_003
        assert len(records.by_keys(conn, *HR, keys)) == 5_003
        assert records.mark_gone(conn, *HR, keys[:4_001]) == 4_001
        ids = [row.id for row in records.by_keys(conn, *HR, keys).values()]
        assert len(records.get_many(conn, ids)) == 5_003
        assert records.known(conn, *HR) == 1_002
        assert records.known(conn, *HR, cap=11) == 11
    working.settle(hub, ids)
    assert pending_keys(hub) == []
    with working.working(hub) as unit:
        unit.records.wake(ids)
    with hub.read() as conn:
        assert records.pending_ids(conn, [HR], 6_000) == sorted(ids)


def test_what_is_gone_is_not_called_gone_again(hub: Hub) -> None:
    store(hub, staged("1"))
    with hub.begin() as conn:
        records.upsert_claims(conn, "crm", "people", "person", [staged("1")])
        assert records.mark_gone(conn, *HR, ["1", "2"]) == 1
        assert records.mark_gone(conn, *HR, ["1"]) == 0
        assert records.known(conn, "crm", "people") == 1


def test_pending_is_oldest_first_across_streams(hub: Hub) -> None:
    with hub.begin() as conn:
        for number in range(6):
            records.upsert_claims(conn, "hr", ("people", "units")[number % 2], "person", [staged(str(number))])
    with hub.read() as conn:
        both = [("hr", "people"), ("hr", "units"), ("hr", "nothing")]
        assert [row.key for row in pending(conn, both, limit=4)] == ["0", "1", "2", "3"]
        assert [row.key for row in pending(conn, [("hr", "units")])] == ["1", "3", "5"]
        assert pending(conn, []) == []


# Only here: PostgreSQL chooses by statistics, which an empty table does not have.
@pytest.mark.parametrize("new_hub", ["sqlite"], indirect=True)
def test_pending_reads_an_index_not_the_table(hub: Hub) -> None:
    with hub.begin() as conn:
        statements: list[str] = []
        driver = conn.connection.driver_connection
        driver.set_trace_callback(statements.append)
        records.pending_ids(conn, [HR, ("crm", "people")], 500)
        driver.set_trace_callback(None)
        select = next(statement for statement in statements if statement.startswith("SELECT"))
        plan = " ".join(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {select}"))
    assert plan.count("USING COVERING INDEX record_pending") + plan.count("USING INDEX record_pending") == 2
    assert "SCAN record" not in plan


def test_a_read_back_is_no_news(hub: Hub) -> None:
    with hub.begin() as conn:
        first = records.save_written(conn, *HR, "1", "person", "e", "copy", {"a": 1}, {"a": "1"}, b"x")
        again = records.save_written(conn, *HR, "1", "person", "e", "copy", {"a": 2}, {"a": "2"}, b"y")
        assert first == again
    assert store(hub, Staged("1", b"z", {"a": 2})) == Counts(same=1)
    assert pending_keys(hub) == []
    with hub.read() as conn:
        row = records.get(conn, *HR, "1")
        assert row
        assert (row.claim, row.base, row.sent, row.role) == ({"a": 2}, {"a": 2}, {"a": "2"}, "copy")


def test_what_was_written_stays_the_common_state_when_it_is_edited(hub: Hub) -> None:
    with hub.begin() as conn:
        records.save_written(conn, *HR, "1", "person", "e", "copy", {"a": 1}, {"a": "1"}, b"x")
    for mark, edited in (("b", 2), ("c", 3)):
        store(hub, staged("1", mark, a=edited))
        with hub.read() as conn:
            row = records.get(conn, *HR, "1")
            assert row and (row.claim, row.base) == ({"a": edited}, {"a": 1})


def test_links_are_found_from_both_sides(hub: Hub) -> None:
    store(hub, staged("1"), staged("2"), staged("3", marker="m"))
    with hub.begin() as conn:
        rows = records.by_keys(conn, *HR, ["1", "2", "3"])
        assert rows["3"].marker == "m"
        assert rows["1"].marker is None
    with working.working(hub) as unit:
        unit.records.link(unit.records.get(rows["1"].id), "e", "source")
        unit.records.link(unit.records.get(rows["2"].id), "e", "projection")
    with hub.read() as conn:
        assert [(row.key, row.role) for row in records.of_entity(conn, "e")] == [("1", "source"), ("2", "projection")]
        assert records.of_entities(conn, ["f", "e"])["f"] == []


# Only here: SQLite needs no statistics for it.
@pytest.mark.parametrize("new_hub", ["postgresql"], indirect=True)
def test_keys_are_looked_up_in_the_index_before_there_are_statistics(hub: Hub) -> None:
    store(hub, *(staged(str(number)) for number in range(3_000)))
    with hub.read() as conn:
        driver = postgresql_of(conn)
        assert driver
        plan = driver.execute(f"EXPLAIN {bulk._LOOK_UP_POSTGRESQL}", (["1", "2"], *HR)).fetchall()
        assert any("Index Cond" in row[0] and "(key = wanted.key)" in row[0] for row in plan), plan
