"""The Matrix connector as a class and an account: what it can, what it is refused, and what it does not tell."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from connectors.matrix.connector import Matrix
from landbridge.connector import Finds, HasFiles, Impersonates, News, Watches
from landbridge.errors import AuthError, ConfigError, ExpiredCursor, RateLimited
from landbridge.mapping import load_mapping
from landbridge.model import validate
from landbridge.testing import recording as recordings
from landbridge.testing.recording import Recording
from landbridge.testing.scrubbed import scrubbed
from landbridge.testing.scrubbing import Scrubber
from tests.connectors.matrix.replay import (
    ADMIN_TOKEN,
    BOT,
    CONNECTION,
    EXTRA,
    MAPPINGS,
    ROOM,
    SIOBHAN,
    STREAMS,
    TOKEN,
    Server,
    event_of,
    refused,
    told,
)
from tests.connectors.reading import natives_of


def test_what_the_class_can_do(matrix: Matrix) -> None:
    assert tuple(sorted(Matrix.streams())) == STREAMS
    can = {stream: [op for op in ("create", "update", "disable", "enable", "delete") if Matrix.can_write(stream, op)]
           for stream in STREAMS}  # fmt: skip
    assert can == {
        "memberships": ["create", "delete"],
        "messages": ["create", "update", "delete"],
        "rooms": ["create", "update", "disable", "enable"],
        "users": ["create", "update", "disable", "enable", "delete"],
    }
    assert all(isinstance(matrix, ability) for ability in (Finds, HasFiles, Impersonates))
    assert matrix.authors == "users"


def test_listening_names_the_stream_first_and_whenever_something_is_said(server: Server, matrix: Matrix) -> None:
    assert isinstance(matrix, Watches)
    assert matrix.listen(5) == [News("messages")]  # nobody has listened before
    assert matrix.listen(5) == []
    assert "timeout=5000" in str(server.asked("GET", "/sync")[-1].url)
    server.news = told(event_of(server, "thread"))
    assert matrix.listen(5) == [News("messages")]
    server.news = told()
    assert matrix.listen(5) == []
    server.script["/sync"] = [refused(400, "M_UNKNOWN")]
    with pytest.raises(ExpiredCursor):
        matrix.listen(5)
    assert matrix.listen(5) == [News("messages")]  # what was missed is read


@pytest.mark.parametrize("wrong", [{"sever_name": "x"}, {"admin_token": None}, {"join": "all"}])
def test_a_wrong_connection_names_the_field_and_no_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        Matrix.Config.of(replace(CONNECTION, extra={**EXTRA, **wrong}))
    assert TOKEN not in str(caught.value)
    assert ADMIN_TOKEN not in str(caught.value)
    with pytest.raises(ConfigError, match="login"):
        Matrix.Config.of(replace(CONNECTION, login="landbridge"))


def test_every_mapping_example_holds_both_ways() -> None:
    mappings = {stream: load_mapping(MAPPINGS / f"{stream}.yaml") for stream in STREAMS}
    assert [problem for mapping in mappings.values() for problem in mapping.run_examples()] == []
    assert mappings["messages"].writable == {
        "space", "thread", "reply_to", "author", "body", "sent_at", "reactions", "attachments",
    }  # fmt: skip
    assert "active" not in mappings["users"].writable


@pytest.mark.parametrize("stream", ["messages", "rooms", "users"])
def test_recorded_answers_become_valid_claims(server: Server, matrix: Matrix, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(matrix, stream)
    assert found
    for native in found.values():
        assert validate(mapping.kind, mapping.into(native).claim)


def test_a_refused_token_is_named_and_not_shown(server: Server, matrix: Matrix) -> None:
    server.script["/_matrix/"] = [refused(401, "M_UNKNOWN_TOKEN")]
    with pytest.raises(AuthError, match="password") as caught:
        matrix.check()
    server.script["/_synapse/"] = [refused(401, "M_UNKNOWN_TOKEN")]
    with pytest.raises(AuthError, match="admin_token") as again:
        list(matrix.read("users"))
    for error in (caught.value, again.value):
        assert not any(secret in str(error) for secret in (TOKEN, ADMIN_TOKEN, "anna"))


def test_a_locked_author_is_no_refused_token(server: Server, matrix: Matrix) -> None:
    server.script["/send/"] = [refused(401, "M_USER_LOCKED")] * 2
    said = matrix.create_message({"room_id": ROOM, "sender": SIOBHAN, "body": "Hallo"}, "m")
    assert (said["sender"], said["body"]) == (BOT, "Siobhán O'Brien: Hallo")


def test_check_names_the_account_and_what_it_lacks(server: Server, matrix: Matrix) -> None:
    account = matrix.check()
    assert (account.name, account.missing, account.detail) == (BOT, (), "In 1 rooms.")
    server.script = {"/_synapse/": [refused(403, "M_FORBIDDEN")]}
    assert matrix.check().missing == ("admin_token: server administrator",)
    server.script = {"whoami": [refused(403, "M_FORBIDDEN")]}
    assert "namespaces.users" in matrix.check().missing[0]


def test_a_rate_limit_is_waited_for_or_handed_on(server: Server, matrix: Matrix) -> None:
    server.script["joined_rooms"] = [refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=1)]
    assert natives_of(matrix, "rooms")
    server.script["joined_rooms"] = [refused(429, "M_LIMIT_EXCEEDED", retry_after_ms=600_000)]
    with pytest.raises(RateLimited) as caught:
        list(matrix.read("rooms"))
    assert caught.value.after == 600


@pytest.mark.parametrize("stream", STREAMS)
def test_a_recording_without_people_plays_back(server: Server, matrix: Matrix, stream: str) -> None:
    """Rooms and accounts stand escaped in paths, and an account's name is its whole id."""
    with recordings.recorded() as exchanges:
        natives = recordings.natives(matrix, stream, 100)
    kind, config = Matrix.streams()[stream], recordings.config_of(matrix)
    real = Recording("matrix", stream, kind.kind, kind.key, config, tuple(exchanges), natives)
    made = scrubbed(real, Scrubber([TOKEN, ADMIN_TOKEN], recordings.host_of(exchanges)))
    assert not re.search("anna.mueller|zoe|Wiśniewski|halbrueck", made.text(), re.IGNORECASE)
    again = recordings.player(Matrix, made)
    with recordings.replayed(made):
        found = recordings.natives(again, stream, 100)
    again.close()
    assert [matrix.streams()[stream].key_of(one) for one in found] == [kind.key_of(one) for one in made.natives]
    assert len(found) == len(natives) > 0
