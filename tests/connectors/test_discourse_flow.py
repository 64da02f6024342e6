"""A forum, a chat and a wiki: a question is talked about in both, and the answer that is accepted becomes a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.discourse.connector import Discourse
from landbridge.connector import Connection
from landbridge.store.hub import Hub
from landbridge.sync import Bridge, load_company, read, run_flow
from landbridge.testing.memory import Memory
from sandbox.emulators.base import serving
from sandbox.emulators.discourse import Discourse as Forum

ROOT = Path(__file__).parents[2]
KEY = "s3cr3t-key"
QUESTION = "How do I book a car?"
FILES = {
    "config/systems.yaml": """\
systems:
  hr: {connector: hr_app}
  forum: {connector: discourse, audience: company}
  chat: {connector: chat_app}
  wiki: {connector: wiki_app, audience: company}
""",
    "config/flows/people.yaml": """\
flow: people
purpose: Everyone who works here is known.
kind: person
from: {hr/people: {}, forum/users: {}}
match: [emails]
to: {chat/people: {}}
""",
    "config/flows/questions.yaml": """\
flow: questions
purpose: A question in the forum reaches those who are in the chat, and their answers reach the forum.
kind: document
from: {forum/topics: {}}
as: announcement
to: {chat/messages: {space: questions}}
replies: both
""",
    "config/flows/knowledge.yaml": """\
