"""Promise 8: one bad record stops nobody."""

from __future__ import annotations

import itertools
from typing import Any

from landbridge.errors import AuthError, RecordError
from landbridge.store import deliveries, setaside
from landbridge.store.clock import later
from landbridge.sync import read
from landbridge.sync.write import AT_LEAST, IN_A_ROW
from tests.sync.acting import hire, logins
from tests.sync.conftest import World


def test_8_a_refused_record_is_set_aside_and_tried_again(world: World) -> None:
    def refuse_anna(op: str, stream: str, native: Any) -> None:
        if isinstance(native, dict) and native.get("login") == "anna":
            raise RecordError("The name is taken.")

    world.chat.before = refuse_anna
    report = world.run("people")["people"]
    assert logins(world, "chat") == ["bert", "cleo"]
    assert report.counts["set_aside"] == 1
    calls = len(world.chat.calls)
    world.run("people")
    assert len(world.chat.calls) == calls
    world.chat.before = lambda *call: None
    with world.bridge.hub.begin() as conn:
        (aside,) = deliveries.of_flow(conn, "people", ("set_aside",))
        assert (aside.reason, aside.attempts) == ("The name is taken.", 1)
        assert later(240) < (aside.next_at or "") < later(360)
        deliveries.set_state(conn, aside.id, "set_aside", next_at=later(-1), reason=aside.reason)
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo"]


def test_8_a_record_that_cannot_be_mapped_is_set_aside(world: World) -> None:
    world.hr.put("people", id="9", number="9", mail={"no": "text"}, active=True)
    report = read(world.bridge, "hr", "people")
    assert report.counts["set_aside"] == 1
    assert report.counts["new"] == 3


def test_8_what_was_set_aside_in_reading_is_tried_again(world: World) -> None:
    world.hr.put("people", id="9", number="9", login="dora", mail={"no": "text"}, active=True)
    read(world.bridge, "hr", "people")
    with world.bridge.hub.begin() as conn:
        dora = {"id": "9", "number": "9", "login": "dora", "active": True}
        setaside.put(conn, "hr", "people", [setaside.Bad("9", dora, "once")])
        setaside.retry(conn, "hr", "people", ["9"])
    assert read(world.bridge, "hr", "people").counts["new"] == 1
    with world.bridge.hub.read() as conn:
        assert setaside.list(conn) == []


def test_8_the_breaker_pauses_a_target(world: World) -> None:
    hire(world, 40)

    def refuse(op: str, stream: str, native: Any) -> None:
        raise RecordError("No.")

    world.chat.before = refuse
    assert "paused after" in str(world.run("people")["people"].failures[0])
    assert IN_A_ROW <= len(world.chat.calls) < 40


def test_8_so_do_too_many_failures_among_what_succeeds(world: World) -> None:
    hire(world, 100)
    asked = itertools.count()

    def refuse(op: str, stream: str, native: Any) -> None:
        if next(asked) % 4 == 0:
            raise RecordError("No.")

    world.chat.before = refuse
    assert "failures in the last" in str(world.run("people")["people"].failures[0])
    assert AT_LEAST <= len(world.chat.calls) < 100


def test_8_wrong_credentials_stop_at_once_and_lose_nothing(world: World) -> None:
    def refuse(op: str, stream: str, native: Any) -> None:
        raise AuthError("The token is refused.")

    world.chat.before = refuse
    assert isinstance(world.run("people")["people"].failures[0], AuthError)
    assert logins(world, "intranet") == ["anna", "bert", "cleo"]
    world.chat.before = lambda *call: None
    world.run("people")
    assert logins(world, "chat") == ["anna", "bert", "cleo"]
