from __future__ import annotations

import random

from landbridge.store import records
from landbridge.store.enumeration import Enumeration, IdSet
from landbridge.store.hub import Hub
from landbridge.store.records import Counts, Staged
from tests.store.working import pending, settle

HR = ("hr", "people")
MARK = b"m" * 16


def store(hub: Hub, *keys: str, system: str = "hr") -> Counts:
    with hub.begin() as conn:
        return records.upsert_claims(conn, system, "people", "person", [Staged(key, MARK, {"a": 1}) for key in keys])


def begin(hub: Hub) -> Enumeration:
    with hub.read() as conn:
        return Enumeration.begin(conn, *HR)


def meet(hub: Hub, enumeration: Enumeration, *keys: str) -> None:
    with hub.read() as conn:
        enumeration.met.add(one.id for one in records.look_up(conn, *HR, keys).values())


def call_gone(hub: Hub, enumeration: Enumeration) -> int:
    with hub.begin() as conn:
        return enumeration.call_gone(conn, enumeration.missing(conn))


def present(hub: Hub, *keys: str) -> list[str]:
    with hub.read() as conn:
        return [key for key, one in records.look_up(conn, *HR, keys).items() if one.gone_at is None]


def test_gone_is_what_a_complete_enumeration_did_not_meet(hub: Hub) -> None:
    store(hub, "1", "2", "3")
    store(hub, "1", "2", system="crm")
    with hub.read() as conn:
        waiting = records.pending_ids(conn, [HR], 10)
    settle(hub, waiting)
    enumeration = begin(hub)
    assert not enumeration.met
    meet(hub, enumeration, "1", "3", "9")
    assert enumeration.met
    assert call_gone(hub, enumeration) == 1
    with hub.read() as conn:
        assert [row.key for row in pending(conn, [HR])] == ["2"]
        assert records.known(conn, "crm", "people") == 2
    assert present(hub, "1", "2", "3") == ["1", "3"]
    # Unchanged, but back again; and it is called gone only once.
    assert call_gone(hub, enumeration) == 0
    assert store(hub, "2") == Counts(changed=1)
    assert present(hub, "2") == ["2"]


def test_what_comes_or_comes_back_during_an_enumeration_is_not_gone(hub: Hub) -> None:
    store(hub, "1", "2")
    with hub.begin() as conn:
        records.mark_gone(conn, *HR, ["2"])
    enumeration = begin(hub)
    meet(hub, enumeration, "1")
    # Written by us while the enumeration was past their page already: one is new, one is back.
    with hub.begin() as conn:
        for key in ("2", "4"):
            records.save_written(conn, *HR, key, "person", "e", "copy", {"a": 1}, {"a": 1}, MARK)
    assert call_gone(hub, enumeration) == 0
    assert present(hub, "1", "2", "4") == ["1", "2", "4"]


def test_what_is_written_while_the_missing_are_called_gone_is_not(hub: Hub) -> None:
    store(hub, "1", "2")
    enumeration = begin(hub)
    meet(hub, enumeration, "1")
    with hub.read() as conn:
        missing = enumeration.missing(conn)
    assert len(missing) == 1
    with hub.begin() as conn:
        records.save_written(conn, *HR, "2", "person", "e", "copy", {"a": 1}, {"a": 1}, MARK)
    with hub.begin() as conn:
        assert enumeration.call_gone(conn, missing) == 0
    assert present(hub, "1", "2") == ["1", "2"]


def test_more_than_one_piece(hub: Hub) -> None:
    keys = [str(number) for number in range(45_000)]
    assert store(hub, *keys).new == 45_000
    enumeration = begin(hub)
    meet(hub, enumeration, *keys[:100], *keys[2_000:43_000])
    assert call_gone(hub, enumeration) == 3_900
    assert sorted(present(hub, "99", "100", "1999", "2000", "42999", "43000")) == ["2000", "42999", "99"]


def test_a_set_of_ids_is_a_set_of_ids() -> None:
    dice = random.Random(7)
    ids = {dice.randrange(1, 10 ** dice.randrange(2, 12)) for _ in range(2_000)}
    others = {dice.randrange(1, 10 ** dice.randrange(2, 12)) for _ in range(2_000)} | {one + 1 for one in ids}
    found = IdSet()
    assert found.missing([1, 2]) == [1, 2]
    found.add(sorted(ids)[:1_000])
    found.add(ids)
    assert found.missing(ids) == []
    assert set(found.missing(others)) == others - ids


def test_who_is_missing_from_late_lists_is_not_gone_before_its_time(hub: Hub) -> None:
    store(hub, "1")
    with hub.read() as conn:
        soon, later = Enumeration.begin(conn, *HR, 60.0), Enumeration.begin(conn, *HR)
    assert call_gone(hub, soon) == 0
    assert call_gone(hub, later) == 1
