"""Promise 14: a dry run shows all and changes nothing."""

from __future__ import annotations

from landbridge.store import deliveries
from landbridge.sync import preview, read
from tests.store.working import pending
from tests.sync.conftest import World


def test_14_a_preview_shows_all_and_changes_nothing(world: World) -> None:
    for system, stream in (
        ("hr", "groups"),
        ("hr", "people"),
        ("directory", "people"),
        ("chat", "people"),
        ("chat", "rooms"),
    ):
        read(world.bridge, system, stream)
    shown = preview(world.bridge, "people")
    assert {(one.target, one.op, one.name) for one in shown if one.kind == "person" and one.target == "chat/people"} == {
        ("chat/people", "create", "Anna Müller"), ("chat/people", "create", "Cleo Łuk"), ("chat/people", "update", "Bert O'Brien"),
    }  # fmt: skip
    phone = next(one for one in shown if one.op == "update").fields["phones"]
    assert phone == (None, [{"value": "222", "type": "work"}])
    assert sum(len(system.calls) for system in world.systems.values()) == 0
    with world.bridge.hub.read() as conn:
        assert deliveries.of_flow(conn, "people", ("planned",)) == []
        assert all(row.entity is None for row in pending(conn, [("hr", "people")]))
    assert preview(world.bridge, "people") != []
