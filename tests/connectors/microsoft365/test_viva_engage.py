"""Viva Engage on the emulator: communities, conversations with long threads, and few calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.microsoft365 import conversations, viva_engage
from connectors.microsoft365.viva_engage import VivaEngage
from landbridge.connector import Checkpoint, Complete, Failure, FindsAlike
from landbridge.errors import (
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    NotFound,
    RecordError,
    TransientError,
)
from landbridge.http import LocalThrottle
from landbridge.mapping import load_mapping
from landbridge.model import validate
from landbridge.testing import recording
from landbridge.testing.scrubbed import scrubbed
from landbridge.testing.scrubbing import Scrubber
from sandbox.company import halbrueck
from sandbox.emulators.base import Reply
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched, connected
from tests.connectors.reading import cursor_of, natives_of, read
from tests.shared import SHARED

MAPPINGS = Path(__file__).parents[3] / "mappings" / "viva_engage"
STREAMS = ("users", "communities", "messages")
ANNA, LENA = made_id("anna.mueller"), made_id("lena.vogt")


@pytest.fixture
def everyone(graph: Watched) -> str:
    return next(iter(graph.communities))


def test_what_the_class_can_do(engage: VivaEngage) -> None:
    assert tuple(VivaEngage.streams()) == STREAMS
    ops = ("create", "update", "delete")
    assert [op for op in ops if VivaEngage.can_write("messages", op)] == ["create", "delete"]
    assert isinstance(engage, FindsAlike)


def test_every_mapping_example_holds_both_ways() -> None:
    assert [problem for stream in STREAMS for problem in load_mapping(MAPPINGS / f"{stream}.yaml").run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_read_becomes_valid_claims(engage: VivaEngage, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(engage, stream)
    assert found
    assert all(validate(mapping.kind, mapping.into(native).claim) for native in found.values())


@pytest.mark.parametrize("stream", STREAMS)
def test_a_recording_plays_back_without_people(graph: Watched, engage: VivaEngage, everyone: str, stream: str) -> None:
    graph.tell(everyone, ANNA, "Hello from Anna Müller")
    with recording.recorded() as exchanges:
        real = recording.natives(engage, stream, 3)
    found = VivaEngage.streams()[stream]
    kept = recording.Recording(
        VivaEngage.system, stream, found.kind, found.key, recording.config_of(engage), tuple(exchanges), tuple(real)
    )
    made = scrubbed(kept, Scrubber(host=recording.host_of(exchanges)))
    with recording.replayed(made):
        again = recording.natives(recording.player(VivaEngage, made), stream, 3)
    assert len(again) == len(real) > 0
    assert "Müller" not in made.text()


def test_nobody_has_signed_in(graph: Watched) -> None:
    with pytest.raises(ConfigError, match="signed in"):
        connected(VivaEngage, graph, engage=graph.url).check()


def test_check_names_the_rights_it_lacks(graph: Watched, engage: VivaEngage) -> None:
    assert engage.check().missing == ()
    graph.rights_taken = {"employeeExperience", "users/current"}
    again = connected(VivaEngage, graph, password=None, refresh_token="bot", engage=graph.url)
    assert again.check().missing == ("Community.Read.All", "Yammer access_as_user")


def test_private_communities_are_read_only_where_policy_names_them(
    graph: Watched, engage: VivaEngage, everyone: str
) -> None:
    closed = graph.add_community("Board", "private")
    graph.tell(closed, ANNA, "Salaries")
    assert list(natives_of(engage, "communities")) == [everyone]
    assert "Salaries" not in str(natives_of(engage, "messages"))
    engage.private_spaces = {closed}
    assert natives_of(engage, "communities")[closed]["visibility"] == "members"
    assert "Salaries" in str(natives_of(engage, "messages"))


def test_files_are_streamed_from_where_they_lie(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    kept = graph.put(next(iter(graph.drives)), "Apps/Yammer/plan ä.txt", b"in SharePoint", author=ANNA)
    praise = {"id": 7, "type": "praise", "name": "Thanks", "description": "for all"}
    files = [graph.file("plan ä.txt", b"", kept["webUrl"]), graph.file("old.txt", b"in Yammer"), praise]
    row = graph.tell(everyone, ANNA, "See there", attachments=files)
    told = natives_of(engage, "messages")[str(row["id"])]["attachments"]
    assert [(one["name"], one["media_type"]) for one in told] == [
        ("plan ä.txt", "text/plain"),
        ("old.txt", "text/plain"),
    ]
    assert [b"".join(engage.open(one["url"])) for one in told] == [b"in SharePoint", b"in Yammer"]
    with pytest.raises(NotFound):
        b"".join(engage.open("uploaded_files/1"))


def test_a_file_that_is_too_large_is_refused_before_it_is_held(
    graph: Watched, engage: VivaEngage, everyone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.microsoft365.viva_engage.MAX_FILE", 10)
    graph.tell(everyone, ANNA, "See there", attachments=[graph.file("big.bin", b"x" * 11)])
    [url] = [one["url"] for row in natives_of(engage, "messages").values() for one in row["attachments"]]
    with pytest.raises(RecordError):
        b"".join(engage.open(url))


def test_everything_said_is_read_page_by_page(graph: Watched, engage: VivaEngage) -> None:
    posts = halbrueck().posts
    found = natives_of(engage, "messages")
    assert len(found) == len(posts) + sum(len(post.comments) for post in posts)
    assert len(graph.asked(".json", "GET")) > 1
    assert {one["thread"] for one in found.values()} - {None} <= found.keys()


def test_a_thread_that_a_feed_shows_in_part_is_read_to_its_end(
    graph: Watched, engage: VivaEngage, everyone: str
) -> None:
    whole = natives_of(engage, "messages")
    graph.threads_shown = 1
    assert natives_of(engage, "messages") == whole


def test_a_thread_with_holes_is_no_whole_read(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    root = graph.tell(everyone, ANNA, "Root")
    graph.tell(everyone, LENA, "Reply", thread=root["id"])
    graph.threads_shown = 1
    graph.script(f"in_thread/{root['id']}.json", Reply({"messages": [root], "references": [], "meta": {}}))
    items = list(engage.read("messages"))
    assert [type(item.error) for item in items if isinstance(item, Failure)] == [IncompleteRead]


def test_later_only_what_is_new_is_asked_for(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    cursor = cursor_of(engage, "messages")
    asked = len(graph.seen)
    assert read(engage, "messages", cursor)[0] == {}
    assert len(graph.seen) == asked + 2
    new = graph.tell(everyone, ANNA, "News")
    assert list(natives_of(engage, "messages", cursor)) == [str(new["id"])]
    with pytest.raises(ExpiredCursor):
        list(engage.read("messages", {"delta": "x"}))


def test_likes_are_reactions_of_those_who_are_named(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    row = graph.tell(everyone, ANNA, "Done!", liked_by={"count": 9, "names": [{"user_id": 7}, {"user_id": 7}, {}]})
    assert natives_of(engage, "messages")[str(row["id"])]["reactions"] == {"👍": ["7"]}
    assert {} in [native["reactions"] for native in natives_of(engage, "messages").values()]


def test_people_are_read_in_full_only(graph: Watched, engage: VivaEngage) -> None:
    for number in range(120):
        graph.numbers[graph.add_user(f"u{number}", displayName="U", userPrincipalName=f"u{number}@x")["id"]] = number
    *records, checkpoint, complete = engage.read("users")
    assert len(records) == len(graph.numbers)
    assert isinstance(checkpoint, Checkpoint) and isinstance(complete, Complete)
    assert list(engage.read("users", checkpoint.cursor)) == [checkpoint]


def test_what_the_product_says_and_what_two_say_is_left_out(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    before = natives_of(engage, "messages")
    graph.tell(everyone, ANNA, "Anna has joined.", system_message=True)
    graph.tell(everyone, ANNA, "Between us", direct_message=True)
    bad = graph.tell(everyone, ANNA, "x", created_at="yesterday")
    items = list(engage.read("messages"))
    assert [item.key for item in items if isinstance(item, Failure)] == [str(bad["id"])]
    assert natives_of(engage, "messages") == before


def test_a_message_a_reply_and_a_removal(graph: Watched, engage: VivaEngage, everyone: str) -> None:
    made = engage.create_message({"community": everyone, "text": "Hello & good morning"}, "marker")
    assert natives_of(engage, "messages")[made["id"]] == made
    reply = engage.create_message({"community": everyone, "thread": made["id"], "text": "Again"}, "marker")
    assert reply["thread"] == made["id"]
    for _ in range(2):
        engage.delete_message(reply["id"], "marker")
    assert reply["id"] not in natives_of(engage, "messages")
    with pytest.raises(NotFound):
        engage.create_message({"community": everyone, "thread": "1", "text": "x"}, "marker")


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_message_is_sent_once_and_found_after_an_uncertain_outcome(
    graph: Watched, engage: VivaEngage, everyone: str, in_thread: bool
) -> None:
    root = graph.tell(everyone, ANNA, "Question?")
    wanted: dict[str, Any] = {"community": everyone, "thread": str(root["id"]) if in_thread else None, "text": "Answer"}
    assert list(engage.alike("messages", wanted)) == []
    graph.lose("/messages.json")
    with pytest.raises(TransientError) as caught:
        engage.create_message(wanted, "marker")
    assert caught.value.uncertain
    assert len(graph.asked("/messages.json", "POST")) == 1
    [found] = engage.alike("messages", wanted)
    assert found["text"] == "Answer"
    # The same words of long before are not it; of two that may be, the newest comes first.
    assert list(engage.alike("messages", wanted | {"created": "2999-01-01T00:00:00Z"})) == []
    again = engage.create_message(wanted, "another")
    assert list(engage.alike("messages", wanted)) == [again, found]


@pytest.mark.parametrize("wrong", [{"text": " "}, {"community": None}, {"community": "no community"}])
def test_what_cannot_be_said_is_not_sent(
    graph: Watched, engage: VivaEngage, everyone: str, wrong: dict[str, Any]
) -> None:
    with pytest.raises(RecordError):
        engage.create_message({"community": everyone, "text": "x"} | wrong, "marker")
    assert graph.asked("/messages.json", "POST") == []


def test_ten_calls_in_half_a_minute_and_no_more() -> None:
    now, sent = [0.0], []
    shared = LocalThrottle(clock=lambda: now[0], sleep=lambda wait: now.__setitem__(0, now[0] + wait))
    limit = viva_engage.small_limit(shared)
    for _ in range(40):
        limit.acquire()
        sent.append(now[0])
    assert max(sum(0 <= later - one < 30 for later in sent) for one in sent) <= 10


def test_a_refusal_without_a_time_is_waited_for(graph: Watched, engage: VivaEngage) -> None:
    graph.script("users.json", Reply(b"Rate limited due to excessive requests.", 429))
    assert natives_of(engage, "users")


@pytest.mark.skipif(not SHARED.is_dir(), reason="LANDBRIDGE_SHARED does not name the folder with the vendors' samples")
def test_samples_make_valid_claims() -> None:
    folder = SHARED / "samples" / "yammer" / "json"
    people = [json.loads((folder / "engage-user-get-0.json").read_text())]
    said = json.loads((folder / "engage-message-list-0.json").read_text())
    users, messages = (load_mapping(MAPPINGS / f"{stream}.yaml") for stream in ("users", "messages"))
    assert all(validate("person", users.into(conversations.person(one)).claim) for one in people)
    assert all(
        validate("message", messages.into(conversations.message(one | {"community": "c"})).claim) for one in said
    )
