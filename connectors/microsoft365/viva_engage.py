"""Viva Engage: communities by Microsoft Graph, and what is said there by its own API, which only people may call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from pydantic import Field

from connectors.microsoft365 import conversations as talk
from connectors.microsoft365.graph import LISTED, Graph, GraphConfig, Json
from landbridge.connector import Account, Failure, Item, Stream, ended, kept, lists, reads, resumed, similar, writes
from landbridge.errors import IncompleteRead, RecordError, ScopeError
from landbridge.http import Client, NumberedPages, Throttle

ENGAGE = "https://www.yammer.com"
FEED, THREAD = "messages/in_group/{group}.json", "messages/in_thread/{thread}.json"
PEOPLE, OLDER = NumberedPages(size_param=""), talk.OlderPages()
# Ten calls in thirty seconds, counted per person and application.
CALLS, SECONDS = 10, 30
MAX_FILE = 100 * 2**20
# How many pages of 20 an earlier attempt is looked for in.
RECENT = 3


class VivaEngageConfig(GraphConfig):
    """A person has to sign in: Microsoft lets no application read conversations."""

    engage: str = Field(ENGAGE, pattern=r"^https?://[^/]+$", description="address of Viva Engage's own API")


class VivaEngage(Graph):
    """The communities of one network."""

    system = "viva_engage"
    Config = VivaEngageConfig
    config: VivaEngageConfig

    users = Stream("users.json", ("id",), "person", native=talk.person)
    communities = Stream("employeeExperience/communities", ("id",), "space", native=talk.community)
    messages = Stream(FEED, ("id",), "message", native=talk.message)

    def make_client(self) -> Client:
        return self.person

    def check(self) -> Account:
        found = self.account((self.communities.path, {"$top": 1}, "Community.Read.All"))
        try:
            self._me  # noqa: B018
        except ScopeError:
            return replace(found, missing=(*found.missing, "Yammer access_as_user"))
        return found

    @cached_property
    def engage(self) -> Client:
        """Its own tokens, and its own small limit."""
        auth = self.config.bearer(person=True, audience=ENGAGE)
        return Client(f"{self.config.engage}/api/v1", auth=auth, throttle=small_limit(self.throttle))

    # Reading

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        """Nothing tells what changed, and calls are few: everyone in a full read, nobody in between."""
        if kept(cursor, "users", str) is None:
            yield from self.followed(self.users, self.engage.pages(self.users.path, PEOPLE))
        yield from ended(cursor, {"users": "by the full read"})

    @lists(communities)
    def all_communities(self) -> Iterator[Json]:
        every = self.client.items(self.communities.path, LISTED)
        return (raw for raw in every if raw.get("privacy") == "public" or raw.get("id") in self.private_spaces)

    @reads(messages)
    def read_messages(self, cursor: Any) -> Iterator[Item]:
        """The newest first, to what was known; removals show in a full read."""
        yield from resumed(cursor, "newest", self.all_communities(), _id, self._read_feed)

    # Writing

    @writes(messages, "create")
    def create_message(self, native: Json, marker: str) -> Json:
        thread, community, text = (native.get(name) or "" for name in ("thread", "community", "text"))
        if not text.strip() or not community:
            raise RecordError("A message needs a text and a community.")
        where = {"replied_to_id": thread} if thread else {"group_id": talk.group_of(community)}
        made = self.engage.post("messages.json", data={"body": text, **where}).part("messages.0", dict)
        return talk.message(made | {"community": community})

    @writes(messages, "delete")
    def delete_message(self, key: str, marker: str) -> None:
        self.engage.remove("messages/{message}", path_params={"message": key})

    def alike(self, stream: str, native: Json) -> Iterator[Json]:
        """A message can carry no marker: what this account has said there, in the same words, not before it was due."""
        thread, community = native.get("thread"), str(native["community"])
        path = THREAD if thread else FEED
        values = {"thread": thread} if thread else {"group": talk.group_of(community)}
        every = self.engage.items(path, OLDER, most=RECENT, path_params=values)
        said = (talk.message(raw | {"community": community}) for raw in every)
        mine = (one for one in said if one["sender"] == self._me)
        return similar(mine, native, lambda one: str(one.get("text") or "").split(), "created")

    def open(self, locator: str) -> Iterator[bytes]:
        """A file of SharePoint by its share, an older one by its number."""
        if locator.startswith("shares/"):
            return self.shared(locator, MAX_FILE)
        return self.engage.stream(f"{talk.UPLOADED}{{file}}/download", path_params=_file(locator), limit=MAX_FILE)

    # Steps of the above

    def _read_feed(self, place: Json, since: int | None) -> Generator[Item, None, int | None]:
        """Yields what is newer than `since`; returns the newest, or None after a full read that was left with holes."""
        community, newest = _id(place), since or 0
        seen, sizes = Counter[int](), dict[int, int]()
        last = newest
        for page in self.engage.pages(FEED, OLDER, path_params={"group": talk.group_of(community)}):
            for raw in page.items:
                id = int(raw.get("id") or 0)
                if id > newest or not id:
                    last = max(last, id)
                    seen[raw.get("thread_id") or 0] += 1
                    sizes[raw.get("thread_id") or 0] = int(raw.get("in_thread") or 0)
                    yield from self._said(community, raw)
            if newest and min((int(raw.get("id") or 0) for raw in page.items), default=0) <= newest:
                return last
        whole = True
        for thread, size in sizes.items():
            if not newest and seen[thread] < size:
                whole = (yield from self._read_thread(community, thread, size)) and whole
        return last if whole else None

    def _said(self, community: str, raw: Json) -> Iterator[Item]:
        if talk.is_said(raw):
            yield self.item(self.messages, raw | {"community": community})

    def _read_thread(self, community: str, thread: int, size: int) -> Generator[Item, None, bool]:
        met = 0
        for raw in self.engage.items(THREAD, OLDER, path_params={"thread": thread}):
            met += 1
            yield from self._said(community, raw)
        if met < size:
            yield Failure(None, IncompleteRead(f"A thread of {size} messages came with {met}."))
        return met >= size

    @cached_property
    def _me(self) -> str:
        return str(self.engage.get("users/current.json").part("id", int))


def small_limit(throttle: Throttle) -> Throttle:
    """Half of what is allowed at once and half spread over the time, so that no half minute sees more than all."""
    return throttle.of("engage", CALLS / 2 / SECONDS, CALLS / 2)


def _file(locator: str) -> Json:
    return {"file": locator.removeprefix(talk.UPLOADED)}


def _id(community: Json) -> str:
    return str(community["id"])
