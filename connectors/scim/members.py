"""Who is in which group: each membership is a record of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from connectors.scim import natives
from connectors.scim.api import Json
from connectors.scim.resources import Resources
from landbridge.connector import Members, Stream
from landbridge.errors import NotFound, RecordError


class Memberships(Resources, Members):
    memberships = Stream(path="Groups", key=("group", "user"), kind="membership")

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterator[str]]]:
        groups = (raw for page in self.listed("Groups") for raw in page.items)
        return ((natives.id_of(raw), self._people(raw)) for raw in groups)

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        return person in (natives.members(self.one("Groups", place)[0]) or ())

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        before, version = self.one("Groups", place)
        if person in (natives.members(before) or ()):
            return
        op = {"op": "add", "path": "members", "value": [{"value": person}]}
        self._send(place, [op], before, version, [*(before.get("members") or ()), {"value": person}])
        now = natives.members(self.one("Groups", place)[0])
        if now is not None and person not in now:
            raise RecordError("The provider accepted a member, but the group is as before.")

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        """In the standard's form, then in the one that some others expect; both at once would be half an error."""
        forms: tuple[Json, ...] = (
            {"op": "remove", "path": f"members[value eq {orjson.dumps(person).decode()}]"},
            {"op": "remove", "path": "members", "value": [{"value": person}]},
        )
        try:
            before, version = self.one("Groups", place)
            for form in forms:
                if person not in (natives.members(before) or ()):
                    return
                kept = [one for one in before["members"] if natives.members({"members": [one]}) != [person]]
                self._try(place, form, before, version, kept)
                before, version = self.one("Groups", place)
        except NotFound:
            return
        if person in (natives.members(before) or ()):
            raise RecordError("The provider accepted the removal of a member, but the group is as before.")

    # Steps of the above

    def _try(self, group: str, form: Json, before: Json, version: str, kept: list[Any]) -> None:
        """What is refused in one form is tried in the other; the look afterwards tells."""
        try:
            self._send(group, [form], before, version, kept)
        except NotFound:
            raise
        except RecordError:
            if "value" in form:
                raise

    def _send(self, group: str, ops: list[Json], before: Json, version: str, members: list[Any]) -> None:
        # The set of members is changed by one, whatever else happened to it: no version is needed, but for a PUT.
        whole = {name: value for name, value in before.items() if name != "meta"} | {"members": members}
        self.send("Groups", group, ops, whole, "" if self.provider.patch else version)

    def _people(self, raw: Json) -> Iterator[str]:
        """Raises RecordError where the group has no key."""
        group, people = natives.key_of(raw), natives.members(raw)
        # Nobody is in it, or the provider leaves members out of lists.
        yield from natives.members(self.one("Groups", group)[0]) or () if people is None else people
