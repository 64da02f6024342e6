"""Memberships as nearly every product has them: places (rooms, channels, groups) and the people in each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from landbridge.connector.base import Connector
from landbridge.connector.items import Complete, Failure, Item, Native
from landbridge.connector.marks import finds, reads, writes
from landbridge.connector.parts import apart, if_there
from landbridge.connector.streams import Stream
from landbridge.errors import RecordError

KIND = "membership"


class Finding(Connector):
    """Finds what an uncertain write has left by the methods that are marked with `@finds`."""

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        name = self._finders.get(stream)
        found: Native | None = self._method(name, stream)(native, marker) if name else None
        return found


class MemberLists(Connector):
    """Reads every stream of memberships by the lists that a connector has for it.

    Such a stream's key is (place, person). What a connector marks for a stream itself stands above what is here.
    """

    def everyone(self, stream: Stream) -> Iterable[tuple[str, Iterable[str]] | Failure]:
        """Keys of the places that are read, and of the people in each; these are asked for as they are taken.

        A place that the account may not see is told as that then, or as a Failure where not even its key is known, and
        keeps nobody from the others.
        """
        raise NotImplementedError

    @reads(KIND)
    def read_members(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """In full each time: of who has left, systems do not tell."""
        for found in self.everyone(stream):
            if isinstance(found, Failure):
                yield found
                continue
            place, people = found
            yield from apart(self.item(stream, member(stream, place, person)) for person in people)
        yield Complete()


class Members(MemberLists, Finding):
    """Also writes them, by three more steps."""

    # Steps of a connector

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        """Raises NotFound where the place is not there."""
        raise NotImplementedError

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        """That somebody is there already is no error."""
        raise NotImplementedError

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        """That somebody is not there (any more) is no error."""
        raise NotImplementedError

    # What is made of them

    @writes(KIND, "create")
    def create_member(self, stream: Stream, native: Native, marker: str) -> Native:
        place, person = place_and_person(stream, native)
        self.bring_in(stream, place, person)
        return member(stream, place, person)

    @writes(KIND, "delete")
    def delete_member(self, stream: Stream, key: str, marker: str) -> None:
        self.put_out(stream, *member_of(key))

    @finds(KIND)
    def find_member(self, stream: Stream, native: Native, marker: str) -> Native | None:
        place, person = place_and_person(stream, native)
        return member(stream, place, person) if if_there(self.is_in, stream, place, person) else None


def member(stream: Stream, place: str, person: str) -> Native:
    """A membership as its stream has it."""
    return dict(zip(stream.key, (place, person), strict=True))


def place_and_person(stream: Stream, native: Native) -> tuple[str, str]:
    """Raises RecordError where one of them is missing."""
    place, person = (native.get(part) for part in stream.key)
    if not place or not person:
        raise RecordError(f"A membership needs {' and '.join(f'a {part}' for part in stream.key)}.")
    return str(place), str(person)


def member_of(key: str) -> tuple[str, str]:
    """Place and person of a membership's key. Raises RecordError."""
    try:
        place, person = orjson.loads(key)
    except (TypeError, ValueError):
        raise RecordError("The key of a membership was expected to be a list of a place and a person.") from None
    return str(place), str(person)
