"""The Slack connector against the emulator, the vendor's description and recordings of a test workspace."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.slack import limits, natives
from connectors.slack.connector import Slack
from landbridge.connector import Complete, Connection, Failure, Finds, HasFiles, Impersonates, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    LandbridgeError,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.http import CursorPages, LocalThrottle, Retries, Throttle
from landbridge.http import client as client_module
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.slack import Slack as Emulator
from sandbox.emulators.slack_workspace import BOT_USER
from tests.connectors import vendor
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

MAPPINGS = Path(__file__).parents[2] / "mappings" / "slack"
STREAMS = ("memberships", "messages", "rooms", "usergroup_members", "usergroups", "users")
TOKEN = "xoxb-5ecret-5ecret"
# Of after 2021, when Slack published its description last; and a channel in which nobody has said anything.
NEWER = ("include_all_metadata", "less than 1 item")
HELLO = '[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Hello"}]}]}]'


class Workshop:
    """The emulator with its address, and short names for what the tests need of it."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.space, self.url = emulator, emulator.space, url
        self.people = [key for key in self.space.users if key != BOT_USER]
        self.channel = self.entered()[0]

    def entered(self) -> list[str]:
        return [key for key, one in self.space.channels.items() if BOT_USER in one["_members"]]

    def connector(self, token: str = TOKEN, **extra: Any) -> Slack:
        return Slack(Slack.Config.of(Connection("slack", "landbridge_slack", self.url, None, token, extra=extra)))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """Without limits and without waiting; a test of those brings its own."""
    monkeypatch.setattr(limits, "allowed", lambda method: (math.inf, 1))
    monkeypatch.setattr("landbridge.connector.base.LocalThrottle", partial(LocalThrottle, sleep=lambda _: None))
    usual = client_module.Client.__init__.__kwdefaults__ | {"retries": Retries(first=0, sleep=lambda _: None)}
    monkeypatch.setattr(client_module.Client.__init__, "__kwdefaults__", usual)
    emulator = Emulator(token=TOKEN, unlimited=True)
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        yield Workshop(emulator, url)


@pytest.fixture
def slack(shop: Workshop) -> Iterator[Slack]:
    made = shop.connector()
    yield made
    made.close()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Slack.paged
    monkeypatch.setattr(Slack, "paged", lambda self, method, pages, params: whole(self, method, small(pages), params))


def small(pages: Any) -> Any:
    return replace(pages, size=2) if isinstance(pages, CursorPages) else pages


# --- what it is ------------------------------------------------------------------------------------------------


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


# --- reading ---------------------------------------------------------------------------------------------------


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


# --- writing ---------------------------------------------------------------------------------------------------


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
    with pytest.raises(RecordError, match="100 MB"):
        slack.update_message(posted["id"], {"files": [file]}, "m3")


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
        patch.setattr(slack, "_completed", lambda made, native: made)
        slack.create_message(native, "m1")
    found = [slack.find("messages", native, "m1") for _ in range(2)]
    assert found[0] == found[1]
    assert [one["name"] for one in found[0]["files"]] == ["up.txt"]
    assert len(shop.space.contents) == 1
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
        slack.create_usergroup_member({"usergroup": group["id"], "user": user}, "g3")
    members = natives_of(slack, "usergroup_members")
    assert {one["user"] for one in members.values()} == set(shop.people[:2])
    first, last = sorted(members)
    slack.delete_usergroup_member(first, "g4")
    slack.delete_usergroup_member(first, "g4")
    with pytest.raises(RecordError, match="without members"):
        slack.delete_usergroup_member(last, "g5")
    assert [slack.disable_usergroup(group["id"], "g6")["disabled"] for _ in range(2)] == [True, True]
    assert [slack.enable_usergroup(group["id"], "g7")["disabled"] for _ in range(2)] == [False, False]


# --- errors, limits, secrets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "invalid_auth"}, AuthError), ({"error": "token_revoked"}, AuthError),
        ({"error": "missing_scope", "needed": "users:read"}, ScopeError), ({"error": "channel_not_found"}, NotFound),
        ({"error": "invalid_cursor"}, ExpiredCursor), ({"error": "fatal_error"}, TransientError),
        ({"error": "something_new"}, RecordError), ({}, TransientError), ([], TransientError),
    ],
)  # fmt: skip
def test_refusals_with_a_200_are_errors(
    shop: Workshop, slack: Slack, answer: Any, error: type[LandbridgeError]
) -> None:
    told = {"ok": False, **answer} if isinstance(answer, dict) else answer
    shop.emulator.script("/api/users.list", *[Reply(told)] * 5)
    with pytest.raises(error) as caught:
        list(slack.read("users"))
    if "needed" in answer:
        assert "users:read" in str(caught.value)


def test_a_rate_limit_is_waited_for_or_handed_on(shop: Workshop, slack: Slack) -> None:
    over = Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "3"})
    shop.emulator.script("/api/users.list", over, over)
    assert natives_of(slack, "users")
    shop.emulator.script(
        "/api/users.list", *[Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": "900"})] * 2
    )
    with pytest.raises(RateLimited) as caught:
        list(slack.read("users"))
    assert caught.value.after is not None
    assert caught.value.after > 800


def test_slacks_tiers_are_kept_without_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_795_000_000.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    patient = partial(LocalThrottle, clock=lambda: now[0], sleep=sleep)
    monkeypatch.setattr("landbridge.connector.base.LocalThrottle", patient)
    emulator = Emulator(token=TOKEN, clock=lambda: now[0])
    emulator.seed(halbrueck())
    with serving(emulator) as url:
        shop = Workshop(emulator, url)
        slack = shop.connector()
        seen = vendor.exchanges(emulator)
        for _ in range(30):
            list(slack.read("users"))
        for number in range(80):
            slack.create_message({"channel": shop.entered()[number % 2], "text": "x"}, str(number))
        for _ in range(20):
            list(slack.read("messages"))
        slack.close()
    assert len(seen) > 200
    assert {reply.status for _, reply in seen} == {200}


def test_an_app_of_the_marketplace_rules_is_slowed_down_and_told(
    shop: Workshop, slack: Slack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[str, float, float]] = []
    given = slack.throttle.of

    def of(part: str, rate: float, burst: float = 1.0) -> Throttle:
        asked.append((part, rate, burst))
        return given("unlimited", math.inf)

    monkeypatch.setattr(slack.throttle, "of", of)
    for number in range(40):
        shop.space.say(shop.channel, shop.people[0], f"{number}")
    shop.emulator.narrow = True
    monkeypatch.setattr(shop.emulator.limits, "wait", lambda *call: 0.0)
    with caplog.at_level(logging.WARNING, "landbridge.slack"):
        assert len(natives_of(slack, "messages")) > 40
        assert len(natives_of(slack, "messages")) > 40
    assert ("conversations.history narrow", 1 / 60, 1.0) in asked
    assert caplog.text.count("conversations.history") == 1
    assert "Marketplace" in caplog.text


def test_no_secret_and_no_text_in_any_log(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    said = shop.space.say(shop.channel, shop.people[0], "c0nfidential")
    with caplog.at_level(logging.DEBUG):
        slack = shop.connector()
        list(slack.read("messages"))
        slack.close()
        wrong = shop.connector("xoxb-wr0ng")
        with pytest.raises(AuthError) as caught:
            wrong.check()
        wrong.close()
    for secret in (TOKEN, "xoxb-wr0ng", "c0nfidential", said["ts"], shop.channel):
        assert secret not in caplog.text
        assert secret not in str(caught.value)


# --- what Slack publishes ----------------------------------------------------------------------------------------


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
