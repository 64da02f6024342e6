"""Promise 4: who leaves is disabled first, and deleted after the grace period."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import RecordError
from landbridge.store import deliveries
from landbridge.store.clock import later
from tests.sync.acting import leave, people
from tests.sync.conftest import World


def test_4_a_leaver_is_deleted_only_after_the_grace_period(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("people")
    leave(world, 1)
    world.run("people")
    world.run("people")
    assert people(world, "chat")["anna"]["active"] is False
    with world.bridge.hub.begin() as conn:
        (waiting,) = deliveries.of_flow(conn, "people", ("scheduled",), "chat/people")
        assert waiting.op == "delete"
        assert later(29 * 86400) < (waiting.next_at or "") < later(31 * 86400)
        deliveries.set_state(conn, waiting.id, "scheduled", next_at=later(-1))
    world.run("people")
    assert "anna" not in people(world, "chat")
    assert people(world, "intranet")["anna"]["active"] is False


def test_4_a_refused_delete_does_not_begin_its_grace_period_anew(world: World) -> None:
    def due(state: str) -> None:
        with world.bridge.hub.begin() as conn:
            (waiting,) = deliveries.of_flow(conn, "people", (state,), "chat/people")
            deliveries.set_state(conn, waiting.id, state, next_at=later(-1))

    def refuse(op: str, stream: str, native: Any) -> None:
        if (op, stream) == ("delete", "people"):
            raise RecordError("Not now.")

    world.run("people")
    leave(world, 1)
    world.run("people")
    world.run("people")
    world.hr.put("people", id="1", title="q")
    world.run("people")
    due("scheduled")
    world.chat.before = refuse
    world.run("people")
    world.chat.before = lambda *call: None
    due("set_aside")
    world.run("people")
    assert "anna" not in people(world, "chat")