flow: knowledge
purpose: An answer that was accepted is found for years.
kind: document
from: {forum/topics: {only: 'thread_marked("✅")'}}
as: article
to: {wiki/pages: {path: "Answers/{title}"}}
""",
}


class World:
    """Ada asks in the forum; Bo is in the forum and in the chat."""

    def __init__(self, home: Path, hub: Hub, forum: Forum, url: str) -> None:
        for name, text in FILES.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        for app in ("hr_app", "chat_app", "wiki_app"):
            shutil.copytree(ROOT / "tests" / "sync" / "company" / "mappings" / app, home / "mappings" / app)
        shutil.copytree(ROOT / "mappings" / "discourse", home / "mappings" / "discourse")
        self.bridge, self.emulator = Bridge(load_company(home), hub), forum
        self.hr, self.chat, self.wiki = Memory("hr"), Memory("chat"), Memory("wiki")
        self.forum = Discourse(Discourse.Config.of(Connection("forum", "x", url, "landbridge", KEY)))
        for name, system in {"hr": self.hr, "chat": self.chat, "wiki": self.wiki, "forum": self.forum}.items():
            system.open_file, self.bridge._connectors[name] = self.bridge.open_file, system
        for number, (login, family) in enumerate((("ada", "Łoś"), ("bo", "Berg"))):
            mail, given = f"{login}@example.org", login.title()
            self.hr.put("people", number=str(number), login=login, mail=mail, given=given, family=family, active=True)
            forum.add_user(login, mail, f"{given} {family}")

    def run(self, *, full: bool = False) -> None:
        for stream in ("topics", "posts") if full else ():
            read(self.bridge, "forum", stream, full=True)
        for flow in ("people", "questions", "knowledge"):
            run_flow(self.bridge, flow)

    def said(self) -> list[tuple[str, str]]:
        """(author, text) of the whole chat."""
        people = {one["id"]: one["login"] for one in self.chat.all("people")}
        return [(people[one["author"]], str(one["text"])) for one in self.chat.all("messages")]

    def writes(self) -> tuple[int, ...]:
        written = sum(one.method != "GET" for one in self.emulator.seen)
        return (written, *(len(system.calls) for system in (self.chat, self.wiki)))

    def account(self, login: str) -> str:
        return next(str(one["id"]) for one in self.chat.all("people") if one["login"] == login)


@pytest.fixture
def world(hub: Hub, tmp_path: Path) -> Iterator[World]:
    forum = Forum(token=KEY, per_minute=10_000)
    with serving(forum) as url:
        made = World(tmp_path, hub, forum, url)
        yield made
        made.bridge.close()


def ask(world: World, **about: object) -> tuple[int, str]:
    """A question in the forum, and what shows it in the chat."""
    topic = int(world.emulator.write("ada", "I **need** one.", title=QUESTION, **about)["topic_id"])
    world.run()
    return topic, next((str(one["id"]) for one in world.chat.all("messages")), "")


def test_what_is_accepted_in_the_forum_becomes_a_page(world: World) -> None:
    topic, root = ask(world)
    assert [author for author, _ in world.said()] == ["ada"]
    said = {"room": world.chat.all("rooms")[0]["id"], "thread": root, "author": world.account("bo")}
    world.chat.put("messages", **said, text="In the **portal**.", at="2026-03-02T07:20:00Z")
    world.emulator.write("ada", "Which portal?", topic=topic)
    world.run()
    assert ("ada", "Which portal?") in world.said()
    answer = next(one for one in world.emulator.posts.values() if one["username"] == "bo")
    assert answer["raw"].startswith("In the **portal**.")
    assert world.wiki.all("pages") == []
    world.emulator.accept(answer["id"])
    world.run()
    (page,) = world.wiki.all("pages")
    assert page["path"] == f"Answers/{QUESTION}"
    question, _, rest = page["body"].partition("## Answer")
    chosen, _, others = rest.partition("## Discussion")
    assert "I **need** one." in question
    assert "In the **portal**." in chosen
    assert "Bo Berg" in chosen
    assert "Which portal?" in others
    assert f"/t/how-do-i-book-a-car/{topic}" in others
    before = world.writes()
    world.run(full=True)
    assert world.writes() == before
    world.emulator.edit(answer["id"], "In the new portal.")
    world.emulator.write("ada", "Thank you.", topic=topic)
    world.run()
    (page,) = world.wiki.all("pages")
    assert "In the new portal." in page["body"]
    assert "Thank you." in page["body"]


def test_a_mark_in_the_chat_accepts_the_answer_in_the_forum_once(world: World) -> None:
    topic, root = ask(world)
    said = {"room": world.chat.all("rooms")[0]["id"], "thread": root, "author": world.account("bo")}
    first = world.chat.put("messages", **said, text="In the portal.", at="2026-03-02T07:20:00Z")
    second = world.chat.put("messages", **said, text="Or ask me.", at="2026-03-02T07:21:00Z")
    world.emulator.write("bo", "In the forum: by phone.", topic=topic)
    world.run()
    world.chat.put("messages", id=first, reactions={"✅": [world.account("ada")]})
    world.run()
    by_text = {one["raw"].partition("\n")[0]: id for id, one in world.emulator.posts.items()}
    assert world.emulator.solutions == {topic: by_text["In the portal."]}
    (page,) = world.wiki.all("pages")
    assert "In the portal." in page["body"].partition("## Answer")[2].partition("## Discussion")[0]
    # A second mark says it of both, and what is accepted stays.
    world.chat.put("messages", id=second, reactions={"✅": [world.account("ada")]})
    world.run()
    assert world.emulator.solutions == {topic: by_text["In the portal."]}
    before = world.writes()
    world.run(full=True)
    assert world.writes() == before
    # What the forum says later holds.
    world.emulator.accept(by_text["In the forum: by phone."])
    world.run(full=True)
    assert world.emulator.solutions == {topic: by_text["In the forum: by phone."]}


def test_a_mark_on_a_copy_accepts_what_was_said_in_the_forum(world: World) -> None:
    topic, _ = ask(world)
    answer = world.emulator.write("bo", "In the portal.", topic=topic)
    world.run()
    copy = next(str(one["id"]) for one in world.chat.all("messages") if one["text"] == "In the portal.")
    world.chat.put("messages", id=copy, reactions={"✅": [world.account("ada")]})
    world.run()
    assert world.emulator.solutions == {topic: answer["id"]}


def test_what_only_some_may_read_leaves_the_forum_nowhere(world: World) -> None:
    topic, root = ask(world, category=world.emulator.add_category("Board", restricted=True))
    answer = world.emulator.write("bo", "Hush.", topic=topic)
    world.emulator.accept(answer["id"])
    world.run()
    assert (root, world.chat.all("messages"), world.wiki.all("pages")) == ("", [], [])


def test_a_deleted_question_is_taken_back(world: World) -> None:
    topic, _ = ask(world)
    world.emulator.write("bo", "In the portal.", topic=topic)
    world.run()
    assert len(world.said()) == 2
    world.emulator.remove_topic(topic)
    world.run(full=True)
    world.run()
    assert world.chat.all("messages") == []
