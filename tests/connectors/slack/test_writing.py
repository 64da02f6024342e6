"""What the Slack connector writes to the emulator."""

from __future__ import annotations

import json

import pytest

from connectors.slack import natives
from connectors.slack.connector import Slack
from landbridge.errors import FileError, NotFound, RecordError, TransientError
from sandbox.emulators.base import Reply
from sandbox.emulators.slack_workspace import BOT_USER
from tests.connectors.reading import natives_of, read
from tests.connectors.slack.workshop import HELLO, Workshop


def test_a_message_is_posted_under_its_authors_name_and_read_back_the_same(shop: Workshop, slack: Slack) -> None:
    anna = shop.people[0]
    native = slack.create_message({"channel": shop.channel, "user": anna, "blocks": HELLO, "text": "Hello"}, "m1")
    record = read(slack, "messages")[0][native["id"]]
    assert (record.native, record.marker) == (native, "m1")
    assert (native["user"], native["username"]) == (anna, shop.space.users[anna]["real_name"])
    assert json.loads(native["blocks"]) == json.loads(HELLO)
    posted = shop.emulator.asked("chat.postMessage")[0].json
    assert posted["icon_url"].endswith(f"{anna}.png")
    reply = slack.create_message(
        {"channel": shop.channel, "user": anna, "text": "<!channel>", "thread": native["id"]}, "m2"
    )
    assert reply["thread"] == native["id"]
    assert shop.emulator.asked("chat.postMessage")[1].json["text"] == "&lt;!channel&gt;"


def test_a_message_is_changed_and_taken_back(shop: Workshop, slack: Slack) -> None:
    native = slack.create_message({"channel": shop.channel, "blocks": HELLO, "text": "Hello"}, "m1")
    changed = slack.update_message(native["id"], {"blocks": HELLO.replace("Hello", "Bye"), "text": "Bye"}, "m2")
    assert (changed["text"], bool(changed["edited_ts"])) == ("Bye", True)
    assert read(slack, "messages")[0][native["id"]].marker == "m1"
    slack.delete_message(native["id"], "m3")
    slack.delete_message(native["id"], "m3")
    assert native["id"] not in natives_of(slack, "messages")
    with pytest.raises(NotFound):
        slack.update_message(native["id"], {"text": "again"}, "m4")


def test_files_are_given_to_a_message_with_or_after_it(shop: Workshop, slack: Slack) -> None:
    slack.open_file = lambda attachment: iter([attachment["url"].encode()])
    file = {"name": "a.txt", "media_type": "text/plain", "url": "chat:1"}
    native = {"channel": shop.channel, "user": shop.people[0], "blocks": HELLO, "text": "Hello", "files": [file]}
    posted = slack.create_message(native, "m1")
    assert [b"".join(slack.open(one["url"])) for one in posted["files"]] == [b"chat:1"]
    assert read(slack, "messages")[0][posted["id"]].marker == "m1"
    later = slack.update_message(posted["id"], {"files": [{**file, "url": "chat:2"}]}, "m2")
    assert [b"".join(slack.open(one["url"])) for one in later["files"]] == [b"chat:2"]
    assert json.loads(later["blocks"]) == json.loads(HELLO)
    slack.open_file = lambda attachment: iter([b"x" * 2**20] * 101)
    with pytest.raises(FileError, match="100 MB"):
        slack.update_message(posted["id"], {"files": [file]}, "m3")
    gone = slack.update_message(posted["id"], {"files": []}, "m4")
    assert gone["files"] == []
    assert json.loads(gone["blocks"]) == json.loads(HELLO)
    assert len(shop.emulator.asked("files.delete")) == 2


def test_a_file_that_slack_does_not_take_is_found_out_before_the_message_is_there(shop: Workshop, slack: Slack) -> None:
    slack.open_file = lambda attachment: iter([b"up"])
    file = {"name": "up.txt", "media_type": "text/plain", "url": "chat:1"}
    shop.emulator.script("/api/files.getUploadURLExternal", Reply({"ok": False, "error": "file_type_not_allowed"}))
    with pytest.raises(FileError, match="file_type_not_allowed") as caught:
        slack.create_message({"channel": shop.channel, "blocks": HELLO, "text": "Hello", "files": [file]}, "m1")
    assert caught.value.file == file
    assert shop.emulator.asked("chat.postMessage") == []


def test_reactions_of_others_are_the_apps_and_those_of_people_here_stay(shop: Workshop, slack: Slack) -> None:
    anna = shop.people[0]
    said = shop.space.say(shop.channel, anna, "Who comes?")
    key = f"{shop.channel}/{said['ts']}"
    shop.space.react(shop.channel, said["ts"], "eyes", anna)

    def shown() -> dict[str, list[str]]:
        return {one["name"]: one["users"] for one in said.get("reactions", ())}

    for _ in range(2):
        native = slack.update_message(key, {"reactions": {"👍": ["U1", "U2"], "👀": [], ":our-logo:": []}}, "m1")
    assert shown() == {"eyes": [anna, BOT_USER], "+1": [BOT_USER], "our-logo": [BOT_USER]}
    assert native["reactions"] == {"👀": [anna]}
    assert len(shop.emulator.asked("reactions.add")) == 3
    slack.update_message(key, {"reactions": {"👍": ["U1"]}}, "m2")
    assert shown() == {"eyes": [anna], "+1": [BOT_USER]}
    shop.emulator.script("/api/reactions.add", Reply({"ok": False, "error": "invalid_name"}))
    slack.update_message(key, {"reactions": {"👍": [], "🪜": []}}, "m3")
    slack.update_message(key, {"reactions": {}}, "m4")
    assert shown() == {"eyes": [anna]}


