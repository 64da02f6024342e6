"""The Slack connector as a class and an account, and held against what Slack publishes."""

from __future__ import annotations

import json

import pytest

from connectors.slack import natives
from connectors.slack.connector import Slack
from landbridge.connector import Connection, Finds, HasFiles, Impersonates
from landbridge.errors import AuthError, ConfigError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.base import Reply
from tests.connectors import vendor
from tests.connectors.slack.workshop import HELLO, MAPPINGS, NEWER, STREAMS, TOKEN, Workshop


def test_what_the_class_can_do(slack: Slack) -> None:
    assert tuple(sorted(Slack.streams())) == STREAMS
    can = {stream: [op for op in ("create", "update", "disable", "enable", "delete") if Slack.can_write(stream, op)]
           for stream in STREAMS}  # fmt: skip
    assert can == {
        "memberships": ["create", "delete"],
        "messages": ["create", "update", "delete"],
        "rooms": ["create", "update", "disable", "enable"],
        "usergroup_members": ["create", "delete"],
        "usergroups": ["create", "update", "disable", "enable"],
        "users": [],
    }
    assert all(isinstance(slack, ability) for ability in (Finds, HasFiles, Impersonates))


def test_a_wrong_connection_names_the_field_and_no_secret() -> None:
    for wrong in ({"jion": "public"}, {"join": "all"}, {"reread_days": 0}):
        with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
            Slack.Config.of(Connection("slack", "landbridge_slack", "https://slack.com", None, TOKEN, extra=wrong))
        assert TOKEN not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    for stream in STREAMS:
        assert load_mapping(MAPPINGS / f"{stream}.yaml").run_examples() == []


def test_check_names_the_account_and_the_scopes_it_lacks(shop: Workshop, slack: Slack) -> None:
    assert slack.check().missing == ()
    assert "landbridge" in slack.check().name
    shop.emulator.scopes = "users:read,chat:write"
    told = shop.connector(join="public").check()
    assert {"users:read.email", "channels:history", "channels:join"} <= set(told.missing)
    assert "usergroups:write" in told.detail


def test_a_persons_token_is_refused_at_once(shop: Workshop, slack: Slack) -> None:
    answer = {"ok": True, "url": "https://x.test/", "team": "x", "user": "anna", "user_id": "U1", "team_id": "T1"}
    shop.emulator.script("/api/auth.test", Reply(answer))
    with pytest.raises(AuthError, match="Bot User OAuth Token"):
        slack.check()


def test_every_request_is_as_slack_describes_it(shop: Workshop, slack: Slack) -> None:
    described = vendor.contract("slack/slack-web-openapi3.slice.json", any_method=True)
    seen = vendor.exchanges(shop.emulator)
    shop.space.say(shop.channel, shop.people[0], "with a file", files=[shop.space.file("F0000000001", "a.txt", b"a")])
    for stream in STREAMS:
        list(slack.read(stream))
    native = slack.create_message({"channel": shop.channel, "user": shop.people[0], "blocks": HELLO, "text": "Hi"}, "m")
    slack.update_message(native["id"], {"text": "b"}, "m")
    slack.update_message(native["id"], {"reactions": {"👍": []}}, "m")
    slack.delete_message(native["id"], "m")
    b"".join(slack.open("F0000000001"))
    paths = {request.path.removeprefix("/api/") for request, _ in seen}
    told = [
        problem for problem in vendor.problems(described, seen, leave=("/files/F0000000001",)) if not _newer(problem)
    ]
    assert told == []
    assert {
        "auth.test",
        "users.list",
        "conversations.history",
        "chat.postMessage",
        "chat.update",
        "reactions.add",
        "files.info",
    } <= paths


def _newer(problem: str) -> bool:
    return any(name in problem for name in NEWER)


def test_recordings_of_a_workspace_are_read() -> None:
    found = {one["url"].rpartition("/")[2]: json.loads(one["body"])
             for one in vendor.recorded("slack/jupiterone-graph-slack/exchanges.jsonl")}  # fmt: skip
    users = [natives.user(raw) for raw in found["users.list"]["members"]]
    rooms = [
        natives.channel(raw, guests=False, url="https://x.test") for raw in found["conversations.list"]["channels"]
    ]
    for stream, some in (("users", users), ("rooms", rooms)):
        mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
        kept = [native for native in some if mapping.accepts(native)]
        assert kept
        for native in kept:
            validate(mapping.kind, mapping.into(native).claim)
    assert [one["bot"] for one in users if one["id"] == "USLACKBOT"] == [True]
