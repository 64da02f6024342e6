from __future__ import annotations

from landbridge.store import decisions, deliveries, records
from landbridge.store.history import history
from landbridge.store.hub import Hub
from landbridge.store.records import Staged
from landbridge.store.unit import Unit


def test_a_life_is_told_newest_first_without_contents(hub: Hub) -> None:
    with hub.begin() as conn:
        records.upsert_claims(conn, "hr", "people", "person", [Staged("7", b"a", {"title": "secret"})])
        row = records.get(conn, "hr", "people", "7")
        assert row
        unit = Unit(conn).alone()
        entity = unit.create("person")
        unit.entities.update(entity, {"title": "secret"}, {}, ["title"])
        unit.records.link(unit.records.get(row.id), entity)
        unit.flush()
        deliveries.put(
            conn,
            flow="people",
            target="chat/users",
            entity=entity,
            op="create",
            state="done",
            desired={"title": "secret"},
        )
        asked = decisions.ask(conn, "conflict", f"{entity}:title", "Which?", ["a", "b"], {}, entity=entity)
        decisions.decide(conn, asked, "a", "vera")
    with hub.read() as conn:
        events = history(conn, entity)
        assert [event.what for event in events] == ["answer", "decision", "delivery", "change", "record"]
        assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
        assert events[-1].where == "hr/people"
        assert events[-1].details["key"] == "7"
        assert "secret" not in repr(events)
        assert len(history(conn, entity, limit=2)) == 2
        assert history(conn, "nobody") == []
