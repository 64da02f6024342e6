"""Users, groups, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from connectors.discourse import natives
from connectors.discourse.api import Forum
from landbridge.connector import Members, Stream, lists
from landbridge.connector.items import Native
from landbridge.errors import NotFound, RecordError
from landbridge.http import NumberedPages, OffsetPages

MEMBERS = OffsetPages(items="members", total="meta.total", size=50)


class People(Forum, Members):
    """Accounts are made by people or by single sign-on; Landbridge only brings them into groups."""

    users = Stream(
        "admin/users/list/active.json", ("username",), "person",
        NumberedPages(size_param=""), params={"show_emails": "true"}, native=natives.user,
    )  # fmt: skip
    groups = Stream(
        "groups.json", ("id",), "group", NumberedPages(items="groups", size_param="", start=0), native=natives.group
    )
    memberships = Stream("groups/{name}/members.json", ("group", "username"), "membership", MEMBERS)

    def everyone(self, stream: Stream) -> Iterator[tuple[str, Iterator[Any]]]:
        return ((str(group["id"]), self._names(group["name"])) for group in self.all_groups())

    def is_in(self, stream: Stream, place: str, person: str) -> bool:
        """Names are the same whatever the size of their letters."""
        answer = self.client.get("groups/by-id/{group}.json", path_params={"group": place})
        people = self._names(answer.part("group.name", str))
        return any(str(name).casefold() == person.casefold() for name in people)

    def bring_in(self, stream: Stream, place: str, person: str) -> None:
        """Who is in already is refused by Discourse."""
        try:
            self._write("PUT", place, person)
        except RecordError:
            if not self.is_in(stream, place, person):
                raise

    def put_out(self, stream: Stream, place: str, person: str) -> None:
        with suppress(NotFound):
            self._write("DELETE", place, person)

    # Steps of the above

    @lists(groups)
    def all_groups(self) -> Iterator[Native]:
        """Those that people made; Discourse fills the others by itself."""
        found = self.client.items(self.groups.path, self.groups.pages)
        return (raw for raw in found if not raw.get("automatic"))

    def _names(self, group: str) -> Iterator[Any]:
        found = self.client.items(self.memberships.path, self.memberships.pages, path_params={"name": group})
        return (raw.get("username") for raw in found)

    def _write(self, method: str, group: str, username: str) -> None:
        path, values = "groups/{group}/members.json", {"group": group}
        self.client.request(method, path, path_params=values, json={"usernames": username})
