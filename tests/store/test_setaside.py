from __future__ import annotations

from typing import Any

import pytest

from landbridge.store import setaside
from landbridge.store.clock import later, parse
from landbridge.store.hub import Hub
from landbridge.store.setaside import Bad


def put(conn: Any, key: str = "1") -> setaside.SetAside:
    setaside.put(conn, "hr", "people", [Bad(key, {"id": None}, "title is missing")])
    return next(one for one in setaside.list(conn) if one.key == key)


def test_tries_follow_the_schedule_and_then_end() -> None:
    first = "2026-01-01T00:00:00.000000Z"
    moment, waits = first, []
    for attempts in range(1, 40):
        at = setaside.next_try(attempts, first, moment)
        if at == setaside.NEVER:
            break
        waits.append((parse(at) - parse(moment)).total_seconds())
        moment = at
    assert waits[:5] == [300, 3_600, 21_600, 86_400, 86_400]
    assert moment <= later(28 * 86_400, since=first) < later(86_400, since=moment)


def test_set_aside_keeps_the_record_and_counts_tries(hub: Hub) -> None:
    with hub.begin() as conn:
        once, twice = put(conn), put(conn)
        assert (once.attempts, twice.attempts) == (1, 2)
        assert once.first_at == twice.first_at
        assert setaside.list(conn) == [twice]
        assert twice.native == {"id": None}
        assert setaside.list(conn, "crm") == []
        assert setaside.due(conn, "hr", "people") == []
        assert setaside.counts(conn) == {("hr", "people"): 1}


def test_a_person_may_retry_or_drop(hub: Hub) -> None:
    with hub.begin() as conn:
        put(conn, "1")
        put(conn, "2")
        setaside.retry(conn, "hr", "people", ["1"])
        assert [one.key for one in setaside.due(conn, "hr", "people")] == ["1"]
        assert put(conn, "1").attempts == 1
        setaside.remove(conn, "hr", "people", "1", "2")
        assert setaside.list(conn) == []


@pytest.mark.parametrize("native", [None, {"a": "\x00"}])
def test_any_native_can_be_kept(hub: Hub, native: Any) -> None:
    with hub.begin() as conn:
        setaside.put(conn, "hr", "people", [Bad("1", native, "broken")])
        assert len(setaside.list(conn)) == 1


def test_a_page_of_bad_records_is_set_aside_at_once(hub: Hub) -> None:
    keys = [str(number) for number in range(3_000)]
    with hub.begin() as conn:
        setaside.put(conn, "hr", "people", [Bad(key, None, "once") for key in keys[:10]])
        setaside.put(conn, "hr", "people", [Bad(key, None, "first") for key in keys])
        setaside.put(conn, "hr", "people", [Bad("1", None, "earlier"), Bad("1", None, "later")])
        found = {one.key: one for one in setaside.list(conn, limit=5_000)}
        assert {found[key].attempts for key in keys[10:]} == {1}
        assert (found["0"].attempts, found["1"].attempts, found["1"].reason) == (2, 3, "later")
        assert setaside.among(conn, "hr", "people", ["0", "2999", "3000"]) == {"0", "2999"}
        assert setaside.among(conn, "crm", "people", ["0"]) == set()
