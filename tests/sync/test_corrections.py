"""Edits of what cannot be edited, such as mail: told in an answer where the flow says so, once, and not each comma."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from landbridge.connector.items import Native
from landbridge.errors import TransientError
from landbridge.store import records
from landbridge.store.hub import Hub
from landbridge.sync import run_flow
from landbridge.sync.reports import Report
from tests.sync.conftest import World
from tests.sync.test_files import PLAN, Carrying, carrying

WHEN, SOON, LATE = "2026-03-02T09:00:00Z", "2026-03-02T09:09:00Z", "2026-03-02T09:30:00Z"


class Mail(Carrying):
    """What was sent is sent."""

    @classmethod
    def can_write(cls, stream: str, op: str) -> bool:
        return op == "create"


def mailing(home: Path, hub: Hub, option: str) -> World:
    talk = carrying(home, hub, to=f"right/messages: {{{option}}}", right=Mail)
    talk.left.put("messages", id="q", room="help", author="anna", text="At nine.", at=WHEN, files=[])
    run(talk)
    return talk


@pytest.fixture
def talk(tmp_path: Path, hub: Hub) -> World:
    return mailing(tmp_path, hub, "corrections: 10 minutes")


def run(world: World) -> Report:
    return run_flow(world.bridge, "talk")


def edit(world: World, text: str, edited: str = LATE, **more: Any) -> Report:
    world.left.put("messages", id="q", text=text, edited=edited, **more)
    return run(world)


def sent(world: World) -> list[str]:
    return [one["text"] for one in world.right.all("messages")]


def test_nobody_is_told_unless_the_flow_says_so(tmp_path: Path, hub: Hub) -> None:
    talk = mailing(tmp_path, hub, "")
    assert edit(talk, "At ten.").counts["unsupported"] == 1
    assert sent(talk) == ["At nine."]


def test_a_late_edit_is_told_once_in_the_thread(talk: World) -> None:
    report = edit(talk, "At ten.")
    assert report.counts["updated"] == 1
    first, second = talk.right.all("messages")
    assert second["text"] == "*This was changed:*\n\nAt ten."
    assert (second["thread"], second["room"], second["author"]) == (first["id"], first["room"], first["author"])
    run(talk)
    assert len(sent(talk)) == 2
    edit(talk, "At eleven.")
    assert sent(talk)[2:] == ["*This was changed:*\n\nAt eleven."]
    assert talk.right.all("messages")[2]["thread"] == first["id"]


@pytest.mark.parametrize(("text", "edited"), [("At ten.", SOON), ("at nine!", LATE)])
def test_early_and_small_edits_are_not_told(talk: World, text: str, edited: str) -> None:
    assert edit(talk, text, edited).counts["unsupported"] == 1
    assert sent(talk) == ["At nine."]
    edit(talk, "At noon.")
    assert sent(talk)[1:] == ["*This was changed:*\n\nAt noon."]


def test_a_file_that_comes_later_is_sent_after(talk: World) -> None:
    edit(talk, "At nine.", files=[PLAN])
    [_, more] = talk.right.all("messages")
    assert more["text"] == "*Files were added:*\n\nAt nine."
    assert [one["name"] for one in more["files"]] == ["plan_2.pdf"]
    edit(talk, "At ten.", files=[])
    assert sent(talk)[2:] == ["*This was changed:*\n\nAt ten."]
    assert not talk.right.all("messages")[2].get("files")


def test_an_answer_in_a_thread_is_corrected_there(talk: World) -> None:
    talk.left.put("messages", id="a", room="help", author="bert", text="Fine.", at=WHEN, thread="q")
    run(talk)
    talk.left.put("messages", id="a", text="No.", edited=LATE)
    run(talk)
    root, answer, correction = talk.right.all("messages")
    assert (correction["thread"], correction["reply"]) == (root["id"], answer["id"])


def test_a_correction_that_is_read_is_nobodys_word(talk: World) -> None:
    edit(talk, "At ten.")
    said = talk.right.all("messages")[1]
    talk.right.put("messages", id=said["id"], text="Changed by a list's footer.")
    run(talk)
    assert [one["text"] for one in talk.left.all("messages")] == ["At ten."]
    with talk.bridge.hub.read() as conn:
        assert records.get(conn, "right", "messages", said["id"]).role == "correction"


def lose_once(talk: World, when: str) -> None:
    """The line breaks once, `before` or `after` a mail is sent."""
    lost: Iterator[TransientError] = iter((TransientError("The line broke.", uncertain=True),))

    def lose(op: str, stream: str, native: Native) -> None:
        if found := next(lost, None):
            raise found

    setattr(talk.right, when, lose)


def told_twice(talk: World) -> bool:
    edit(talk, "At ten.")
    edit(talk, "At eleven.")
    run(talk)
    return sent(talk) == ["At nine.", "*This was changed:*\n\nAt ten.", "*This was changed:*\n\nAt eleven."]


def test_after_a_lost_answer_it_is_looked_for_and_what_changed_since_is_told_after_it(talk: World) -> None:
    lose_once(talk, "after")
    assert told_twice(talk)


def test_what_was_lost_before_it_was_sent_is_sent(talk: World) -> None:
    lose_once(talk, "before")
    assert told_twice(talk)
