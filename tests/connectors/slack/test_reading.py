"""What the Slack connector reads of the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.slack.connector import Slack
from landbridge.connector import Complete, Failure, Record
from landbridge.errors import ExpiredCursor, IncompleteRead, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.base import Reply
from sandbox.emulators.slack_workspace import BOT_USER
from tests.connectors.reading import cursor_of, gone_of, natives_of, read
from tests.connectors.slack.workshop import MAPPINGS, STREAMS, Workshop


def test_everything_read_becomes_a_valid_claim(slack: Slack) -> None:
    for stream in STREAMS:
        mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
        for native in natives_of(slack, stream).values():
            if mapping.accepts(native):
                validate(mapping.kind, mapping.into(native).claim)


@pytest.mark.usefixtures("small_pages")
def test_small_pages_say_the_same(shop: Workshop, slack: Slack) -> None:
    small = {stream: natives_of(slack, stream) for stream in STREAMS}
    assert len(small["users"]) == len(shop.space.users)
    assert len(small["messages"]) == sum(len(shop.space.messages[channel]) for channel in shop.entered())
    assert {one["room"] for one in small["memberships"].values()} == set(shop.entered())


def test_a_message_tells_author_thread_reactions_files_and_edit(shop: Workshop, slack: Slack) -> None:
    anna, bert = shop.people[:2]
    root = shop.space.say(
        shop.channel, anna, "*Ladder?* <@U1>", files=[shop.space.file("F0000000001", "ladder.txt", b"up")]
    )
    reply = shop.space.say(shop.channel, bert, "Yes", root["ts"])
    shop.space.react(shop.channel, root["ts"], "white_check_mark", bert)
    shop.space.react(shop.channel, root["ts"], "our-logo", anna)
    shop.space.edit(shop.channel, reply["ts"], "Yes!")
    found = natives_of(slack, "messages")
    said, answer = found[f"{shop.channel}/{root['ts']}"], found[f"{shop.channel}/{reply['ts']}"]
    assert (said["user"], said["thread"], said["reactions"]) == (anna, None, {"✅": [bert], ":our-logo:": [anna]})
    assert said["files"] == [{"name": "ladder.txt", "media_type": "text/plain", "size": 2, "url": "F0000000001"}]
    assert b"".join(slack.open("F0000000001")) == b"up"
    assert (answer["thread"], answer["text"]) == (said["id"], "Yes!")
    assert answer["edited_ts"]


def test_what_is_new_comes_in_order_with_what_changed_lately(shop: Workshop, slack: Slack) -> None:
    old = shop.space.say(shop.channel, shop.people[0], "old")
    cursor = cursor_of(slack, "messages")
    shop.space.edit(shop.channel, old["ts"], "old, but better")
    new = shop.space.say(shop.channel, shop.people[1], "new")
    later = shop.space.say(shop.channel, shop.people[1], "later", old["ts"])
    found, _, after = read(slack, "messages", cursor)
    keys = [f"{shop.channel}/{one['ts']}" for one in (old, later, new)]
    assert [key for key in found if key in keys] == keys
    assert found[keys[0]].native["text"] == "old, but better"
    assert len(found) < len(natives_of(slack, "messages"))
    assert after["since"] == later["ts"]


def test_a_reply_to_an_older_message_within_the_days_is_read(shop: Workshop) -> None:
    wide = shop.connector(reread_days=90)
    root = shop.space.say(shop.channel, shop.people[0], "root")
    cursor = cursor_of(wide, "messages")
    reply = shop.space.say(shop.channel, shop.people[0], "reply", root["ts"])
    assert f"{shop.channel}/{reply['ts']}" in natives_of(wide, "messages", cursor)
    wide.close()


def test_a_channel_entered_later_is_read_from_its_beginning_and_an_archived_one_no_more(
    shop: Workshop, slack: Slack
) -> None:
    board = shop.space.channel("board", [shop.people[0]], creator=shop.people[0], private=True)
    old = shop.space.say(board["id"], shop.people[0], "long ago", ts="1500000000.000100")
    cursor = cursor_of(slack, "messages")
    board["_members"].append(BOT_USER)
    assert f"{board['id']}/{old['ts']}" not in natives_of(slack, "messages", cursor)
    slack.private_spaces = {board["id"]}
    last = shop.space.say(shop.channel, shop.people[0], "the last word here")
    shop.space.channels[shop.channel]["is_archived"] = True
    found, _, later = read(slack, "messages", cursor)
    assert {f"{board['id']}/{old['ts']}", f"{shop.channel}/{last['ts']}"} <= found.keys()
    assert shop.channel not in {one["channel"] for one in natives_of(slack, "messages", later).values()}
    assert shop.channel in {one["channel"] for one in natives_of(slack, "messages").values()}


def test_removed_messages_are_gone(shop: Workshop, slack: Slack) -> None:
    root = shop.space.say(shop.channel, shop.people[0], "root")
    shop.space.say(shop.channel, shop.people[1], "stays", root["ts"])
    single = shop.space.say(shop.channel, shop.people[1], "single")
    cursor = cursor_of(slack, "messages")
    for one in (root, single):
        shop.space.remove(shop.channel, one["ts"])
    assert gone_of(slack, "messages", cursor) == [f"{shop.channel}/{root['ts']}"]
    everything = list(slack.read("messages"))
    assert isinstance(everything[-1], Complete)
    assert f"{shop.channel}/{single['ts']}" not in {getattr(item, "key", None) for item in everything}


@pytest.mark.parametrize("with_root", [True, False])
def test_a_thread_that_comes_short_is_no_absence(
    shop: Workshop, slack: Slack, monkeypatch: pytest.MonkeyPatch, with_root: bool
) -> None:
    def short(args: dict[str, Any]) -> dict[str, Any]:
        root = shop.space.find(args["channel"], args["ts"])
        assert root
        return {"messages": [shop.space.shown(root)] if with_root else [], "has_more": False}

    monkeypatch.setattr(shop.emulator, "conversations_replies", short)
    items = list(slack.read("messages"))
    errors = [item.error for item in items if isinstance(item, Failure) and item.key is None]
    assert errors
    assert all(isinstance(error, IncompleteRead) for error in errors)
    roots = sum(
        one.get("thread_ts", one["ts"]) == one["ts"] for key in shop.entered() for one in shop.space.messages[key]
    )
    assert sum(isinstance(item, Record) for item in items) == roots


def test_only_channels_it_is_in_are_read_unless_told_to_join(shop: Workshop, slack: Slack) -> None:
    closed = shop.space.channel("board", [shop.people[0]], creator=shop.people[0], private=True)
    left = shop.space.channel("lunch", [shop.people[0]], creator=shop.people[0])
    for channel in (closed, left):
        shop.space.say(channel["id"], shop.people[0], "among us")
    assert not {closed["id"], left["id"]} & {one["channel"] for one in natives_of(slack, "messages").values()}
    assert closed["id"] not in natives_of(slack, "rooms")
    joining = shop.connector(join="public")
    read_now = {one["channel"] for one in natives_of(joining, "messages").values()}
    joining.close()
    assert left["id"] in read_now
    assert closed["id"] not in read_now


def test_a_closed_channel_keeps_no_other_from_being_read(shop: Workshop, slack: Slack) -> None:
    shop.emulator.script("/api/conversations.history", Reply({"ok": False, "error": "not_in_channel"}))
    items = list(slack.read("messages"))
    assert [type(item.error) for item in items if isinstance(item, Failure)] == [ScopeError]
    assert sum(isinstance(item, Record) for item in items) > 50


def test_guests_are_seen_in_each_channel_and_unknown_members_count_as_guests(shop: Workshop) -> None:
    guest = shop.people[3]
    shop.space.users[guest]["is_ultra_restricted"] = True
    with_guest = {key for key, one in shop.space.channels.items() if guest in one["_members"]}
    slack = shop.connector()
    rooms = natives_of(slack, "rooms")
    assert {key for key, one in rooms.items() if one["guests"]} == with_guest & rooms.keys()
    assert natives_of(slack, "users")[guest]["guest"]
    slack.close()
    fresh = shop.connector()
    shop.emulator.script("/api/conversations.members", Reply({"ok": False, "error": "access_denied"}))
    first = next(iter(natives_of(fresh, "rooms").values()))
    fresh.close()
    assert first["guests"]


def test_one_bad_message_stops_nobody(shop: Workshop, slack: Slack) -> None:
    bad = shop.space.say(shop.channel, shop.people[0], "bad", reactions="none")
    items = list(slack.read("messages"))
    assert [item.key for item in items if isinstance(item, Failure)] == [f"{shop.channel}/{bad['ts']}"]
    assert isinstance(items[-1], Complete)


@pytest.mark.parametrize("cursor", [{"since": "yesterday", "rooms": []}, {"rooms": []}, ["1"], {"since": "1.000000"}])
def test_a_cursor_of_another_form_means_to_read_in_full(slack: Slack, cursor: Any) -> None:
    with pytest.raises(ExpiredCursor):
        list(slack.read("messages", cursor))
