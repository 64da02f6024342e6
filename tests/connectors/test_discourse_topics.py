"""Discourse: accepted answers, tags, files and groups, in the versions of today and of some years ago."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.discourse.connector import Discourse
from landbridge.connector import Checkpoint, Complete, Connection, Failure
from landbridge.errors import ExpiredCursor, NotFound, RecordError, TransientError
from sandbox.emulators.base import Reply, serving
from sandbox.emulators.discourse import Discourse as Forum
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

KEY = "s3cr3t-key"
QUESTION = "How do I book a car?"


@pytest.fixture(params=["of today", "old"])
def forum(request: pytest.FixtureRequest) -> Forum:
    made = Forum(token=KEY, per_minute=10_000)
    made.old = request.param == "old"
    for name in ("ada", "bo"):
        made.add_user(name, f"{name}@company.example", name.title())
    return made


@pytest.fixture
def discourse(forum: Forum) -> Iterator[Discourse]:
    with serving(forum) as url:
        connector = Discourse(Discourse.Config.of(Connection("forum", "x", url, "landbridge", KEY)))
        connector.open_file = lambda attachment: iter([str(attachment["url"]).encode()] * 3)
        yield connector
        connector.close()


@pytest.fixture
def question(forum: Forum) -> int:
    """A topic with four answers, posts 2 to 5."""
    topic = forum.write("ada", "How?", title=QUESTION)["topic_id"]
    for number in range(4):
        forum.write("bo", f"So {number}.", topic=topic)
    return int(topic)


def busy(forum: Forum) -> None:
    """So much is said elsewhere that the question is on no first page of posts any more."""
    other = forum.write("bo", "Lunch?", title="What is there for lunch?")["topic_id"]
    for number in range(60):
        forum.write("bo", f"Soup {number}.", topic=other)


def accepted(discourse: Discourse, cursor: Any = None) -> list[str]:
    return [key for key, native in natives_of(discourse, "posts", cursor).items() if native["accepted"]]


@pytest.mark.parametrize("many", [51, 101, 149])
def test_pages_end_where_the_posts_do_whether_or_not_one_begins_with_the_last(
    forum: Forum, discourse: Discourse, many: int
) -> None:
    topic = forum.write("ada", "How?", title=QUESTION)["topic_id"]
    for _ in range(many - 1):
        forum.write("bo", "So.", topic=topic)
    items = list(discourse.read("posts"))
    assert len({item.key for item in items if hasattr(item, "key")}) == many - 1
    assert [type(item) for item in items[-2:]] == [Checkpoint, Complete]


def test_an_answer_is_accepted_there_long_after_it_was_written(
    forum: Forum, discourse: Discourse, question: int
) -> None:
    busy(forum)
    cursor = cursor_of(discourse, "posts")
    assert accepted(discourse) == []
    forum.accept(3)
    assert accepted(discourse, cursor) == ["3"]
    cursor = cursor_of(discourse, "posts", cursor)
    before = len(forum.seen)
    assert accepted(discourse, cursor) == []
    assert len(forum.seen) == before + 3, "Nothing new costs three calls: solved topics, categories, the newest posts."
    forum.solutions.clear()
    found, gone, _ = read(discourse, "posts", cursor)
    assert (found["3"].native["accepted"], gone) == (False, [])


def test_an_accepted_answer_that_is_deleted_is_gone(forum: Forum, discourse: Discourse, question: int) -> None:
    busy(forum)
    forum.accept(3)
    cursor = cursor_of(discourse, "posts")
    forum.remove(3)
    forum.solutions.clear()
    assert gone_of(discourse, "posts", cursor) == ["3"]


def test_an_answer_is_accepted_and_no_longer(forum: Forum, discourse: Discourse, question: int) -> None:
    made = discourse.update_post("3", {"accepted": True}, "m1")
    assert made == natives_of(discourse, "posts")["3"]
    assert (made["accepted"], forum.solutions) == (True, {question: 3})
    assert discourse.update_post("3", {"accepted": False}, "m2")["accepted"] is False
    assert forum.solutions == {}
    answer = {"topic_id": question, "raw": "Like this.", "username": "bo", "accepted": True}
    assert discourse.create_post(answer, "m3")["accepted"] is True


def test_a_forum_that_accepts_no_answers_says_so(forum: Forum, discourse: Discourse, question: int) -> None:
    forum.solved = False
    assert accepted(discourse) == []
    with pytest.raises(RecordError, match="accepts no answers"):
        discourse.update_post("3", {"accepted": True}, "m1")


def test_what_an_uncertain_write_left_undone_is_done_when_it_is_found(
    forum: Forum, discourse: Discourse, question: int
) -> None:
    answer = {"topic_id": question, "raw": "Like this.", "username": "bo", "accepted": True}
    forum.lose("/posts.json")
    with pytest.raises(TransientError):
        discourse.create_post(answer, "m1")
    found = discourse.find("posts", answer, "m1")
    assert found
    assert found["accepted"] is True
    topic = {"title": "Who books the cars here?", "raw": "Who?", "username": "ada", "tags": ["cars"]}
    forum.lose("/posts.json")
    with pytest.raises(TransientError):
        discourse.create_topic(topic, "m2")
    found = discourse.find("topics", topic, "m2")
    assert found
    assert found["tags"] == ["cars"]


def test_tags_are_read_and_written(forum: Forum, discourse: Discourse) -> None:
    forum.topics[forum.write("bo", "Lunch?", title="What is there for lunch?")["topic_id"]]["tags"] = ["food"]
    told = {"title": QUESTION, "raw": "Who knows?", "username": "ada", "category_id": 1, "tags": ["cars", "travel"]}
    topic = discourse.create_topic(told, "m1")
    key = str(topic["id"])
    assert (topic["tags"], topic) == (["cars", "travel"], natives_of(discourse, "topics")[key])
    assert discourse.update_topic(key, {"tags": ["cars"]}, "m2")["tags"] == ["cars"]
    assert discourse.update_topic(key, {"tags": []}, "m3") == natives_of(discourse, "topics")[key]
    assert forum.topics[topic["id"]]["tags"] == []


def test_a_new_title_or_tag_of_what_was_said_long_ago_is_seen(
    forum: Forum, discourse: Discourse, question: int
) -> None:
    busy(forum)
    cursor = cursor_of(discourse, "topics")
    assert QUESTION not in str(cursor)
    forum.topics[question] |= {"title": "How do I get a car?", "tags": ["cars"]}
    found, _, cursor = read(discourse, "topics", cursor)
    native = found[str(question)].native
    assert (native["title"], native["tags"]) == ("How do I get a car?", ["cars"])
    assert str(question) not in natives_of(discourse, "topics", cursor)


def test_of_a_topic_that_no_list_names_nothing_is_said_about_tags(
    forum: Forum, discourse: Discourse, question: int
) -> None:
    forum._topic_listed = lambda topic: {"id": 0, "title": "", "category_id": 1, "tags": []}  # type: ignore[method-assign]
    assert "tags" not in natives_of(discourse, "topics")[str(question)]


def test_files_are_read_apart_from_the_text(forum: Forum, discourse: Discourse, question: int) -> None:
    picture, plan = forum.keep("ladder.png", b"a ladder"), forum.keep("plan.pdf", b"a plan")
    raw = f"Look:\n\n![ladder|690x388, 50%](upload://{picture})\n\n[plan.pdf|attachment](upload://{plan}) (6 Bytes)\n\nThere."
    key = str(forum.write("bo", raw, topic=question)["id"])
    native = natives_of(discourse, "posts")[key]
    assert native["raw"] == "Look:\n\nThere."
    assert native["attachments"] == [
        {"name": "ladder.png", "media_type": "image/png", "url": picture},
        {"name": "plan.pdf", "media_type": "application/pdf", "url": plan},
    ]
    assert b"".join(discourse.open(picture)) == b"a ladder"
    asked = forum.asked(f"/{picture}")
    assert [one.headers.get("Api-Key") for one in asked] == [KEY, KEY]


def test_files_are_written_and_stay_where_the_text_changes(forum: Forum, discourse: Discourse, question: int) -> None:
    files = [
        {"name": "my [new] plan.pdf", "media_type": "application/pdf", "url": "chat:plan"},
        {"name": "ladder.png", "media_type": "image/png", "url": "chat:ladder"},
    ]
    told = {"topic_id": question, "raw": "See.", "username": "bo", "attachments": files}
    made = discourse.create_post(told, "m1")
    assert made == natives_of(discourse, "posts")[str(made["id"])]
    assert [one["media_type"] for one in made["attachments"]] == ["application/pdf", "image/png"]
    assert [b"".join(discourse.open(one["url"])) for one in made["attachments"]] == [
        b"chat:plan" * 3,
        b"chat:ladder" * 3,
    ]
    assert {one.headers.get("Api-Username") for one in forum.asked("/uploads.json")} == {"bo"}
    changed = discourse.update_post(str(made["id"]), {"raw": "Look."}, "m2")
    assert (changed["raw"], changed["attachments"]) == ("Look.", made["attachments"])
    fewer = discourse.update_post(str(made["id"]), {"attachments": files[:1]}, "m3")
    assert (fewer["raw"], len(fewer["attachments"])) == ("Look.", 1)
    alone = discourse.create_post({"topic_id": question, "raw": "", "attachments": files[1:]}, "m4")
    assert (alone["raw"], alone["attachments"][0]["name"]) == ("", "ladder.png")


def test_a_file_that_the_forum_cut_short_is_refused(forum: Forum, discourse: Discourse, question: int) -> None:
    answer = forum.upload
    forum.upload = lambda request: Reply({**answer(request).body, "filesize": 4})  # type: ignore[method-assign]
    told = {"topic_id": question, "raw": "See.", "attachments": [{"name": "plan.pdf", "url": "chat:plan"}]}
    with pytest.raises(RecordError, match="4 of 27 bytes"):
        discourse.create_post(told, "m1")
    assert len(forum.posts) == 5


def test_a_file_that_changed_on_its_way_is_not_shown(forum: Forum, discourse: Discourse, question: int) -> None:
    file = {"name": "plan.pdf", "url": "chat:plan", "sha256": "0" * 64}
    with pytest.raises(RecordError, match="checksum"):
        discourse.create_post({"topic_id": question, "raw": "See.", "attachments": [file]}, "m1")
    assert forum.asked("/uploads.json") == []


def test_what_is_written_in_a_closed_category_stays_closed(forum: Forum, discourse: Discourse) -> None:
    category = forum.add_category("Board", restricted=True)
    topic = discourse.create_topic({"title": QUESTION, "raw": "Who knows?", "category_id": category}, "m1")
    post = discourse.create_post({"topic_id": topic["id"], "raw": "Hush."}, "m2")
    assert topic["audience"] == post["audience"] == {"scope": "nobody"}
    assert discourse.update_post(str(post["id"]), {"raw": "Hush now."}, "m3")["audience"] == {"scope": "nobody"}


def test_categories_that_are_closed_or_opened_are_read_anew(forum: Forum, discourse: Discourse, question: int) -> None:
    busy(forum)
    cursors = {stream: cursor_of(discourse, stream) for stream in ("topics", "posts")}
    forum.categories[1]["restricted"] = True
    for stream, cursor in cursors.items():
        with pytest.raises(ExpiredCursor, match="closed or opened"):
            list(discourse.read(stream, cursor))
        records, _, cursor = read(discourse, stream)
        assert {record.native["audience"]["scope"] for record in records.values()} == {"nobody"}
        assert read(discourse, stream, cursor)[2] == cursor


def test_whispers_among_the_staff_are_not_read(forum: Forum, discourse: Discourse, question: int) -> None:
    key = forum.write("landbridge", "He asks again.", topic=question, kind=4)["id"]
    assert key == 6
    assert set(natives_of(discourse, "posts")) == {"2", "3", "4", "5"}
    with pytest.raises(NotFound):
        discourse.update_post("6", {"raw": "She asks again."}, "m1")


def test_a_post_that_waits_for_a_moderator_is_told(forum: Forum, discourse: Discourse, question: int) -> None:
    forum.script("/posts.json", Reply({"action": "enqueued", "pending_post": {"id": 1}}))
    with pytest.raises(RecordError, match="moderator"):
        discourse.create_post({"topic_id": question, "raw": "May I?"}, "m1")


def test_groups_and_who_is_in_them(forum: Forum, discourse: Discourse) -> None:
    group = forum.add_group("drivers", "ada")
    for number in range(120):
        forum.add_user(f"u{number}", f"u{number}@company.example")
        forum.groups[group]["members"].append(f"u{number}")
    assert [native["full_name"] for native in natives_of(discourse, "groups").values()] == ["Drivers"]
    members = natives_of(discourse, "memberships")
    assert len(members) == 121
    made = discourse.writer("memberships", "create")({"group": group, "username": "bo"}, "m1")
    assert made == natives_of(discourse, "memberships")[discourse.memberships.key_of(made)]
    assert discourse.writer("memberships", "create")({"group": group, "username": "bo"}, "m2") == made
    assert discourse.find("memberships", made, "m1") == made
    for _ in range(2):
        discourse.writer("memberships", "delete")(discourse.memberships.key_of(made), "m3")
    assert "bo" not in forum.groups[group]["members"]
    assert discourse.find("memberships", made, "m1") is None
    with pytest.raises(RecordError):
        discourse.writer("memberships", "create")({"group": group, "username": "nobody"}, "m4")


def test_a_group_whose_members_nobody_may_see_stops_no_other(forum: Forum, discourse: Discourse) -> None:
    forum.add_group("secret", "ada")
    forum.add_group("drivers", "bo")
    forum.script("/secret/members.json", Reply({"errors": ["No."], "error_type": "invalid_access"}, 403))
    items = list(discourse.read("memberships"))
    assert [type(item) for item in items if isinstance(item, Failure)] == [Failure]
    assert "bo" in str(items)
