from __future__ import annotations

import threading
from typing import Any

from landbridge.store import agenda, deliveries, sending
from landbridge.store.clock import later, now
from landbridge.store.hub import Hub


def put(conn: Any, entity: str, **columns: Any) -> int:
    values = {"flow": "news", "target": "chat/messages", "op": "create", "state": "planned"} | columns
    return deliveries.put(conn, entity=entity, **values)


def test_a_delivery_is_one_per_target_entity_and_shape(hub: Hub) -> None:
    with hub.begin() as conn:
        first = put(conn, "e", desired={"body": None}, marker="m", attempts=2, reason="old")
        assert put(conn, "e", desired={"body": ""}, op="update", fields=["body"]) == first
        assert put(conn, "e", shape="announcement") != first
        one = deliveries.get(conn, "chat/messages", "e")
        assert one
        assert (one.op, one.desired, one.fields, one.attempts, one.reason, one.marker) == (
            "update",
            {"body": ""},
            ["body"],
            0,
            None,
            None,
        )
        assert deliveries.by_id(conn, first) == one
        assert [found.shape for found in deliveries.of_entity(conn, "e")] == ["", "announcement"]
        assert deliveries.get(conn, "chat/messages", "f") is None


def test_due_comes_in_order_and_not_before_its_time(hub: Hub) -> None:
    with hub.begin() as conn:
        put(conn, "late", partition="a", position="2")
        put(conn, "early", partition="a", position="1")
        put(conn, "other", partition="b", position="3")
        put(conn, "waits", partition="a", position="0", next_at=later(60))
        put(conn, "ready", partition="b", position="4", next_at=now(), state="retry")
        put(conn, "done", state="done")

        def due(**more: Any) -> list[str]:
            return [one.entity for one in deliveries.due(conn, "chat/messages", ["planned", "retry"], **more)]

        assert due() == ["early", "late", "other", "ready"]
        assert due(limit=2) == ["early", "late"]
        assert due(partition="b") == ["other", "ready"]
        assert due(now=later(120))[0] == "waits"
        assert deliveries.partitions(conn, "chat/messages", ["planned", "retry"]) == {"a": 2, "b": 2}
        assert deliveries.counts(conn, "chat/messages") == {"planned": 4, "retry": 1, "done": 1}
        assert deliveries.any_in(conn, "chat/messages", ["done"])
        assert not deliveries.any_in(conn, "chat/messages", ["sending"])


def test_a_state_clears_the_reason_and_keeps_the_marker(hub: Hub) -> None:
    with hub.begin() as conn:
        one = put(conn, "e")
        deliveries.set_state(conn, one, "retry", reason="busy", next_at=now(), attempts=1, marker="m")
        deliveries.set_state(conn, one, "done")
        found = deliveries.by_marker(conn, "m")
        assert found
        assert (found.state, found.reason, found.next_at, found.attempts) == ("done", None, None, 1)
        assert deliveries.by_marker(conn, "n") is None


def test_the_agenda_is_a_set_in_order_of_time(hub: Hub) -> None:
    with hub.begin() as conn:
        agenda.add(conn, "news", ["b", "a", "b"])
        agenda.add(conn, "news", [])
        agenda.add(conn, "cases", ["c"])
    with hub.begin() as conn:
        agenda.add(conn, "news", ["b"])
        taken = agenda.take(conn, "news", 10)
        assert list(taken) == ["a", "b"]
        agenda.remove(conn, "news", {"a": taken["a"]})
    with hub.read() as conn:
        assert list(agenda.take(conn, "news", 10)) == ["b"]


def test_what_is_put_on_the_agenda_while_it_is_planned_stays_on_it(hub: Hub) -> None:
    with hub.begin() as conn:
        agenda.add(conn, "news", ["a"])

    def add() -> None:
        with hub.begin() as conn:
            agenda.add(conn, "news", ["a"])

    with hub.begin() as conn:
        taken = agenda.take(conn, "news")
        adding = threading.Thread(target=add)
        adding.start()
        adding.join(0.3)  # PostgreSQL lets it in before the removal, SQLite after it
        agenda.remove(conn, "news", taken)
    adding.join()
    with hub.read() as conn:
        assert list(agenda.take(conn, "news")) == ["a"]


def test_one_worker_only_claims_a_delivery(hub: Hub) -> None:
    with hub.begin() as conn:
        one = put(conn, "e")
        assert sending.claim(conn, "run", {one: {"marker": "m"}}) == 1
        assert sending.claim(conn, "other", {one: {"marker": "n"}}) == 0
        found = deliveries.by_id(conn, one)
        assert found
        assert (found.state, found.run, found.marker) == ("sending", "run", "m")
        assert put(conn, "e", op="delete") == 0  # what is on its way is nobody else's
        assert sending.hold(conn, "other", [one]) == {}
        assert sending.want_again(conn, ["e"]) == {one}
        assert sending.hold(conn, "run", [one]) == {one: True}
        sending.keep_outcomes(conn, {one: {"state": "done", "lossy": ["table"]}})
        kept = deliveries.by_id(conn, one)
        assert kept
        assert (kept.op, kept.state, kept.lossy) == ("create", "done", ["table"])


def test_a_flow_finds_what_it_has_to_look_at_again(hub: Hub) -> None:
    with hub.begin() as conn:
        waits = put(conn, "waits", state="waiting", position="2")
        due = put(conn, "due", state="set_aside", next_at=later(-1), position="1")
        put(conn, "later", state="set_aside", next_at=later(60))
        put(conn, "other", state="waiting", flow="cases")

        assert deliveries.in_state(conn, "news", "waiting", 0, 10) == [(waits, "waits")]
        assert deliveries.in_state(conn, "news", "waiting", waits, 10) == []
        ((moment, id, entity),) = deliveries.now_due(conn, "news", now(), ("", 0), 10)
        assert (id, entity) == (due, "due")
        assert deliveries.now_due(conn, "news", now(), (moment, id), 10) == []
        both = deliveries.of_flow(conn, "news", ["waiting", "set_aside"], "chat/messages")
        assert [one.entity for one in both] == ["later", "due", "waits"]
        assert deliveries.of_flow(conn, "news", ["waiting"], "wiki/pages") == []
        assert deliveries.ops(conn, "news", ["waiting", "set_aside"]) == [
            ("set_aside", "chat/messages", "create", 2), ("waiting", "chat/messages", "create", 1),
        ]  # fmt: skip
        assert deliveries.states_of(conn, "news", ("waiting", "set_aside", "blocked")) == {"waiting", "set_aside"}


def test_what_waits_for_something_is_put_on_the_agenda_of_its_flow(hub: Hub) -> None:
    with hub.begin() as conn:
        put(conn, "reply", state="waiting", awaits="root")
        put(conn, "reply", state="waiting", awaits="root", shape="again")
        put(conn, "deal", state="blocked", awaits="root", flow="cases")
        put(conn, "other", state="waiting", awaits="another")
        put(conn, "free")
        agenda.add(conn, "news", ["reply"])
        before = agenda.take(conn, "news")
        assert deliveries.wake(conn, ["root", "unknown"]) == {"news": ["reply"], "cases": ["deal"]}
        assert agenda.take(conn, "news")["reply"] > before["reply"]
        assert list(agenda.take(conn, "cases")) == ["deal"]
        assert deliveries.wake(conn, ["free"]) == {}
