"""Files of messages: what a tool does not take stays at its source, and nobody loses the message for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from landbridge.connector.files import carried
from landbridge.connector.items import Native
from landbridge.errors import FileError, NotFound, RecordError, TransientError
from landbridge.store import deliveries
from landbridge.store.hub import Hub
from landbridge.sync import load_company, run_flow
from landbridge.sync.reports import Report
from landbridge.testing.memory import Memory
from tests.sync.conftest import HOME, World, make_world
from tests.sync.test_reactions import PEOPLE, TALK, only

URL = "  url: {native: url, direction: in}\n"
FILES = (URL, f"{URL}  attachments: files\n  edited_at: {{native: edited, direction: in}}\n")
PLAN = {"name": "plan_2.pdf", "media_type": "application/pdf", "size": 3, "url": "plan"}
FILM = {"name": "film.mp4", "media_type": "video/mp4", "size": 31 * 2**20, "url": "film"}
WHEN = "2026-03-02T09:00:00Z"
LEFT_OUT = "Not sent along: film.mp4 (31 MB, it is too large, at most 1 MB are taken here). [See the original](<https://left/1>)"


class Carrying(Memory):
    """A chat that keeps the bytes of files, at most 1 MB of each, and of some types none."""

    kept: dict[str, bytes]

    def open(self, locator: str) -> Iterator[bytes]:
        if locator not in self.kept:
            raise NotFound("The file is not there (any more).")
        return iter([self.kept[locator]])

    def create(self, stream: str, native: Native, marker: str) -> Native:
        return super().create(stream, native | self._taken(native), marker)

    def update(self, stream: str, key: str, changes: Native) -> Native:
        return super().update(stream, key, changes | self._taken(changes))

    def _taken(self, native: Native) -> Native:
        return {"files": [self._take(one) for one in native["files"]]} if "files" in native else {}

    def _take(self, file: Native) -> Native:
        with carried(self.open_file, file, 2**20) as (found, _):
            if str(file["name"]).endswith(".exe"):
                raise RecordError("POST upload: 415 Unsupported Media Type.")
            url = f"{self.name}-{len(self.kept)}"
            self.kept[url] = found.read()
        return file | {"url": url}


def carrying(
    home: Path, hub: Hub, app: str = "chat_app", *, right: type[Carrying] = Carrying, to: str = "right/messages: {}"
) -> World:
    """Two chats that are one conversation; a `plain_app` takes no files. `to`: how the flow writes to the second."""
    systems = f"systems:\n  left: {{connector: chat_app}}\n  right: {{connector: {app}}}\n"
    flow = TALK.replace("right/messages: {}}", f"{to}}}")
    for name, text in (("systems", systems), ("flows/people", PEOPLE), ("flows/talk", flow)):
        file = home / "config" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name in ("chat_app", "plain_app"):
        shutil.copytree(HOME / "mappings" / "chat_app", home / "mappings" / name)
        for mapping in (home / "mappings" / name).iterdir():
            text = mapping.read_text().replace("system: chat_app", f"system: {name}")
            mapping.write_text(text.replace(*FILES) if name == "chat_app" else text)
    world = make_world(load_company(home), hub)
    for name in world.systems:
        system = world.systems[name] = world.bridge._connectors[name] = (right if name == "right" else Carrying)(name)
        system.kept, system.open_file = {"plan": b"pdf", "film": b"f" * 2**21, "tool": b"MZ"}, world.bridge.open_file
        system.put("rooms", id="help", name="Help", alias="help", visibility="public")
        for login in ("anna", "bert"):
            system.put("people", id=login, login=login, mail=f"{login}@example.org", active=True)
    run(world)
    return world


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    return carrying(tmp_path, hub)


def say(world: World, *files: Native, **more: Any) -> str:
    native = {
        "room": "help",
        "author": "anna",
        "text": "See",
        "at": WHEN,
        "url": "https://left/1",
        "files": list(files),
    }
    return world.left.put("messages", **(native | more))


def run(world: World) -> Report:
    run_flow(world.bridge, "people")
    return run_flow(world.bridge, "talk")


def calls(world: World) -> int:
    run(world)
    before = len(world.left.calls) + len(world.right.calls)
    run(world)
    return len(world.left.calls) + len(world.right.calls) - before


def names(world: World, system: str = "right") -> list[str]:
    return [one["name"] for one in only(world, system)["files"]]


def test_a_file_that_is_too_large_stays_and_the_message_says_so(talk: World) -> None:
    say(talk, PLAN, FILM)
    report = run(talk)
    assert names(talk) == ["plan_2.pdf"]
    assert only(talk, "right")["text"] == f"See\n\n{LEFT_OUT}"
    assert report.counts["files_left"] == 1
    assert "1 file left at the source: it is too large, at most 1 MB are taken here." in report.warnings
    with talk.bridge.hub.read() as conn:
        assert not deliveries.ops(conn, "talk", ("set_aside", "uncertain", "planned"))
    assert calls(talk) == 0


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ({"name": "tool.exe", "media_type": None, "size": 2, "url": "tool"}, "it is not taken here"),
        ({"name": "gone.txt", "media_type": "text/plain", "url": "gone"}, "it could not be fetched"),
        (PLAN | {"sha256": "0" * 64}, "it could not be fetched"),
        (PLAN | {"size": 1, "url": "film"}, "it is too large, at most 1 MB are taken here"),
    ],
)
def test_whatever_is_wrong_with_a_file_the_message_goes(talk: World, file: Native, why: str) -> None:
    """Refused by its type, gone meanwhile, another one, or larger than was said."""
    say(talk, file, text="")
    report = run(talk)
    assert names(talk) == []
    assert only(talk, "right")["text"].startswith("Not sent along: ")
    assert why in only(talk, "right")["text"]
    assert report.counts["files_left"] == 1
    assert any(why in warning for warning in report.warnings)
    assert calls(talk) == 0


def test_where_no_files_are_taken_the_message_says_where_they_are(tmp_path: Path, hub: Hub) -> None:
    talk = carrying(tmp_path, hub, "plain_app")
    say(talk, PLAN, FILM)
    report = run(talk)
    named = "plan\\_2.pdf (3 bytes, no files are taken here), film.mp4 (31 MB, no files are taken here)"
    assert only(talk, "right")["text"] == f"See\n\nNot sent along: {named}. [See the original](<https://left/1>)"
    assert report.counts["files_left"] == 2
    assert "2 files left at the source: no files are taken here." in report.warnings
    assert calls(talk) == 0


def test_what_is_refused_twice_is_set_aside_and_nothing_is_sent_for_ever(talk: World) -> None:
    def refuse(op: str, stream: str, native: Native) -> None:
        raise FileError("it is not taken here", PLAN | {"url": "left:plan"})

    talk.right.before = refuse
    say(talk, PLAN)
    report = run(talk)
    assert len(talk.right.calls) == 2
    assert report.counts["set_aside"] == 1


def test_a_file_that_was_left_stays_out_when_the_text_changes(talk: World) -> None:
    key = say(talk, PLAN, FILM)
    run(talk)
    talk.left.put("messages", id=key, text="Look")
    run(talk)
    assert only(talk, "right")["text"] == f"Look\n\n{LEFT_OUT}"
    assert names(talk) == ["plan_2.pdf"]
    assert calls(talk) == 0


def test_what_we_say_of_a_file_is_nobodys_word_elsewhere(talk: World) -> None:
    say(talk, FILM)
    run(talk)
    there = only(talk, "right")
    talk.right.put("messages", id=there["id"], text=there["text"].replace("See\n", "Seen\n"))
    run(talk)
    assert only(talk, "left")["text"] == "Seen"
    assert only(talk, "right")["text"] == f"Seen\n\n{LEFT_OUT}"
    assert calls(talk) == 0


def test_files_that_come_change_and_go_follow(talk: World) -> None:
    key = say(talk, PLAN)
    run(talk)
    more = PLAN | {"name": "b.pdf"}
    talk.left.kept["plan"] = b"pdf2"
    talk.left.put("messages", id=key, files=[PLAN | {"size": 4}, more])
    run(talk)
    assert names(talk) == ["plan_2.pdf", "b.pdf"]
    assert talk.right.kept[only(talk, "right")["files"][0]["url"]] == b"pdf2"
    talk.left.put("messages", id=key, files=[FILM, more])
    run(talk)
    assert names(talk) == ["b.pdf"]
    assert only(talk, "right")["text"] == f"See\n\n{LEFT_OUT}"
    talk.left.put("messages", id=key, files=[])
    run(talk)
    assert names(talk) == []
    assert only(talk, "right")["text"] == "See"
    assert calls(talk) == 0


def test_another_version_of_a_file_that_was_left_is_tried_again(talk: World) -> None:
    key = say(talk, FILM)
    run(talk)
    talk.left.kept["film"] = b"short"
    talk.left.put("messages", id=key, files=[FILM | {"size": 5}])
    run(talk)
    assert names(talk) == ["film.mp4"]
    assert only(talk, "right")["text"] == "See"


def test_a_reply_stays_behind_a_message_whose_file_was_left(talk: World) -> None:
    key = say(talk, FILM)
    talk.left.put("messages", room="help", author="bert", text="Thanks", at="2026-03-02T09:01:00Z", thread=key)
    run(talk)
    assert [one["text"].partition("\n")[0] for one in talk.right.all("messages")] == ["See", "Thanks"]


def test_a_file_that_is_left_after_a_lost_answer_makes_no_second_message(talk: World) -> None:
    """The first try made the message, the second finds it and is refused a file that it still lacks."""
    lost = iter((TransientError("The line broke.", uncertain=True),))

    def lose(op: str, stream: str, native: Any) -> None:
        if found := next(lost, None):
            raise found

    talk.right.after = lose
    key = say(talk, PLAN)
    run_flow(talk.bridge, "talk")
    assert len(talk.right.all("messages")) == 1
    talk.left.put("messages", id=key, files=[PLAN, FILM])
    run(talk)
    run(talk)
    assert only(talk, "right")["text"] == f"See\n\n{LEFT_OUT}"
    assert names(talk) == ["plan_2.pdf"]
    assert calls(talk) == 0
