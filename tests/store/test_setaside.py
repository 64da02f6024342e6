from __future__ import annotations

import itertools
from typing import Any

import pytest

from landbridge.store import setaside
from landbridge.store.clock import later, parse
from landbridge.store.hub import Hub
from landbridge.store.setaside import DECLINED, FAILED, Bad


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


def test_what_stands_is_neither_tried_nor_settled_and_a_person_drops_it(hub: Hub) -> None:
    with hub.begin() as conn:
        bad = [Bad("1", None, "declined", DECLINED), Bad("2", None, "came back", FAILED), Bad("3", None, "broken")]
        setaside.put(conn, "hr", "people", bad)
        setaside.settle(conn, "hr", "people", "1", "2", "3")
        assert [one.key for one in setaside.list(conn)] == ["2", "1"], "what was declined is nothing to look at"
        assert setaside.counts(conn) == {("hr", "people"): 1}
        assert setaside.retry(conn, "hr", "people", ["1", "2", "3"]) == 0
        assert setaside.due(conn, "hr", "people") == []
        found = setaside.get(conn, "hr", "people", "1")
        assert (found and found.stands, setaside.get(conn, "hr", "people", "3")) == (DECLINED, None)
        setaside.remove(conn, "hr", "people", "1", "2")
        assert setaside.list(conn) == []


@pytest.mark.parametrize("size", [1, 3])
def test_the_graver_word_about_a_record_stays(hub: Hub, size: int) -> None:
    """Whichever came first, one by one or together."""
    words = [Bad("1", None, "no more", DECLINED), Bad("1", None, "came back", FAILED), Bad("1", {}, "broken")]
    for order in itertools.permutations(words):
        with hub.begin() as conn:
            for start in range(0, len(order), size):
                setaside.put(conn, "hr", "people", order[start : start + size])
            [found] = setaside.list(conn)
            assert (found.reason, found.stands, found.next_at) == ("no more", DECLINED, setaside.NEVER)
            setaside.remove(conn, "hr", "people", "1")
