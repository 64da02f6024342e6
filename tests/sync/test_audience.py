"""Audiences that change after something was shown."""

from __future__ import annotations

from landbridge.store import entities, records, tables
from tests.sync.conftest import World, account, room_of, said


def test_nothing_new_goes_into_a_case_room_that_was_opened(world: World, case: str) -> None:
    room = room_of(world, "case-7")
    world.chat.put("rooms", id=room, visibility="public")
    world.crm.put("notes", case=case, author=world.crm.all("people")[0]["id"], text="secret", at="2026-01-02T11:00:00Z")
    assert world.run("cases")["cases"].counts["blocked"] == 1
    world.chat.put("rooms", id=room, visibility="members")
    world.run("cases")
    assert any("secret" in t for _, t in said(world, room))


def test_what_was_meant_for_fewer_is_taken_back(world: World, post: str) -> None:
    world.intranet.put("comments", post=post, guest="Eve", text="hm", at="2026-01-02T10:00:00Z")
    world.run()
    assert len(world.chat.all("messages")) == 2
    world.intranet.put("posts", id=post, audience={"scope": "nobody"})
    world.run()
    assert world.chat.all("messages") == []
    world.quiet()
    world.intranet.put("posts", id=post, audience=None)
    world.run()
    world.quiet()
    assert len(world.chat.all("messages")) == 2


def test_a_copy_that_somebody_edited_there_is_taken_back_with_its_post(world: World, post: str) -> None:
    """What was said about a post was not said in the room where it is shown, whoever changed its words there."""
    author = account(world, "intranet", "anna")
    world.intranet.put("comments", post=post, author=author, text="hm", at="2026-01-02T10:00:00Z")
    world.run()
    (copy,) = [one for one in world.chat.all("messages") if one["text"] == "hm"]
    world.chat.put("messages", id=copy["id"], text="hmm")
    world.run()
    (comment,) = world.intranet.all("comments")
    assert comment["text"] == "hmm"
    with world.bridge.hub.read() as conn:
        entity = records.get(conn, "intranet", "comments", comment["id"]).entity
        assert "space" not in entities.get(conn, entity).data
    world.intranet.put("posts", id=post, audience={"scope": "nobody"})
    world.run()
    assert world.chat.all("messages") == []
    world.intranet.put("comments", id=comment["id"], text="secret")
    world.run()
    assert world.chat.all("messages") == []
    world.quiet()


def test_what_belongs_to_a_post_is_for_its_readers_whatever_room_an_older_hub_took_for_its_own(
    world: World, post: str
) -> None:
    world.intranet.put("comments", post=post, guest="Eve", text="hm", at="2026-01-02T10:00:00Z")
    world.run()
    (copy,) = [one["id"] for one in world.chat.all("messages") if "hm" in one["text"]]
    with world.bridge.hub.begin() as conn:
        found = entities.get(conn, records.get(conn, "chat", "messages", copy).entity)
        room = records.get(conn, "chat", "rooms", room_of(world, "news-it")).entity
        data, origin = found.data | {"space": room}, found.origin | {"space": "chat/messages"}
        conn.execute(tables.entity.update().where(tables.entity.c.id == found.id).values(data=data, origin=origin))
    world.intranet.put("posts", id=post, audience={"scope": "nobody"})
    world.run()
    assert world.chat.all("messages") == []


def test_a_page_is_taken_back_when_its_room_closes(world: World, thread: tuple[str, str]) -> None:
    world.chat.put("messages", id=thread[1], reactions={"✅": ["@bert"]})
    world.run()
    assert world.wiki.all("pages")
    world.chat.put("rooms", id="!help", visibility="members")
    world.run()
    assert world.wiki.all("pages") == []
    world.quiet()


def test_a_comment_is_taken_back_when_the_room_of_the_reply_closes(world: World, post: str) -> None:
    """Also where we made the room ourselves; and it is there again once the room opens."""
    room, (announcement,) = room_of(world, "news-it"), world.chat.all("messages")
    author, at = account(world, "chat", "anna"), "2026-01-02T10:00:00Z"
    world.chat.put("messages", room=room, thread=announcement["id"], author=author, text="Thanks", at=at)
    shown = []
    for visibility in ("public", "members", "public", "members"):
        world.chat.put("rooms", id=room, visibility=visibility)
        world.run()
        shown.append([one["text"] for one in world.intranet.all("comments")])
        world.quiet()
    assert shown == [["Thanks"], [], ["Thanks"], []]


def test_nothing_new_goes_where_guests_have_joined(world: World, post: str) -> None:
    room = room_of(world, "news-it")
    world.chat.put("rooms", id=room, guests=True)
    world.intranet.put("posts", title="B", body="b", state="published", category="it")
    world.run()
    assert len(world.chat.all("messages")) == 1
    world.quiet()


def test_guests_see_no_edit_of_an_answer_whose_post_was_removed_there(world: World, post: str) -> None:
    """Nothing places the answer any more; it stands where it stood."""
    room, author = room_of(world, "news-it"), account(world, "intranet", "anna")
    comment = world.intranet.put("comments", post=post, author=author, text="hm", at="2026-01-02T10:00:00Z")
    world.run()
    (announcement,) = [one["id"] for one in world.chat.all("messages") if one["text"] != "hm"]
    world.chat.drop("messages", announcement)
    world.chat.put("rooms", id=room, guests=True)
    world.run()
    world.intranet.put("comments", id=comment, text="secret")
    world.run()
    assert [text for _, text in said(world, room)] == ["hm"]
    world.chat.put("rooms", id=room, guests=False)
    world.run()
    assert [text for _, text in said(world, room)] == ["secret"]
    world.quiet()


def test_notes_are_not_shown_to_the_guests_of_a_case_room(world: World, case: str) -> None:
    room = room_of(world, "case-7")
    world.chat.put("rooms", id=room, guests=True)
    world.crm.put("notes", case=case, author=world.crm.all("people")[0]["id"], text="secret", at="2026-01-02T11:00:00Z")
    world.run()
    world.run()
    assert said(world, room) == []
