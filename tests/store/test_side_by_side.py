"""What several processes do to one hub at the same time: nothing is lost, and nobody waits crosswise."""

from __future__ import annotations

import threading

from landbridge.store import agenda, records
from landbridge.store.hub import Hub
from landbridge.store.records import Staged
from tests.store.working import working

HR = ("hr", "people")


def test_what_is_read_while_it_is_merged_is_merged_next(hub: Hub) -> None:
    def read(number: int) -> None:
        with hub.begin() as conn:
            records.upsert_claims(conn, *HR, "person", [Staged("1", b"%d" % number, {"a": number})])

    read(1)
    reading = threading.Thread(target=read, args=(2,))
    with working(hub) as unit:
        (id,) = records.pending_ids(unit.conn, [HR], 10)
        row = unit.records.get(id)
        reading.start()
        reading.join(0.5)  # a reader that is not let in waits
        unit.records.settle(row)
    reading.join()
    with hub.read() as conn:
        found = records.get(conn, *HR, "1")
    assert found and found.pending
    assert (found.claim, found.base) == ({"a": 2}, {"a": 1})


def test_nobody_waits_crosswise_for_the_agenda(hub: Hub) -> None:
    """A plan adds what it has woken, then what it has derived; a merge what it has touched: each in its own order."""
    one_added, failed = threading.Event(), []

    def add(flow: str, first: str, second: str) -> None:
        try:
            with hub.begin() as conn:
                agenda.add(conn, flow, [first])
                one_added.set()
                threading.Event().wait(0.2)
                agenda.add(conn, flow, [second])
        except Exception as error:
            failed.append(error)

    adding = [threading.Thread(target=add, args=("news", *pair)) for pair in (("a", "b"), ("b", "a"))]
    for thread in adding:
        thread.start()
        assert one_added.wait(10)
    for thread in adding:
        thread.join()
    assert failed == []
    with hub.read() as conn:
        assert sorted(agenda.take(conn, "news")) == ["a", "b"]
