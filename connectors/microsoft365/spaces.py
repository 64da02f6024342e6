"""Channels of teams and chats, who is in them, and the files of channels, which lie in SharePoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.microsoft365 import chat
from connectors.microsoft365.accounts import Accounts
from connectors.microsoft365.graph import LISTED, Json
from connectors.microsoft365.notifications import NotifiedConfig
from landbridge.connector import Failure, MemberLists, Stream, apart, lists
from landbridge.connector.files import carried
from landbridge.errors import RecordError

TEAM, CHANNEL = "teams/{team}", "teams/{team}/channels/{channel}"
MESSAGES, IN_CHAT = f"{CHANNEL}/messages", "chats/{chat}/messages"
# A folder for each file, named after the message: two of one name do not meet, and a second attempt finds its own.
UPLOAD = "drives/{drive}/items/{folder}:/Landbridge/{own}/{name}:/content"
ITEM = "drives/{drive}/items/{item}"
MAX_FILE = 100 * 2**20
GUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# What SharePoint takes in no name.
FORBIDDEN = re.compile(r'["*:<>?/\\|#%\x00-\x1f]|^[\s.~]+|[\s.]+$')


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


class ChannelFiles(Spaces):
    """Put there by the person who has signed in."""

    def attached(self, team: str, channel: str, attachments: list[Json], marker: str) -> list[Json]:
        """The files as a message refers to them."""
        if not attachments:
            return []
        values = {"team": team, "channel": channel}
        folder = self.person.get(f"{CHANNEL}/filesFolder", path_params=values)
        place = {"drive": folder.part("parentReference.driveId", str), "folder": folder.part("id", str)}
        return [self._put(place | {"own": f"{marker}-{at}"}, one) for at, one in enumerate(attachments)]

    def _put(self, place: Json, attachment: Json) -> Json:
        """A message knows a file by the number in its eTag, and by the address that Office opens."""
        name = FORBIDDEN.sub("_", str(attachment.get("name") or "file"))
        headers = {"Content-Type": attachment.get("media_type") or "application/octet-stream"}
        with carried(self.open_file, attachment, MAX_FILE) as (file, size):
            made = self.person.put(UPLOAD, path_params=place | {"name": name}, data=file, headers=headers)
            if made.part("size", int) != size:
                raise RecordError(f"SharePoint kept {made.part('size', int)} of {size} bytes of an attachment.")
        values = {"drive": place["drive"], "item": made.part("id", str)}
        item = self.person.get(ITEM, path_params=values, params={"$select": "id,name,eTag,webDavUrl"})
        number = GUID.search(item.part("eTag", str))
        if number is None:
            raise RecordError("SharePoint gave an attachment no number by which a message could refer to it.")
        told = {"id": number[0], "contentType": "reference", "name": item.part("name", str)}
        return told | {"contentUrl": item.part("webDavUrl", str)}