def test_files_and_reactions_that_a_crash_has_left_out_follow(
    shop: Workshop, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.open_file = lambda attachment: iter([b"up"])
    file = {"name": "up.txt", "media_type": "text/plain", "url": "chat:1"}
    native = {"channel": shop.channel, "user": shop.people[1], "blocks": HELLO, "text": "Hello", "files": [file]}
    native["reactions"] = {"👍": []}
    with monkeypatch.context() as patch:
        patch.setattr(slack, "_completed", lambda made, native, files: made)
        slack.create_message(native, "m1")
    found = [slack.find("messages", native, "m1") for _ in range(2)]
    assert found[0] == found[1]
    assert [one["name"] for one in found[0]["files"]] == ["up.txt"]
    assert len(shop.space.contents) == 2  # the first upload is in no message, and seen by nobody
    raw = shop.space.find(shop.channel, found[0]["ts"])
    assert [one["name"] for one in raw["reactions"]] == ["+1"]


def test_a_file_that_changed_on_its_way_is_not_shown(shop: Workshop, slack: Slack) -> None:
    slack.open_file = lambda attachment: iter([b"up"])
    file = {"name": "up.txt", "media_type": "text/plain", "url": "chat:1", "sha256": "0" * 64}
    native = {"channel": shop.channel, "blocks": HELLO, "text": "Hello", "files": [file]}
    with pytest.raises(RecordError, match="checksum"):
        slack.create_message(native, "m1")


def test_what_others_wrote_cannot_be_changed(shop: Workshop, slack: Slack) -> None:
    said = shop.space.say(shop.channel, shop.people[0], "mine")
    with pytest.raises(RecordError, match="cant_update_message"):
        slack.update_message(f"{shop.channel}/{said['ts']}", {"text": "ours"}, "m1")


@pytest.mark.parametrize("threaded", [False, True])
def test_after_an_uncertain_outcome_the_marker_tells(shop: Workshop, slack: Slack, threaded: bool) -> None:
    root = shop.space.say(shop.channel, shop.people[0], "root")
    native = {"channel": shop.channel, "user": shop.people[1], "blocks": HELLO, "text": "Hello"}
    native |= {"thread": f"{shop.channel}/{root['ts']}"} if threaded else {}
    assert slack.find("messages", native, "m1") is None
    shop.emulator.lose("chat.postMessage")
    with pytest.raises(TransientError) as caught:
        slack.create_message(native, "m1")
    assert caught.value.uncertain
    assert len(shop.emulator.asked("chat.postMessage")) == 1
    found = slack.find("messages", native, "m1")
    assert found is not None
    assert found == natives_of(slack, "messages")[found["id"]]
    assert slack.find("messages", native, "m2") is None


def test_a_marker_of_another_app_is_none(shop: Workshop, slack: Slack) -> None:
    forged = {"event_type": natives.EVENT, "event_payload": {"marker": "m1", "author": "U1"}}
    said = shop.space.say(shop.channel, shop.people[0], "x", metadata=forged, bot_id="B0OTHER")
    record = read(slack, "messages")[0][f"{shop.channel}/{said['ts']}"]
    assert (record.marker, record.native["user"]) == (None, shop.people[0])


def test_channels_and_who_is_in_them(shop: Workshop, slack: Slack) -> None:
    room = slack.create_room({"name": "case-7", "private": True, "topic": "Ladders"}, "r1")
    assert (room["name"], room["topic"], room["private"]) == ("case-7", "Ladders", True)
    assert slack.create_room({"name": "case-7", "private": True, "topic": "Ladders"}, "r1") == room
    assert slack.find("rooms", {"name": "case-7"}, "r1") == room
    with pytest.raises(RecordError, match="Another channel"):
        slack.create_room({"name": shop.space.channels[shop.channel]["name"]}, "r2")
    assert slack.update_room(room["id"], {"name": "case-8", "topic": None}, "r3")["name"] == "case-8"
    assert [slack.archive_room(room["id"], "r4")["archived"] for _ in range(2)] == [True, True]
    assert [slack.reopen_room(room["id"], "r5")["archived"] for _ in range(2)] == [False, False]
    member = {"room": room["id"], "user": shop.people[0]}
    assert [slack.writer("memberships", "create")(dict(member), "r6") for _ in range(2)] == [member, member]
    assert slack.find("memberships", member, "r6") == member
    key = next(key for key, one in natives_of(slack, "memberships").items() if one == member)
    for _ in range(2):
        slack.writer("memberships", "delete")(key, "r7")
    assert slack.find("memberships", member, "r6") is None


def test_user_groups_and_their_members(shop: Workshop, slack: Slack) -> None:
    group = slack.create_usergroup({"name": "IT", "handle": "it", "description": None}, "g1")
    assert slack.find("usergroups", {"handle": "it"}, "g1") == group
    assert slack.update_usergroup(group["id"], {"description": "Devices"}, "g2")["description"] == "Devices"
    for user in (*shop.people[:2], shop.people[0]):
        slack.writer("usergroup_members", "create")({"usergroup": group["id"], "user": user}, "g3")
    members = natives_of(slack, "usergroup_members")
    assert {one["user"] for one in members.values()} == set(shop.people[:2])
    first, last = sorted(members)
    slack.writer("usergroup_members", "delete")(first, "g4")
    slack.writer("usergroup_members", "delete")(first, "g4")
    with pytest.raises(RecordError, match="without members"):
        slack.writer("usergroup_members", "delete")(last, "g5")
    assert [slack.disable_usergroup(group["id"], "g6")["disabled"] for _ in range(2)] == [True, True]
    assert [slack.enable_usergroup(group["id"], "g7")["disabled"] for _ in range(2)] == [False, False]
