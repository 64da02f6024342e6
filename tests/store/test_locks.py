"""Two transactions on PostgreSQL that want the same: whoever comes second waits, and they never wait crosswise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import Connection, select

from landbridge.errors import ConfigError
from landbridge.store import again, agenda, brakes, decisions, deliveries, locks, partitions, records, sending
from landbridge.store.hub import Hub
from landbridge.store.records import Counts, Staged
from landbridge.store.tables import record
from landbridge.store.unit import Unit

# How far another transaction comes before it waits.
AS_FAR_AS_IT_CAN = 0.5


@contextmanager
def meanwhile(hub: Hub, act: Callable[[Connection], object]) -> Iterator[Callable[[], None]]:
    """`act` in a transaction of another thread, begun when this is called; at the end it must have come through."""
    failed: list[Exception] = []
    begun = threading.Event()

    def run() -> None:
        try:
            with hub.begin() as conn:
                begun.set()
                act(conn)
        except Exception as error:
            failed.append(error)

    other = threading.Thread(target=run)

    def start() -> None:
        other.start()
        begun.wait(AS_FAR_AS_IT_CAN)
        other.join(AS_FAR_AS_IT_CAN)

    yield start
    other.join(10)
    assert not other.is_alive()
    assert failed == []


def ask(conn: Connection, facts: str = "a") -> int:
    return decisions.ask(conn, "match", "record:1", "Who?", ["new", "ignore"], {"fingerprint": facts}, record=1)


def test_who_answers_and_who_asks_anew_never_wait_crosswise(hub: Hub) -> None:
    with hub.begin() as conn:
        asked = ask(conn)
    with meanwhile(hub, lambda conn: decisions.decide(conn, asked, "new", "vera")) as answer, hub.begin() as conn:
        locks.exclusive(conn, locks.LOG)  # as merging does before anything else
        answer()
        decisions.close(conn, "match", "record:7")
        ask(conn)
    with hub.read() as conn:
        assert decisions.answer_of(conn, "match", "record:1") == ("new", {"fingerprint": "a"})


def test_a_brake_is_not_answered_while_the_guard_counts(hub: Hub) -> None:
    """What is held is what the answer is about; and the guard, which holds deliveries, comes to the log only then."""

    def brake(conn: Connection, stands: str) -> int:
        details = {"fingerprint": stands}
        options = ["approve", "reject"]
        return decisions.ask(conn, "brake", "people:chat/people", "Meant?", options, details, target="chat/people")

    with hub.begin() as conn:
        asked = brake(conn, "one")
        deliveries.put(conn, flow="people", target="chat/people", entity="e", op="delete", state="held")
    with meanwhile(hub, lambda conn: decisions.decide(conn, asked, "approve", "vera")) as answer, hub.begin() as conn:
        brakes.alone(conn, "chat/people")
        known = decisions.find(conn, "brake", "people:chat/people")
        assert known and known.state == "open"
        answer()
        brakes.hold(conn, "people", "chat/people", "held")
        known = decisions.find(conn, "brake", "people:chat/people")
        assert known and known.state == "open"
        brake(conn, "two")
    with hub.read() as conn:
        assert decisions.answer_of(conn, "brake", "people:chat/people") == ("approve", {"fingerprint": "two"})


def aside(conn: Connection, entity: str) -> deliveries.Delivery:
    deliveries.put(conn, flow="people", target="chat/people", entity=entity, op="create", state="set_aside", marker="m")
    found = deliveries.get(conn, "chat/people", entity)
    assert found
    return found


@pytest.mark.parametrize("act", [again.retry_deliveries, again.drop_deliveries])
def test_what_is_sent_since_a_person_looked_is_not_sent_once_more(hub: Hub, act: Callable[..., None]) -> None:
    with hub.begin() as conn:
        seen = aside(conn, "e")
    with hub.begin() as conn:
        deliveries.set_state(conn, seen.id, "planned")
        assert sending.claim(conn, "run", {seen.id: {"marker": "m"}}) == 1
    with hub.begin() as conn, pytest.raises(ConfigError, match="any more"):
        act(conn, [seen], "vera")
    with hub.read() as conn:
        found = deliveries.by_id(conn, seen.id)
    assert found and found.state == "sending"


@pytest.mark.parametrize("act", [again.retry_deliveries, again.drop_deliveries])
@pytest.mark.parametrize("then", [locks.LOG, locks.AGENDA])
def test_who_gives_many_back_and_who_plans_them_never_wait_crosswise(
    hub: Hub, act: Callable[..., None], then: str
) -> None:
    with hub.begin() as conn:
        first, last = aside(conn, "a"), aside(conn, "b")

    def plan(conn: Connection) -> None:
        deliveries.of_entities(conn, ["b"], lock=True)
        held.set()
        time.sleep(AS_FAR_AS_IT_CAN)  # the person comes as far as they can
        locks.exclusive(conn, then)
        agenda.add(conn, "people", ["b"])

    held = threading.Event()
    with meanwhile(hub, plan) as start:
        starting = threading.Thread(target=start)
        starting.start()
        assert held.wait(10)
        with hub.begin() as conn:
            act(conn, [first, last], "vera")
        starting.join()


def both(hub: Hub, busy: Callable[[Connection], object], *acts: Callable[[Connection], object]) -> None:
    """These, begun one after the other while somebody is busy with what they meet in."""
    with ExitStack() as stack:
        starts = [stack.enter_context(meanwhile(hub, act)) for act in acts]
        with hub.begin() as conn:
            busy(conn)
            for start in starts:
                start()


def new(*entities: str) -> Callable[[Connection], object]:
    row = {"flow": "people", "target": "chat/people", "op": "create", "state": "planned"}
    return lambda conn: deliveries.put_many(conn, [deliveries.row(entity=one, **row) for one in entities])


def test_two_plans_of_the_same_never_wait_crosswise(hub: Hub) -> None:
    both(hub, new("m"), new("a", "m", "z"), new("z", "a"))
    with hub.read() as conn:
        assert deliveries.counts(conn, "chat/people") == {"planned": 3}


GUARDS: list[Callable[[Connection], object]] = [
    lambda conn: brakes.hold(conn, "people", "chat/people", "held"),
    lambda conn: brakes.let_pass(conn, "people", "chat/people"),
    lambda conn: brakes.answer(conn, "people", "chat/people", approved=True, by="vera"),
    lambda conn: brakes.withdraw(conn, "people", "chat/people"),
    partitions.abandon,
]
STATES = {2: {"state": "held"}, 3: {"state": "planned", "cleared": "person"}, 4: {"state": "sending", "run": "dead"}}


@pytest.mark.parametrize("guard", GUARDS)
def test_who_guards_or_finds_the_dead_and_who_plans_never_wait_crosswise(
    hub: Hub, guard: Callable[[Connection], object]
) -> None:
    """A table is not in the order of its ids: what was changed last lies behind."""
    row = {"flow": "people", "target": "chat/people", "op": "delete", "state": "planned"}
    row |= STATES.get(GUARDS.index(guard), {})
    with hub.begin() as conn:
        ids = [deliveries.put(conn, entity=one, **row) for one in ("a", "b")]
    for passing in ("waiting", row["state"]):
        with hub.begin() as conn:
            deliveries.set_state(conn, ids[0], passing)

    def plan(conn: Connection) -> None:
        deliveries.of_entities(conn, ["a", "b"], lock=True)

    both(hub, lambda conn: deliveries.of_entities(conn, ["b"], lock=True), guard, plan)


def test_who_keeps_what_has_come_since_it_looked_and_who_merges_it_never_wait_crosswise(hub: Hub) -> None:
    """Somebody else has added both, the one with the higher key first."""
    counted: list[Counts] = []

    def keep(conn: Connection, number: int, *keys: str) -> None:
        page = [Staged(key, b"%d" % number, {"a": number}) for key in keys]
        counted.append(records.upsert_claims(conn, "hr", "people", "person", page, {}))

    def merge(conn: Connection) -> None:
        unit = Unit(conn, "run").alone()
        unit.records.wake(ids)
        unit.flush()

    for key in ("b", "a"):
        with hub.begin() as conn:
            keep(conn, 1, key)
    with hub.read() as conn:
        ids = sorted(found.id for found in records.by_keys(conn, "hr", "people", "ab").values())
    both(
        hub,
        lambda conn: conn.execute(select(record.c.id).where(record.c.key == "a").with_for_update()).one(),
        lambda conn: keep(conn, 2, "a", "b", "c"),
        merge,
    )
    assert counted[-1] == Counts(new=1, changed=2)
    with hub.read() as conn:
        assert {row.claim["a"] for row in records.by_keys(conn, "hr", "people", "abc").values() if row.claim} == {2}
