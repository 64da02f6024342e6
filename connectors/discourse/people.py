"""Users, groups, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.discourse import natives
from connectors.discourse.api import Forum
from landbridge.connector import Complete, Failure, Item, Stream, reads, writes
from landbridge.connector.items import Native
from landbridge.errors import NotFound, RecordError, ScopeError
from landbridge.http import NumberedPages, OffsetPages

MEMBERS = OffsetPages(items="members", total="meta.total", size=50)


class People(Forum):
    """Accounts are made by people or by single sign-on; Landbridge only brings them into groups."""

    users = Stream(
        "admin/users/list/active.json", ("username",), "person",
        NumberedPages(size_param=""), params={"show_emails": "true"},
    )  # fmt: skip
    groups = Stream("groups.json", ("id",), "group", NumberedPages(items="groups", size_param="", start=0))
    memberships = Stream("groups/{name}/members.json", ("group", "username"), "membership", MEMBERS)

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        for page in self.client.pages(self.users.path, self.users.pages, params=self.users.params):
            yield from (self.item(self.users, natives.user(raw)) for raw in page.items)
        yield Complete()

    @reads(groups)
    def read_groups(self, cursor: Any) -> Iterator[Item]:
        yield from (self.item(self.groups, natives.group(raw)) for raw in self._groups())
        yield Complete()

    @reads(memberships)
    def read_memberships(self, cursor: Any) -> Iterator[Item]:
        """A group whose members may not be seen is told, and ends nothing else."""
        for group in self._groups():
            try:
                for native in self._members(group["id"], group["name"]):
                    yield self.item(self.memberships, native)
            except (NotFound, ScopeError) as error:
                yield Failure(None, error)
        yield Complete()

    @writes(memberships, "create")
    def create_membership(self, native: Native, marker: str) -> Native:
        """Who is in already is refused by Discourse; that is what was wanted."""
        made = {"group": str(native["group"]), "username": str(native["username"])}
        try:
            self._write("PUT", made)
        except RecordError:
            if found := self.find_membership(made):
                return found
            raise
        return made

    @writes(memberships, "delete")
    def delete_membership(self, key: str, marker: str) -> None:
        group, username = natives.member_of(key)
        try:
            self._write("DELETE", {"group": group, "username": username})
        except NotFound:
            pass

    def find_membership(self, native: Native) -> Native | None:
        group, username = str(native["group"]), str(native["username"]).casefold()
        answer = self.client.get("groups/by-id/{group}.json", path_params={"group": group})
        members = self._members(group, answer.part("group.name", str))
        return next((one for one in members if str(one["username"]).casefold() == username), None)

    # Steps of the above

    def _groups(self) -> Iterator[Native]:
        """Those that people made; Discourse fills the others by itself."""
        for page in self.client.pages(self.groups.path, self.groups.pages):
            yield from (raw for raw in page.items if not raw.get("automatic"))

    def _members(self, group: object, name: str) -> Iterator[Native]:
        for page in self.client.pages(self.memberships.path, MEMBERS, path_params={"name": name}):
            yield from ({"group": str(group), "username": raw.get("username")} for raw in page.items)

    def _write(self, method: str, member: Native) -> None:
        path, values = "groups/{group}/members.json", {"group": member["group"]}
        self.client.request(method, path, path_params=values, json={"usernames": member["username"]})
