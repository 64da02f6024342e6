"""News, cases and knowledge: what is said in one tool reaches the other, and comes back to nobody as news."""

from __future__ import annotations

from landbridge.errors import TransientError
from landbridge.store import agenda, decisions, deliveries, records
from landbridge.sync import merge, read
from tests.sync.conftest import World, account, room_of, said


def test_a_post_is_announced_in_the_room_of_its_category(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    assert said(world, room) == [("anna", "**New \\*printer\\***\n\nIt prints.\n\n[New \\*printer\\*](http://cms/1)")]
    world.quiet()


def test_replies_and_comments_meet(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    world.chat.put("messages", room=room, thread=root, author="@bert", text="At last! 🖨️", at="2026-01-02T10:00:00Z")
    world.intranet.put(
        "comments", post=post, author=account(world, "intranet", "cleo"), text="Where?", at="2026-01-02T10:01:00Z"
    )
    world.run()
    comments = {one["text"]: one for one in world.intranet.all("comments")}
    assert comments["At last! 🖨️"]["author"] == account(world, "intranet", "bert")
    assert comments["At last! 🖨️"]["post"] == post
    assert ("cleo", "Where?") in said(world, room)
    assert {one["thread"] for one in world.chat.all("messages") if one["text"] == "Where?"} == {root}
    world.quiet()


def test_an_edit_and_a_delete_follow(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    reply = world.chat.put(
        "messages", room=room, thread=root, author="@bert", text="Odl news", at="2026-01-02T10:00:00Z"
    )
    world.run()
    world.chat.put("messages", id=reply, text="Old news")
    world.intranet.put("posts", id=post, body="It prints in colour.")
    world.run()
    assert [one["text"] for one in world.intranet.all("comments")] == ["Old news"]
    assert "in colour" in said(world, room)[0][1]
    world.chat.drop("messages", reply)
    world.run()
    assert world.intranet.all("comments") == []
    world.quiet()


def test_a_comment_edited_at_the_copy_reaches_the_original(world: World, post: str) -> None:
    room, root = room_of(world, "news-it"), world.chat.all("messages")[0]["id"]
    reply = world.chat.put("messages", room=room, thread=root, author="@bert", text="Nice", at="2026-01-02T10:00:00Z")
    world.run()
    world.intranet.put("comments", id=world.intranet.all("comments")[0]["id"], text="Nice!")
    world.run()
    assert next(one["text"] for one in world.chat.all("messages") if one["id"] == reply) == "Nice!"
    world.quiet()


def test_a_reply_that_moves_is_shown_there_although_its_first_post_was_deleted(world: World, post: str) -> None:
    """Its copy went with the post: nobody wanted to be rid of the reply."""
    world.intranet.put("posts", title="Other", body="b", state="published", category="it", at="2026-01-02T09:00:00Z")
    world.run()
    first, other = (one["id"] for one in world.chat.all("messages"))
    reply = world.chat.put(
        "messages", room=room_of(world, "news-it"), thread=first, author="@bert", text="Nice", at="2026-01-02T10:00:00Z"
    )
    world.run()
    world.intranet.drop("comments", world.intranet.all("comments")[0]["id"])
    world.intranet.drop("posts", post)
    world.run()
    world.chat.put("messages", id=reply, thread=other)
    world.run()
    assert [one["text"] for one in world.intranet.all("comments")] == ["Nice"]
    world.quiet()


def test_unpublishing_retracts_and_publishing_again_announces(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.intranet.put("posts", id=post, state="draft")
    world.run()
    assert said(world, room) == []
    world.intranet.put("posts", id=post, state="published")
    world.run()
    assert len(said(world, room)) == 1
    world.quiet()


def test_a_draft_is_not_shown(world: World) -> None:
    world.run("people")
    world.intranet.put("posts", title="Secret", body="…", state="draft", category="it")
    world.run()
    assert world.chat.all("messages") == []


def test_an_announcement_removed_by_a_person_stays_removed(world: World, post: str) -> None:
    world.chat.drop("messages", world.chat.all("messages")[0]["id"])
    world.run()
    world.intranet.put("posts", id=post, body="Really.")
    world.run()
    assert world.chat.all("messages") == []
    world.quiet()


def test_a_case_has_a_room_with_owner_and_team(world: World, case: str) -> None:
    room = room_of(world, "case-7")
    members = {one["user"] for one in world.chat.all("memberships") if one["room"] == room}
    assert members == {account(world, "chat", "anna"), account(world, "chat", "cleo")}
    assert next(one["visibility"] for one in world.chat.all("rooms") if one["id"] == room) == "members"
    world.quiet()


def test_status_is_announced_and_pinned_words_become_notes(world: World, case: str) -> None:
    room = room_of(world, "case-7")
    world.crm.put("cases", id=case, status="won")
    anna = account(world, "chat", "anna")
    message = world.chat.put("messages", room=room, author=anna, text="They sign on Monday", at="2026-01-02T10:00:00Z")
    world.chat.put("messages", room=room, author=anna, text="Lunch?", at="2026-01-02T10:01:00Z")
    world.run()
    assert ("", "Status: **won**") in said(world, room)
    assert world.crm.all("notes") == []
    world.chat.put("messages", id=message, reactions={"📌": [anna]})
    world.crm.put(
        "notes", case=case, author=world.crm.all("people")[0]["id"], text="Called them", at="2026-01-02T11:00:00Z"
    )
    world.run()
    assert {one["text"] for one in world.crm.all("notes")} == {"Called them", "**Anna Müller:** They sign on Monday"}
    assert ("anna", "Called them") in said(world, room)
    world.quiet()


def test_who_joins_the_team_joins_its_rooms(world: World, case: str) -> None:
    world.hr.put("people", id="2", dept=next(one["id"] for one in world.hr.all("groups") if one["code"] == "sales"))
    world.run()
    room = room_of(world, "case-7")
    assert "@bert" in {one["user"] for one in world.chat.all("memberships") if one["room"] == room}
    world.quiet()


def test_a_marked_answer_becomes_a_page(world: World, thread: tuple[str, str]) -> None:
    world.chat.put("messages", id=thread[1], reactions={"✅": ["@bert"]})
    world.run()
    (page,) = world.wiki.all("pages")
    assert page["path"] == "Answers/How do I print?"
    for part in (
        "How do I print?",
        "Press **Ctrl-P**.",
        "Anna Müller",
        "Bert O'Brien",
        "2026-01-02 10:05",
        "http://chat/q",
    ):
        assert part in page["body"]
    world.quiet()


def test_later_replies_update_the_page_until_a_person_edits_it(world: World, thread: tuple[str, str]) -> None:
    world.chat.put("messages", id=thread[1], reactions={"✅": ["@bert"]})
    world.run()
    world.chat.put(
        "messages", room="!help", thread=thread[0], author="@bert", text="Or the menu.", at="2026-01-02T10:06:00Z"
    )
    world.run()
    (page,) = world.wiki.all("pages")
    assert "Or the menu." in page["body"]
    world.wiki.put("pages", id=page["id"], body="I know better.")
    world.run()
    world.chat.put(
        "messages", room="!help", thread=thread[0], author="@bert", text="Or the button.", at="2026-01-02T10:07:00Z"
    )
    world.run()
    assert world.wiki.all("pages")[0]["body"] == "I know better."
    with world.bridge.hub.begin() as conn:
        (asked,) = decisions.open_decisions(conn)
        assert asked.kind == "edited"
        decisions.decide(conn, asked.id, "overwrite", "vera")
    world.run()
    assert "Or the button." in world.wiki.all("pages")[0]["body"]
    world.quiet()


def test_the_page_outlives_its_author(world: World, thread: tuple[str, str]) -> None:
    world.chat.put("messages", id=thread[1], reactions={"✅": ["@bert"]})
    world.run()
    world.hr.put("people", id="2", active=False)
    world.run()
    assert "Bert O'Brien" in world.wiki.all("pages")[0]["body"]
    world.quiet()


def test_a_closed_room_is_not_archived_for_everyone(world: World, case: str) -> None:
    world.run("people")
    """Here one that Landbridge has opened, which is read without a policy."""
    world.run()
    room = next(one["id"] for one in world.chat.all("rooms") if one["alias"] == "case-7")
    question = world.chat.put("messages", room=room, author="@bert", text="Who votes?", at="2026-01-02T10:00:00Z")
    answer = {"author": "@bert", "text": "We.", "reactions": {"✅": ["@bert"]}, "at": "2026-01-02T10:01:00Z"}
    world.chat.put("messages", room=room, thread=question, **answer)
    report = world.run()["knowledge"]
    assert world.wiki.all("pages") == []
    assert report.counts["blocked"] == 1


def replies_in_chat(world: World) -> dict[str, str | None]:
    """Text → thread of all messages in chat."""
    return {one["text"]: one.get("thread") for one in world.chat.all("messages")}


def test_comments_go_and_come_back_with_their_post(world: World, post: str) -> None:
    root = world.chat.all("messages")[0]["id"]
    said_here = world.chat.put(
        "messages", room=room_of(world, "news-it"), thread=root, author="@bert", text="here", at="2026-01-02T10:00:00Z"
    )
    author = account(world, "intranet", "anna")
    for minute in range(12):
        at = f"2026-01-02T11:{minute:02}:00Z"
        world.intranet.put("comments", post=post, author=author, text=f"there {minute}", at=at)
    world.run()
    assert len(world.chat.all("messages")) == 14
    world.intranet.put("posts", id=post, state="draft")
    world.run()
    assert [one["id"] for one in world.chat.all("messages")] == [said_here]
    with world.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []  # one post was taken back, not thirteen messages
    world.intranet.put("posts", id=post, state="published")
    world.run()
    world.run()
    again = [one for one in world.chat.all("messages") if "New" in one["text"]]
    assert len(again) == 1
    assert [text for text, thread in replies_in_chat(world).items() if thread == again[0]["id"]] == [
        f"there {minute}" for minute in range(12)
    ]
    world.quiet()


def test_an_announcement_moves_with_its_category_and_its_comments_with_it(world: World, post: str) -> None:
    author = account(world, "intranet", "anna")
    world.intranet.put("comments", post=post, author=author, text="hm", at="2026-01-02T11:00:00Z")
    world.run()
    world.intranet.put("posts", id=post, category="sales")
    for _ in range(
        3
    ):  # the room; out of the old one and into it, which takes a guarded delete; then what was said there
        world.run("news")
    (root,) = [one for one in world.chat.all("messages") if "New" in one["text"]]
    assert root["room"] == room_of(world, "news-sales")
    assert said(world, room_of(world, "news-it")) == []
    assert replies_in_chat(world)["hm"] == root["id"]
    world.quiet()


def test_a_comment_moves_to_another_post(world: World, post: str) -> None:
    author = account(world, "intranet", "anna")
    other = world.intranet.put("posts", title="Other", body="b", author=author, state="published", category="sales")
    comment = world.intranet.put("comments", post=post, author=author, text="hm", at="2026-01-02T11:00:00Z")
    world.run()
    world.intranet.put("comments", id=comment, post=other)
    world.run()
    world.run()
    roots = {one["id"]: one for one in world.chat.all("messages") if one["text"] != "hm"}
    (copy,) = [one for one in world.chat.all("messages") if one["text"] == "hm"]
    assert "Other" in roots[copy["thread"]]["text"]
    assert copy["room"] == room_of(world, "news-sales")
    world.quiet()


def test_what_is_shown_again_has_another_marker(world: World, post: str) -> None:
    """A search may still find what was deleted: with the old marker it would be taken for the new one."""
    first = world.chat.all("messages")[0]
    with world.bridge.hub.begin() as conn:
        shown, row = deliveries.by_marker(conn, first["marker"]), records.get(conn, "chat", "messages", first["id"])
        assert shown is not None
        assert row is not None
        records.take_back(conn, row.id)  # as after a retraction: wanted again, at the same version
        agenda.add(conn, "news", [shown.entity])
    del world.chat.state["messages"][first["id"]]
    world.run("news")
    (second,) = world.chat.all("messages")
    assert second["text"] == first["text"]
    assert second["marker"] != first["marker"]


def _lose_the_answer(op: str, stream: str, key: str) -> None:
    if (op, stream) == ("delete", "messages"):
        raise TransientError("The answer was lost.", uncertain=True)


def test_what_we_took_back_ourselves_is_shown_again_though_the_answer_was_lost(world: World, post: str) -> None:
    """Seen to be gone before its deletion is known to have succeeded, nobody else has removed it."""
    world.chat.after = _lose_the_answer
    world.intranet.put("posts", id=post, state="archived")
    world.run("news")
    assert world.chat.all("messages") == []
    world.chat.after = lambda *call: None
    world.run("news")
    world.intranet.put("posts", id=post, state="published")
    world.run("news")
    assert len(world.chat.all("messages")) == 1
    world.quiet()


def test_a_reply_that_moved_is_shown_in_its_new_place_though_the_answer_was_lost(world: World, post: str) -> None:
    other = world.intranet.put("posts", title="Other", body="b", state="published", category="it")
    world.run("news")
    root, second = (one["id"] for one in world.chat.all("messages"))
    comment = world.intranet.put("comments", post=post, guest="Eve", text="Where?", at="2026-01-02T10:00:00Z")
    world.run("news")
    world.chat.after = _lose_the_answer
    world.intranet.put("comments", id=comment, post=other)
    world.run("news")
    world.chat.after = lambda *call: None
    world.run("news")
    threads = [one.get("thread") for one in world.chat.all("messages") if "Where?" in one["text"]]
    assert threads == [second]
    assert root != second
    world.quiet()


def test_where_a_message_stands_is_told_by_itself_not_by_its_copy(world: World, post: str) -> None:
    """Also while the post that it was moved to is not known here yet: then it is moved, and nobody is asked."""
    author = account(world, "intranet", "anna")
    comment = world.intranet.put("comments", post=post, author=author, text="hm", at="2026-01-02T11:00:00Z")
    world.run()
    other = world.intranet.put("posts", title="Other", body="b", author=author, state="published", category="sales")
    world.intranet.put("comments", id=comment, post=other)
    read(world.bridge, "intranet", "comments")
    merge(world.bridge, "news")
    world.run()
    world.run()
    with world.bridge.hub.read() as conn:
        assert decisions.open_decisions(conn) == []
    (copy,) = [one for one in world.chat.all("messages") if one["text"] == "hm"]
    assert copy["room"] == room_of(world, "news-sales")
    world.quiet()


def test_what_the_flow_leaves_out_makes_no_room(world: World, post: str) -> None:
    author = account(world, "intranet", "anna")
    draft = world.intranet.put("posts", title="Plan", body="b", author=author, state="draft", category="legal")
    world.run()
    assert "news-legal" not in {one["alias"] for one in world.chat.all("rooms")}
    world.intranet.put("posts", id=draft, state="published")
    world.run()
    assert "Plan" in said(world, room_of(world, "news-legal"))[0][1]
    world.quiet()
