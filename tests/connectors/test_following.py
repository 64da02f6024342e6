"""What connectors share where a list tells where a later read goes on, as a whole or part by part."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from operator import itemgetter
from typing import Any, ClassVar

import pytest

from landbridge.connector import (
    Checkpoint,
    Complete,
    ConnectionConfig,
    Connector,
    Failure,
    Item,
    Native,
    Record,
    Stream,
    if_allowed,
    lists,
    reads,
    resumed,
    similar,
)
from landbridge.errors import ExpiredCursor, IncompleteRead, NotFound, RecordError, ScopeError
from landbridge.http import Client, CursorPages, DeltaPages
from sandbox.emulators.base import Emulator, Reply, Request, route, serving
from tests.connectors.reading import cursor_of, natives_of, read


class Feed(Emulator):
    """Two rows a page; `since` counts the rows that were told."""

    name: ClassVar[str] = "feed"

    def __init__(self) -> None:
        super().__init__(token="")
        self.rows: list[Native] = [{"id": number} for number in range(5)]
        self.broken = False

    @route("GET", "/delta")
    def delta(self, request: Request) -> Reply:
        start = int(request.params.get("since") or 0)
        end = min(start + 2, len(self.rows))
        name = "@odata.deltaLink" if end == len(self.rows) else "@odata.nextLink"
        link = {} if self.broken and end == len(self.rows) else {name: f"{request.origin}/delta?since={end}"}
        return Reply({"value": self.rows[start:end], **link})

    @route("GET", "/events")
    def events(self, request: Request) -> Reply:
        start = int(request.params.get("since") or 0)
        end = min(start + 2, len(self.rows))
        return Reply({"events": self.rows[start:end], "next": str(end), "more": end < len(self.rows)})


class Reader(Connector):
    system = "reader"
    things = Stream("delta", ("id",), "case", DeltaPages(), gone=lambda raw: "removed" in raw, reports_gone=True)
    events = Stream("events", ("id",), "case", CursorPages("since", "next", more="more", items="events", follows=True))
    parts = Stream("delta", ("id",), "case", DeltaPages())

    def make_client(self) -> Client:
        return Client(self.config.host)

    shelves = Stream("shelves", ("id",), "group")
    boxes = Stream("boxes", ("id",), "group")

    @lists(shelves, boxes)
    def all_of(self, stream: Stream) -> Iterator[Native | Failure]:
        yield {"id": f"first of {stream.name}"}
        yield Failure(None, ScopeError("A closed one."))
        yield {"no": "id"}

    @reads(parts)
    def read_parts(self, cursor: Any) -> Iterator[Item]:
        return self.changes(self.parts, cursor, lambda raw: ({"id": f"{raw['id']}{part}"} for part in "ab"))


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def reader(feed: Feed) -> Iterator[Reader]:
    with serving(feed) as url:
        made = Reader(ConnectionConfig(host=url))
        yield made
        made.close()


@pytest.mark.parametrize("stream", ["things", "events"])
def test_a_list_that_tells_where_a_later_read_goes_on_is_followed(feed: Feed, reader: Reader, stream: str) -> None:
    *records, checkpoint, complete = reader.read(stream)
    assert [one.key for one in records if isinstance(one, Record)] == ["0", "1", "2", "3", "4"]
    assert isinstance(checkpoint, Checkpoint) and isinstance(complete, Complete)
    assert [type(item) for item in reader.read(stream, checkpoint.cursor)] == [Checkpoint]
    feed.rows += [{"id": 1, "changed": True}, {"id": "new"}, {"no": "id"}]
    *found, checkpoint = reader.read(stream, checkpoint.cursor)
    assert [one.key for one in found if isinstance(one, Record)] == ["1", "new"]
    assert [one.key for one in found if isinstance(one, Failure)] == [None]
    with pytest.raises(ExpiredCursor):
        list(reader.read(stream, {"since": "another way of reading"}))


def test_2_a_round_that_does_not_say_where_to_go_on_is_not_whole(feed: Feed, reader: Reader) -> None:
    feed.broken = True
    with pytest.raises(IncompleteRead, match="later read"):
        list(reader.read("things"))
    feed.broken = False
    cursor = cursor_of(reader, "things")
    feed.broken = True
    feed.rows.append({"id": 9})
    with pytest.raises(IncompleteRead):
        list(reader.read("things", cursor))


def test_what_the_list_itself_says_is_gone(feed: Feed, reader: Reader) -> None:
    cursor = cursor_of(reader, "things")
    feed.rows += [{"id": 3, "removed": {}}]
    records, gone, _ = read(reader, "things", cursor)
    assert (records, gone) == ({}, ["3"])


def test_an_object_of_the_list_may_stand_for_several_records(reader: Reader) -> None:
    assert list(natives_of(reader, "parts"))[:3] == ["0a", "0b", "1a"]


@pytest.mark.parametrize("stream", ["shelves", "boxes"])
@pytest.mark.parametrize("cursor", [None, {"since": "then"}])
def test_what_is_listed_is_read_in_full_each_time(reader: Reader, stream: str, cursor: Any) -> None:
    record, refused, odd, complete = reader.read(stream, cursor)
    assert isinstance(record, Record) and record.key == f"first of {stream}"
    assert isinstance(refused, Failure) and isinstance(odd, Failure) and isinstance(complete, Complete)


def test_what_nobody_may_ask_is_nothing() -> None:
    def ask(allowed: bool) -> str:
        if not allowed:
            raise ScopeError("no")
        return "yes"

    assert (if_allowed(ask, True), if_allowed(ask, False)) == ("yes", None)


def test_what_reads_like_it_was_said_in_the_same_words_and_not_before_it_was_due() -> None:
    def said(text: str, at: str) -> Native:
        return {"text": text, "at": f"2026-11-22T{at}:00+00:00"}

    there = [said("b  c", "12:05"), said("a", "12:04"), said("b c", "11:55"), said("b c", "11:40")]
    due = {"text": "b c", "at": "2026-11-22T12:00:00Z"}

    def words(one: dict[str, Any]) -> list[str]:
        return str(one["text"]).split()

    assert list(similar(there, due, words, "at")) == [there[0], there[2]]  # clocks differ by some minutes
    assert list(similar(there, {"text": "b c"}, words, "at")) == [there[0], there[2], there[3]]


# --- part by part ----------------------------------------------------------------------------------------------


class Rooms:
    """What is said in each room, and which rooms refuse to tell it, and how."""

    def __init__(self) -> None:
        self.said = {"red": ["a", "b"], "blue": ["c"]}
        self.refused: dict[str, Exception] = {}

    def read(self, room: tuple[str, ...], since: int | None) -> Generator[Item, None, int]:
        [name] = room
        for text in self.said[name][since or 0 :]:
            yield Record(text, {"text": text})
        if name in self.refused:
            raise self.refused[name]
        return len(self.said[name])

    def found(self, cursor: Any, *failures: Failure) -> list[Item]:
        rooms = [*failures, *((name,) for name in self.said)]
        return list(resumed(cursor, "rooms", rooms, itemgetter(0), self.read))


def texts(items: list[Item]) -> list[str]:
    return [item.key for item in items if isinstance(item, Record)]


def test_each_part_goes_on_from_where_it_was() -> None:
    rooms = Rooms()
    *items, checkpoint, complete = rooms.found(None)
    assert texts(items) == ["a", "b", "c"] and isinstance(complete, Complete)
    assert checkpoint == Checkpoint({"rooms": {"red": 2, "blue": 1}})
    rooms.said["blue"].append("d")
    rooms.said["green"] = ["e"]
    *items, checkpoint = rooms.found(checkpoint.cursor)
    assert texts(items) == ["d", "e"]
    del rooms.said["red"]
    # A part that is not there for once is not read from its beginning when it comes back.
    assert rooms.found(checkpoint.cursor) == [Checkpoint({"rooms": {"red": 2, "blue": 2, "green": 1}})]
    with pytest.raises(ExpiredCursor):
        rooms.found({"since": "another way of reading"})


@pytest.mark.parametrize("error", [ScopeError("no"), NotFound("gone"), RecordError("odd"), IncompleteRead("half")])
def test_2_a_part_that_fails_goes_on_later_from_where_it_was_and_stops_no_other(error: Exception) -> None:
    rooms = Rooms()
    cursor = rooms.found(None)[-2].cursor  # type: ignore[union-attr]
    rooms.said["red"].append("new")
    rooms.said["blue"].append("d")
    rooms.refused["red"] = error
    items = rooms.found(cursor, Failure(None, RecordError("A room without a name.")))
    assert texts(items) == ["new", "d"]
    assert [item.error for item in items if isinstance(item, Failure)][1:] == [error]
    assert items[-1] == Checkpoint({"rooms": {"red": 2, "blue": 2}})
    rooms.refused.clear()
    assert texts(rooms.found(items[-1].cursor)) == ["new"]
