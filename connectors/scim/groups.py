"""Groups, and who is in them: each membership is a record of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from connectors.scim import natives
from connectors.scim.api import Json
from connectors.scim.people import Resources
from landbridge.connector import Complete, Failure, Item, Record, Stream, key_text, reads, writes
from landbridge.errors import NotFound, RecordError


class Groups(Resources):
    groups = Stream(path="Groups", key=("id",), kind="group")

    @reads(groups)
    def read_groups(self, cursor: Any) -> Iterator[Item]:
        yield from self.changed(self.groups, cursor, self._group, excludedAttributes="members")

    @writes(groups, "create")
    def create_group(self, native: Json, marker: str) -> Json:
        body = {"schemas": [natives.GROUP], **{name: value for name, value in native.items() if value is not None}}

        def find() -> Json | None:
            return self._marked(native, marker)

        return self._group(self.created("Groups", body, marker, find, "displayName"))

    @writes(groups, "update")
    def update_group(self, key: str, changes: Json, marker: str) -> Json:
        return self._group(self.change("Groups", key, natives.changes(changes)))

    @writes(groups, "delete")
    def delete_group(self, key: str, marker: str) -> None:
        self.remove("Groups", key)

    def find_group(self, native: Json, marker: str) -> Json | None:
        found = self._marked(native, marker)
        return self._group(found) if found else None

    def _marked(self, native: Json, marker: str) -> Json | None:
        return next(self.where("Groups", "externalId", str(native.get("externalId") or marker)), None)

    def _group(self, raw: Json) -> Json:
        return natives.group(raw, self.supported)


class Memberships(Resources):
    memberships = Stream(path="Groups", key=("group", "user"), kind="membership")

    @reads(memberships)
    def read_memberships(self, cursor: Any) -> Iterator[Item]:
        """In full: a provider says that a group has changed, but not who left it."""
        for page in self.listed("Groups"):
            for raw in page.items:
                yield from self._members(raw)
        yield Complete()

    @writes(memberships, "create")
    def create_membership(self, native: Json, marker: str) -> Json:
        group, user = str(native["group"]), str(native["user"])
        before, version = self.one("Groups", group)
        if user not in (natives.members(before) or ()):
            op = {"op": "add", "path": "members", "value": [{"value": user}]}
            members = [*(before.get("members") or ()), {"value": user}]
            self._send(group, [op], before, version, members)
            now = natives.members(self.one("Groups", group)[0])
            if now is not None and user not in now:
                raise RecordError("The provider accepted a member, but the group is as before.")
        return {"group": group, "user": user}

    @writes(memberships, "delete")
    def delete_membership(self, key: str, marker: str) -> None:
        """In the standard's form, then in the one that some others expect; both at once would be half an error."""
        group, user = orjson.loads(key)
        forms: tuple[Json, ...] = (
            {"op": "remove", "path": f"members[value eq {orjson.dumps(user).decode()}]"},
            {"op": "remove", "path": "members", "value": [{"value": user}]},
        )
        try:
            before, version = self.one("Groups", group)
            for form in forms:
                if user not in (natives.members(before) or ()):
                    return
                kept = [one for one in before["members"] if natives.members({"members": [one]}) != [user]]
                self._try(group, form, before, version, kept)
                before, version = self.one("Groups", group)
        except NotFound:
            return
        if user in (natives.members(before) or ()):
            raise RecordError("The provider accepted the removal of a member, but the group is as before.")

    def find_membership(self, native: Json) -> Json | None:
        try:
            now = natives.members(self.one("Groups", str(native["group"]))[0])
        except NotFound:
            return None
        return {"group": native["group"], "user": native["user"]} if str(native["user"]) in (now or ()) else None

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

    def _members(self, raw: Json) -> Iterator[Item]:
        try:
            group = natives.key_of(raw)
            people = natives.members(raw)
            if people is None:
                # Nobody is in it, or the provider leaves members out of lists.
                people = natives.members(self.one("Groups", group)[0]) or []
        except RecordError as error:
            yield Failure(None, error)
            return
        for user in people:
            yield Record(key_text((group, user)), {"group": group, "user": user})
