"""What several processes do to one hub at the same time: nothing is lost, and nobody waits crosswise."""

from __future__ import annotations

import threading

from landbridge.store import records
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
