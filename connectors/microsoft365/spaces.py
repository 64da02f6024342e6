"""Channels of teams and chats, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.microsoft365 import chat
from connectors.microsoft365.accounts import Accounts
from connectors.microsoft365.graph import LISTED, Json
from connectors.microsoft365.notifications import NotifiedConfig
from landbridge.connector import Failure, MemberLists, Stream, apart, lists
from landbridge.errors import RecordError

TEAM, CHANNEL = "teams/{team}", "teams/{team}/channels/{channel}"
MESSAGES, IN_CHAT = f"{CHANNEL}/messages", "chats/{chat}/messages"


class TeamsConfig(NotifiedConfig):
    """Standard channels of open teams are read; closed ones, and chats, only where policy names them."""


@dataclass(frozen=True)
class Space:
    """Where something is said; `path` takes `values`."""

    key: str
    path: str
    values: Json
    native: Json
    members: tuple[Json, ...]

    @property
    def people(self) -> list[str]:
        """Those that have an account."""
        return sorted({str(one["userId"]) for one in self.members if one.get("userId")})


class Spaces(Accounts, MemberLists):
    """The channels and chats that are read."""

    Config = TeamsConfig
    config: TeamsConfig

    channels = Stream("teams", ("id",), "space")
    memberships = Stream(f"{TEAM}/members", ("channel", "user"), "membership")

    @lists(channels)
    def all_channels(self) -> Iterator[Json | Failure]:
        for space in self.spaces():
            yield space if isinstance(space, Failure) else space.native

    def everyone(self, stream: Stream) -> Iterator[tuple[str, list[str]] | Failure]:
        for space in self.spaces():
            yield space if isinstance(space, Failure) else (space.key, space.people)

    # Steps of the above

    def spaces(self) -> Iterator[Space | Failure]:
        """A team that cannot be seen keeps nobody from the others."""
        teams = list(self.client.items("teams", LISTED, params={"$select": "id"}))
        named = frozenset(self.private_spaces)
        for team in teams:
            if not team.get("id"):
                yield Failure(None, RecordError("A team came without its id."))
                continue
            yield from apart(self._channels(team["id"], named))
        for kind, _, id in (key.partition("/") for key in sorted(named)):
            if kind == chat.CHATS:
                yield from apart(self._chat(id))

    def _channels(self, id: str, named: frozenset[str]) -> Iterator[Space | Failure]:
        """Of a closed team nothing is asked for unless one of its channels is named."""
        values = {"team": id}
        team = self.client.get(TEAM, path_params=values).part("", dict)
        closed = str(team.get("visibility")).lower() != "public"
        if closed and not any(key.startswith(f"{id}/") for key in named):
            return
        everyone: tuple[Json, ...] | None = None
        for raw in self.client.items(f"{TEAM}/channels", LISTED, path_params=values):
            if "id" not in raw:
                yield Failure(None, RecordError("A channel came without its id."))
                continue
            standard = raw.get("membershipType") == "standard"
            if (closed or not standard) and f"{id}/{raw['id']}" not in named:
                continue
            at = {**values, "channel": raw["id"]}
            if standard:
                everyone = everyone or self._members(TEAM, values)
            members = everyone if standard and everyone else self._members(CHANNEL, at)
            guests = any(chat.is_guest(one, team.get("tenantId")) for one in members)
            native = chat.channel(team, raw, guests=guests)
            yield Space(native["id"], MESSAGES, at, native, members)

    def _chat(self, id: str) -> Iterator[Space]:
        raw = self.client.get("chats/{chat}", path_params={"chat": id}, params={"$expand": "members"}).part("", dict)
        native = chat.chat(raw, raw.get("tenantId"))
        yield Space(native["id"], IN_CHAT, {"chat": id}, native, tuple(raw.get("members") or ()))

    def _members(self, place: str, values: Json) -> tuple[Json, ...]:
        return tuple(self.client.items(f"{place}/members", LISTED, path_params=values))
