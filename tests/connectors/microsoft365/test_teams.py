"""Teams on the emulator: what is read, what is left alone, and what Landbridge's own account says."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from connectors.microsoft365.teams import Teams
from landbridge.connector import Failure, FindsAlike, HasFiles, Record
from landbridge.errors import ConfigError, ExpiredCursor, NotFound, RecordError, ScopeError, TransientError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched, connected
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "teams"
STREAMS = ("users", "channels", "memberships", "messages")
TEAM, ANNA, LENA = made_id("team"), made_id("anna.mueller"), made_id("lena.vogt")
HELP = "19:it-help@thread.tacv2"
SPACE = f"{TEAM}/{HELP}"
OPEN = [room for room in halbrueck().rooms if room.visibility == "public"]
CLOSED = next(room for room in halbrueck().rooms if room.visibility == "members")
HELLO: dict[str, Any] = {"channel": SPACE, "thread": None, "content": "Good <strong>morning</strong>!"}


def test_what_the_class_can_do(teams: Teams) -> None:
    assert tuple(Teams.streams()) == STREAMS
    ops = ("create", "update", "disable", "enable", "delete")
    can = {stream: [op for op in ops if Teams.can_write(stream, op)] for stream in STREAMS}
    assert can == {"users": [], "channels": [], "memberships": [], "messages": ["create", "update", "delete"]}
    assert isinstance(teams, FindsAlike) and isinstance(teams, HasFiles)


def test_every_mapping_example_holds_both_ways() -> None:
    assert [problem for stream in STREAMS for problem in load_mapping(MAPPINGS / f"{stream}.yaml").run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_read_becomes_valid_claims(teams: Teams, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(teams, stream)
    assert found
    assert all(validate(mapping.kind, mapping.into(native).claim) for native in found.values())


def test_check_says_that_nobody_has_signed_in(graph: Watched, teams: Teams) -> None:
    assert teams.check().missing == ()
    silent = connected(Teams, graph)
    assert [right.partition(",")[0] for right in silent.check().missing] == ["ChannelMessage.Send"]
    with pytest.raises(ConfigError, match="signed in"):
        silent.create_message(HELLO, "marker")


# --- spaces ----------------------------------------------------------------------------------------------------


def asked_about(graph: Watched, text: str) -> list[str]:
    return [one.path for one in graph.seen if text in one.path]


def test_only_what_is_open_is_read_unless_policy_names_it(graph: Watched, teams: Teams) -> None:
    closed = f"{TEAM}/19:{CLOSED.alias}@thread.tacv2"
    assert len(natives_of(teams, "channels")) == len(OPEN) + 1
    assert {one["visibility"] for one in natives_of(teams, "channels").values()} == {"public"}
    assert asked_about(graph, CLOSED.alias) == []
    teams.private_spaces = {closed}
    assert natives_of(teams, "channels")[closed]["visibility"] == "members"
    graph.teams[TEAM]["visibility"] = "private"
    assert list(natives_of(teams, "channels")) == [closed]
    teams.private_spaces = {SPACE}
    assert [one["visibility"] for one in natives_of(teams, "channels").values()] == ["members"]
    assert set(natives_of(teams, "messages")) == {key for key in natives_of(teams, "messages") if key.startswith(SPACE)}
    teams.private_spaces = frozenset()
    graph.seen.clear()
    assert natives_of(teams, "channels") == natives_of(teams, "messages") == {}
    assert asked_about(graph, "/channels") == []


def test_guests_and_people_of_other_tenants_are_told(graph: Watched, teams: Teams) -> None:
    assert not any(one["guests"] for one in natives_of(teams, "channels").values())
    graph.in_team[TEAM].append(graph.member(LENA, "guest"))
    assert all(one["guests"] for one in natives_of(teams, "channels").values())
    graph.in_team[TEAM][-1] = graph.member(LENA) | {"tenantId": "another"}
    assert all(one["guests"] for one in natives_of(teams, "channels").values())


def test_members_of_a_team_are_in_its_channels(graph: Watched, teams: Teams) -> None:
    assert f'["{SPACE}","{ANNA}"]' in natives_of(teams, "memberships")
    graph.in_team[TEAM] = graph.in_team[TEAM][1:]
    assert len(natives_of(teams, "memberships")) == len(graph.in_team[TEAM]) * (len(OPEN) + 1)


def test_a_team_that_may_not_be_seen_keeps_nobody_from_the_others(graph: Watched, teams: Teams) -> None:
    graph.add_team("t2", "Other", [ANNA])
    graph.rights_taken = {"teams/t2"}
    items = list(teams.read("channels"))
    assert [type(item.error) for item in items if isinstance(item, Failure)] == [ScopeError]
    assert SPACE in {item.key for item in items if isinstance(item, Record)}


# --- messages --------------------------------------------------------------------------------------------------


def test_messages_come_with_replies_and_reactions(graph: Watched, teams: Teams) -> None:
    found = natives_of(teams, "messages")
    said = [one for one in halbrueck().messages if one.room in {room.alias for room in OPEN}]
    assert len(found) == len(said)
    assert len([one for one in found.values() if one["thread"]]) == len([one for one in said if one.thread])
    assert all(one["thread"] in found for one in found.values() if one["thread"])
    liked = next(one for one in said if one.reactions)
    emojis = next(one["reactions"] for one in found.values() if liked.text in one["content"])
    assert set(emojis) == {emoji for emoji, _ in liked.reactions}


def test_small_pages_say_the_same(graph: Watched, teams: Teams, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = natives_of(teams, "messages")
    monkeypatch.setattr("connectors.microsoft365.teams.WITH_REPLIES", {"$top": 2, "$expand": "replies"})
    graph.deltas.size = 1
    assert natives_of(teams, "messages") == whole


def test_news_arrive_with_edits_reactions_threads_and_removals(graph: Watched, teams: Teams) -> None:
    first = graph.say(TEAM, HELP, ANNA, "First\nline <b>", root=None)
    cursor = cursor_of(teams, "messages")
    assert read(teams, "messages", cursor)[:2] == ({}, [])
    reply = graph.say(TEAM, HELP, LENA, "Second", root=first["id"])
    graph.react(TEAM, HELP, first, LENA, "like")
    records, gone, cursor = read(teams, "messages", cursor)
    root, answer = f"{SPACE}/{first['id']}", f"{SPACE}/{first['id']}/{reply['id']}"
    assert (set(records), gone) == ({root, answer}, [])
    assert records[root].native["reactions"] == {"👍": [LENA]}
    assert records[root].native["content"] == "First<br>line &lt;b&gt;"
    assert records[answer].native["thread"] == root
    graph.edit(TEAM, HELP, reply, "Second, mended")
    native = natives_of(teams, "messages", cursor)[answer]
    assert native["content"] == "Second, mended" and native["edited"]
    graph.remove(TEAM, HELP, reply)
    assert gone_of(teams, "messages", cursor) == [answer]
    assert answer not in natives_of(teams, "messages")


def test_a_new_channel_is_read_from_its_beginning(graph: Watched, teams: Teams) -> None:
    cursor = cursor_of(teams, "messages")
    graph.add_channel(TEAM, "19:new@thread.tacv2", "New")
    old = graph.say(TEAM, "19:new@thread.tacv2", ANNA, "Long ago", at=1_600_000_000)
    assert list(natives_of(teams, "messages", cursor)) == [f"{TEAM}/19:new@thread.tacv2/{old['id']}"]


def test_more_replies_than_one_answer_holds(graph: Watched, teams: Teams) -> None:
    graph.channels[TEAM] = {HELP: graph.channels[TEAM][HELP]}
    graph.messages[TEAM, HELP].clear()
    root = graph.say(TEAM, HELP, ANNA, "Root")
    late = graph.say(TEAM, HELP, LENA, "Late", root=root["id"])
    more = f"{graph.url}/v1.0/teams/{TEAM}/channels/{HELP}/messages/{root['id']}/replies"
    cut = {**root, "replies": [], "replies@odata.nextLink": more}
    graph.script("/messages", Reply({"value": [cut]}))
    assert f"{SPACE}/{root['id']}/{late['id']}" in natives_of(teams, "messages")


def test_what_teams_itself_says_is_no_message(graph: Watched, teams: Teams) -> None:
    before = natives_of(teams, "messages")
    graph.say(
        TEAM, HELP, ANNA, "<systemEventMessage/>", kind="html", messageType="unknownFutureValue", **{"from": None}
    )
    assert natives_of(teams, "messages") == before


def test_a_message_is_complete(graph: Watched, teams: Teams) -> None:
    picture = f"https://graph.microsoft.com/v1.0/teams/{TEAM}/channels/{HELP}/messages/1/hostedContents/abc/$value"
    mention = {"id": 0, "mentionText": "Lena", "mentioned": {"user": {"id": LENA, "displayName": "Lena"}}}
    row = graph.say(
        TEAM, HELP, ANNA, f'<p><at id="0">Lena</at>, <at id="7">?</at> see <img alt="x" src="{picture}"></p>', kind="html",
        subject="News & more", mentions=[mention],
        attachments=[
            {"id": "1", "contentType": "reference", "contentUrl": "https://halbrueck.sharepoint.com/a b.pdf", "name": "a b.pdf"},
            {"id": "2", "contentType": "application/vnd.microsoft.card.thumbnail", "content": "{}"},
        ],
    )  # fmt: skip
    native = natives_of(teams, "messages")[f"{SPACE}/{row['id']}"]
    assert native["content"] == f'<h3>News &amp; more</h3><p><at id="{LENA}">Lena</at>, <at id="">?</at> see </p>'
    share, hosted = native["attachments"]
    assert base64.urlsafe_b64decode(share["url"].removeprefix("shares/u!") + "==").decode().endswith("/a b.pdf")
    graph.hosted["abc"] = b"png"
    assert b"".join(teams.open(hosted["url"])) == b"png"


def test_a_file_that_a_message_refers_to_is_streamed_from_sharepoint(graph: Watched, teams: Teams) -> None:
    file = graph.put(next(iter(graph.drives)), "offers/Angebot ä.pdf", b"%PDF", author=ANNA)
    told = {"id": "1", "contentType": "reference", "contentUrl": file["webUrl"], "name": file["name"]}
    row = graph.say(TEAM, HELP, ANNA, "See there", attachments=[told])
    share = natives_of(teams, "messages")[f"{SPACE}/{row['id']}"]["attachments"][0]
    assert share["name"] == "Angebot ä.pdf"
    assert b"".join(teams.open(share["url"])) == b"%PDF"


def test_bots_and_strangers_are_guests(graph: Watched, teams: Teams) -> None:
    bot = graph.say(
        TEAM, HELP, ANNA, "x", **{"from": {"application": {"id": "a", "displayName": "Build"}, "user": None}}
    )
    odd = {"user": {"id": "s", "displayName": "Sam", "userIdentityType": "anonymousGuest"}}
    stranger = graph.say(TEAM, HELP, ANNA, "y", **{"from": odd})
    found = natives_of(teams, "messages")
    told = [
        (found[f"{SPACE}/{one['id']}"]["author"], found[f"{SPACE}/{one['id']}"]["guest"]) for one in (bot, stranger)
    ]
    assert told == [(None, "Build"), (None, "Sam")]


def test_one_bad_message_stops_nobody(graph: Watched, teams: Teams) -> None:
    row = graph.say(TEAM, HELP, ANNA, "x")
    del row["createdDateTime"]
    items = list(teams.read("messages"))
    assert {item.key for item in items if isinstance(item, Failure)} == {f"{SPACE}/{row['id']}"}
    row["createdDateTime"] = "2026-08-17T07:00:00.000Z"
    graph.exchanges.clear()


def test_an_expired_token_means_to_read_in_full(graph: Watched, teams: Teams) -> None:
    cursor = cursor_of(teams, "messages")
    graph.deltas.expire()
    with pytest.raises(ExpiredCursor):
        list(teams.read("messages", cursor))
    with pytest.raises(ExpiredCursor):
        list(teams.read("messages", {"since": "s1"}))


def test_a_channel_that_fails_goes_on_from_where_it_was(graph: Watched, teams: Teams) -> None:
    cursor = cursor_of(teams, "messages")
    graph.say(TEAM, HELP, ANNA, "Unseen")
    graph.rights_taken = {f"teams/{TEAM}/channels/{HELP.replace(':', '%3A').replace('@', '%40')}/messages"}
    items = list(teams.read("messages", cursor))
    assert [type(item) for item in items[:-1]] == [Failure]
    graph.rights_taken = set()
    assert len(natives_of(teams, "messages", items[-1].cursor)) == 1


def test_chats_are_read_only_where_policy_names_them(graph: Watched, teams: Teams) -> None:
    graph.add_chat("c1", ANNA)
    secret = graph.say("chats", "c1", ANNA, "Between us")
    assert "Between us" not in str(natives_of(teams, "messages"))
    assert asked_about(graph, "/chats/") == []
    teams.private_spaces = {"chats/c1"}
    assert natives_of(teams, "channels")["chats/c1"]["kind"] == "direct"
    records, _, cursor = read(teams, "messages")
    assert records[f"chats/c1/{secret['id']}"].native["content"] == "Between us"
    assert read(teams, "messages", cursor)[0] == {}
    later = graph.say("chats", "c1", ANNA, "Later")
    assert list(natives_of(teams, "messages", cursor)) == [f"chats/c1/{later['id']}"]


def test_in_a_chat_the_person_who_has_signed_in_speaks_if_they_are_in_it(graph: Watched, teams: Teams) -> None:
    graph.add_chat("c1", ANNA)
    wanted = {"channel": "chats/c1", "thread": None, "content": "This chat is read."}
    with pytest.raises(ScopeError):
        teams.create_message(wanted, "marker")
    graph.chats["c1"]["members"].append(graph.member("b07"))
    graph.lose("/messages")
    with pytest.raises(TransientError):
        teams.create_message(wanted, "marker")
    [found] = teams.alike("messages", wanted)
    assert (found["channel"], found["author"]) == ("chats/c1", "b07")
    for op in (
        lambda: teams.update_message(found["id"], {"content": "x"}, "m"),
        lambda: teams.delete_message(found["id"], "m"),
    ):
        with pytest.raises(RecordError, match="changes nothing"):
            op()


# --- speaking --------------------------------------------------------------------------------------------------


def test_a_message_its_edit_and_its_removal(graph: Watched, teams: Teams) -> None:
    cursor = cursor_of(teams, "messages")
    content = f'<at id="{LENA}">Lena &amp; co</at>: good <strong>morning</strong>!'
    made = teams.create_message(HELLO | {"content": content}, "marker")
    assert made["author"] == "b07" and made["content"] == content
    assert natives_of(teams, "messages", cursor) == {made["id"]: made}
    edited = teams.update_message(made["id"], {"content": "Good evening"}, "marker")
    assert edited["content"] == "Good evening" and edited["edited"]
    for _ in range(2):
        teams.delete_message(made["id"], "marker")
    assert gone_of(teams, "messages", cursor) == [made["id"]]
    with pytest.raises(NotFound):
        teams.update_message(made["id"], {"content": "Too late"}, "marker")


def test_a_reply_stands_in_its_thread(graph: Watched, teams: Teams) -> None:
    root = graph.say(TEAM, HELP, ANNA, "Question?")
    made = teams.create_message(HELLO | {"thread": f"{SPACE}/{root['id']}"}, "marker")
    assert made["thread"] == f"{SPACE}/{root['id']}"
    further = teams.create_message(HELLO | {"thread": made["id"]}, "marker")
    assert further["thread"] == f"{SPACE}/{root['id']}"
    assert teams.update_message(further["id"], {"content": "x"}, "marker")["content"] == "x"
    teams.delete_message(further["id"], "marker")
    with pytest.raises(NotFound):
        teams.create_message(HELLO | {"thread": f"{SPACE}/1"}, "marker")


def test_files_are_put_into_the_channels_folder_once_and_stay_where_the_text_changes(
    graph: Watched, teams: Teams
) -> None:
    teams.open_file = lambda attachment: iter([str(attachment["url"]).encode()] * 2)
    files = [
        {"name": name, "media_type": "text/plain", "url": f"mail:{at}"}
        for at, name in enumerate(("a/b.txt", "a/b.txt"))
    ]
    graph.lose("/messages")
    with pytest.raises(TransientError):
        teams.create_message(HELLO | {"attachments": files}, "m1")
    made = teams.create_message(HELLO | {"attachments": files}, "m1")
    assert [one["name"] for one in made["attachments"]] == ["a_b.txt", "a_b.txt"]
    assert [b"".join(teams.open(one["url"])) for one in made["attachments"]] == [b"mail:0" * 2, b"mail:1" * 2]
    assert len([item for items in graph.items.values() for item in items.values() if item["name"] == "a_b.txt"]) == 2
    assert made == natives_of(teams, "messages")[made["id"]]
    edited = teams.update_message(made["id"], {"content": "Good night"}, "m2")
    assert (edited["content"], edited["attachments"]) == ("Good night", made["attachments"])
    fewer = teams.update_message(made["id"], {"attachments": files[:1]}, "m3")
    assert (fewer["content"], len(fewer["attachments"])) == ("Good night", 1)
    assert teams.create_message({"channel": SPACE, "attachments": files[:1]}, "m4")["content"] == ""


def test_a_file_that_sharepoint_cut_short_is_not_referred_to(graph: Watched, teams: Teams) -> None:
    teams.open_file = lambda attachment: iter([b"a plan"])
    told = graph._item_told
    graph._item_told = lambda row: {**told(row), "size": 3}  # type: ignore[method-assign]
    before = len(natives_of(teams, "messages"))
    with pytest.raises(RecordError, match="3 of 6 bytes"):
        teams.create_message(HELLO | {"attachments": [{"name": "plan.txt", "url": "mail:0"}]}, "m1")
    assert len(natives_of(teams, "messages")) == before


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_message_is_sent_once_and_found_after_an_uncertain_outcome(
    graph: Watched, teams: Teams, in_thread: bool
) -> None:
    root = graph.say(TEAM, HELP, ANNA, "Question?")
    wanted = HELLO | {"thread": f"{SPACE}/{root['id']}" if in_thread else None, "created": "2026-08-17T07:02:00Z"}
    assert list(teams.alike("messages", wanted)) == []
    path = "/replies" if in_thread else "/messages"
    graph.lose(path)
    with pytest.raises(TransientError) as caught:
        teams.create_message(wanted, "marker")
    assert caught.value.uncertain
    assert len(graph.asked(path, "POST")) == 1
    [found] = teams.alike("messages", wanted)
    assert found["author"] == "b07"
    # The same words of long before are not it.
    assert list(teams.alike("messages", wanted | {"created": "2999-01-01T00:00:00Z"})) == []
    assert list(teams.alike("messages", wanted | {"content": "Others"})) == []


def test_what_others_said_nobody_changes(graph: Watched, teams: Teams) -> None:
    row = graph.say(TEAM, HELP, ANNA, "Mine")
    with pytest.raises(ScopeError):
        teams.update_message(f"{SPACE}/{row['id']}", {"content": "Not yours"}, "marker")


def test_no_more_than_four_messages_a_second_reach_a_channel(graph: Watched, teams: Teams) -> None:
    for number in range(6):
        teams.create_message(HELLO | {"content": f"{number}"}, "marker")
    assert [reply.status for _, reply in graph.exchanges if reply.status == 429] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"content": "<p> </p>"},
        {"channel": None},
        {"channel": "chats/c1", "attachments": [{"name": "a.txt", "url": "mail:0"}]},
        {"thread": "chats/c1/1"},
    ],
)
def test_what_cannot_be_said_is_not_sent(graph: Watched, teams: Teams, wrong: dict[str, Any]) -> None:
    with pytest.raises(RecordError):
        teams.create_message(HELLO | wrong, "marker")
    assert graph.asked("/messages", "POST") == []
