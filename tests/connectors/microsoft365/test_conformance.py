"""The connectors of Microsoft 365 against the conformance suite, on the emulator."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest

from connectors.microsoft365.entra import Entra
from connectors.microsoft365.sharepoint import SharePoint
from connectors.microsoft365.teams import Teams
from connectors.microsoft365.viva_engage import VivaEngage
from landbridge.connector import Stream, key_text
from landbridge.connector.items import Native
from landbridge.http import LocalThrottle
from landbridge.testing import faults, page_faults
from landbridge.testing.conformance import Conformance, Harness
from landbridge.testing.exchange import Fault
from sandbox.emulators.base import serving
from sandbox.emulators.graph import CLIENT, TENANT, Graph
from sandbox.emulators.graph_parts import listed

SECRET = "s3cr3t-of-the-application"
TEAM, CHANNEL = "team-1", "19:talk@thread.tacv2"
OWN_WAY = "nothing tells what changed: every read is a full one"


class GraphHarness(Harness):
    """Three people and two groups in a tenant; pages of two."""

    mappings = Path(__file__).parents[3] / "mappings"

    @contextmanager
    def serve(self) -> Iterator[str]:
        self.graph = Graph(token=SECRET)
        self.graph.deltas.size, self.graph.calls_per_second = 2, 1_000_000  # waits take no time in the suite
        self.graph.refresh_tokens["bot"] = self.user("Landbridge 9000")
        for number in (9001, 9002):
            self.user(f"Somebody {number}")
            self.graph.add_group(f"group-{number}", displayName=f"Group {number}")
        with pytest.MonkeyPatch.context() as patch, serving(self.graph) as self.url:
            for module in ("graph_files", "graph_engage"):
                patch.setattr(f"sandbox.emulators.{module}.listed", partial(listed, usual=2))
            yield self.url

    def config(self, url: str) -> dict[str, Any]:
        return {"host": url, "login": CLIENT, "password": SECRET, "tenant": TENANT, "authority": self.url}

    def user(self, text: str) -> str:
        name = f"{_login(text)}@{TENANT}"
        made = self.graph.add_user(f"id-{_login(text)}", displayName=text, userPrincipalName=name, userType="Member")
        return str(made["id"])

    # How Graph says it

    def items(self, stream: Stream) -> str | None:
        return "value"

    def spoiled(self, stream: Stream) -> Fault:
        """Whatever the key is made of, in Graph it is an id."""
        return page_faults.with_list("value", lambda found: [_without(one, "id") for one in found[:1]] + found[1:])

    def refused(self) -> Fault:
        return faults.refuse(400, b'{"error": {"code": "Request_BadRequest", "message": "Anna is no value."}}')


class EntraHarness(GraphHarness):
    connector = Entra
    exempt: ClassVar[dict[str, str]] = {
        "memberships": "a membership holds no text by which the suite could know it: test_entra.py",
    }

    def config(self, url: str) -> dict[str, Any]:
        return super().config(url) | {"domain": TENANT}

    def add(self, stream: str, text: str) -> str:
        if stream == "users":
            return self.user(text)
        if stream == "groups":
            self.graph.add_group(f"id-{_login(text)}", displayName=text)
            return f"id-{_login(text)}"
        self.graph.move_member("group-9001", self.user(text), joins=True)
        return key_text(("group-9001", f"id-{_login(text)}"))

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "users":
            self.graph.set_user(key, displayName=text)
        else:
            self.graph.add_group(key, displayName=text)

    def remove(self, stream: str, key: str) -> None:
        if stream == "users":
            self.graph.remove_user(key)
        elif stream == "groups":
            self.graph.remove_group(key)
        else:
            group, user = orjson.loads(key)
            self.graph.move_member(group, user, joins=False)

    def keys(self, stream: str) -> set[str]:
        if stream == "memberships":
            return {key_text((group, one)) for group, members in self.graph.members.items() for one in members}
        return set(self.graph.users if stream == "users" else self.graph.groups)

    def native(self, stream: str, text: str) -> Native:
        if stream == "memberships":
            return {"group": "group-9002", "user": self.user(text)}
        return {"login": _login(text), "displayName": text, "emails": [f"{_login(text)}@{TENANT}"]}

    def changes(self, stream: str, text: str) -> Native:
        return {"displayName": text}


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _login(text: str) -> str:
    """Names of accounts hold few letters: the number that a text ends with."""
    return f"u{re.findall('[0-9]+', text)[-1]}"


class TestEntra(Conformance):
    harness = EntraHarness


class TeamsHarness(GraphHarness):
    """One channel of an open team."""

    connector = Teams
    exempt: ClassVar[dict[str, str]] = {
        "memberships": "a membership holds no text by which the suite could know it: test_teams.py",
        "channels.paging": "Graph lists all channels of a team in one answer",
        "channels.unknown_fields_and_nulls": "a channel that does not say that it is open is not read",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with super().serve() as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr("connectors.microsoft365.teams.WITH_REPLIES", {"$top": 2, "$expand": "replies"})
            patch.setattr("connectors.microsoft365.teams.A_SECOND", math.inf)
            self.graph.posts_per_second = 1_000_000
            # What others have said nobody but they can remove: test_teams.py.
            self.anna = self.graph.refresh_tokens["bot"]
            self.graph.add_team(TEAM, "Team", [self.anna])
            self.graph.add_channel(TEAM, CHANNEL, "Talk")
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return super().config(url) | {"refresh_token": "bot"}

    def add(self, stream: str, text: str) -> str:
        if stream == "users":
            return self.user(text)
        if stream == "channels":
            id = f"19:{_login(text)}@thread.tacv2"
            self.graph.add_channel(TEAM, id, text)
            return f"{TEAM}/{id}"
        return f"{TEAM}/{CHANNEL}/{self.graph.say(TEAM, CHANNEL, self.anna, text)['id']}"

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "users":
            self.graph.set_user(key, displayName=text)
        elif stream == "channels":
            self.graph.channels[TEAM][key.partition("/")[2]]["displayName"] = text
        else:
            self.graph.edit(TEAM, CHANNEL, self.message(key), text)

    def remove(self, stream: str, key: str) -> None:
        if stream == "users":
            self.graph.remove_user(key)
        elif stream == "channels":
            del self.graph.channels[TEAM][key.partition("/")[2]]
        else:
            self.graph.remove(TEAM, CHANNEL, self.message(key))

    def keys(self, stream: str) -> set[str]:
        if stream == "users":
            return set(self.graph.users)
        if stream == "channels":
            return {f"{TEAM}/{id}" for id in self.graph.channels[TEAM]}
        rows = self.graph.messages[TEAM, CHANNEL].values()
        return {f"{TEAM}/{CHANNEL}/{row['id']}" for row in rows if not row["deletedDateTime"]}

    def native(self, stream: str, text: str) -> Native:
        return {"channel": f"{TEAM}/{CHANNEL}", "thread": None, "content": text}

    def told(self, stream: str, key: str) -> str | None:
        return key if stream == "messages" else None

    def message(self, key: str) -> dict[str, Any]:
        return self.graph.messages[TEAM, CHANNEL][key.rpartition("/")[2]]

    def path(self, stream: Stream) -> str:
        return {"channels": "*/channels", "messages": "*/messages*"}.get(stream.name, super().path(stream))


class TestTeams(Conformance):
    harness = TeamsHarness


class SharePointHarness(GraphHarness):
    """One site with a library."""

    connector = SharePoint

    @contextmanager
    def serve(self) -> Iterator[str]:
        with super().serve() as url:
            self.anna, self.drive = self.user("Anna 9003"), self.graph.add_site("Site 9004")
            yield url

    def add(self, stream: str, text: str) -> str:
        if stream == "users":
            return self.user(text)
        if stream == "sites":
            return self.graph.drives[self.graph.add_site(text)]
        return f"{self.drive}/{self.graph.put(self.drive, text, b'x', author=self.anna)['id']}"

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "users":
            self.graph.set_user(key, displayName=text)
        elif stream == "sites":
            self.graph.sites[key]["displayName"] = text
        else:
            self.graph.items[self.drive][key.partition("/")[2]]["name"] = text
            self.graph.deltas.touch(self.drive, key.partition("/")[2])

    def remove(self, stream: str, key: str) -> None:
        if stream == "users":
            self.graph.remove_user(key)
        elif stream == "sites":
            del self.graph.sites[key]
        else:
            self.graph.erase(self.drive, key.partition("/")[2])

    def keys(self, stream: str) -> set[str]:
        files = {f"{self.drive}/{id}" for id in self.graph.items[self.drive]}
        return {"users": set(self.graph.users), "sites": set(self.graph.sites)}.get(stream, files)

    def path(self, stream: Stream) -> str:
        return {"sites": "*/getAllSites", "documents": "*/root/delta"}.get(stream.name, super().path(stream))

    def spoiled(self, stream: Stream) -> Fault:
        """Not the folder, which is none of the records."""
        return page_faults.with_list("value", lambda found: found[:-1] + [_without(one, "id") for one in found[-1:]])


class TestSharePoint(Conformance):
    harness = SharePointHarness


class EngageHarness(GraphHarness):
    """One community."""

    connector = VivaEngage
    exempt: ClassVar[dict[str, str]] = {
        "users.cursor": "nothing tells what changed, and calls are few: people are read in full only",
        "users.expired_cursor": "in between nothing is asked, so no cursor can end",
        "messages.cursor": "edits are told by nothing: they show in a full read",
        "communities.unknown_fields_and_nulls": "a community that does not say that it is public is not read",
    }

    @contextmanager
    def serve(self) -> Iterator[str]:
        with super().serve() as url, pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "connectors.microsoft365.viva_engage.small_limit",
                lambda throttle: LocalThrottle(sleep=lambda wait: None),
            )
            patch.setattr("sandbox.emulators.graph_engage.PAGE", 2)
            self.graph.engage_calls = 1_000_000
            self.anna, self.community = self.graph.refresh_tokens["bot"], self.graph.add_community("All 9004")
            self.graph.number(self.anna)
            yield url

    def config(self, url: str) -> dict[str, Any]:
        return super().config(url) | {"password": None, "refresh_token": "bot", "engage": url}

    def add(self, stream: str, text: str) -> str:
        if stream == "users":
            return str(self.graph.number(self.user(text)))
        if stream == "communities":
            return self.graph.add_community(text)
        return str(self.graph.tell(self.community, self.anna, text)["id"])

    def change(self, stream: str, key: str, text: str) -> None:
        if stream == "communities":
            self.graph.communities[key]["displayName"] = text
        else:
            self.graph.said[int(key)]["body"] = {"plain": text}

    def remove(self, stream: str, key: str) -> None:
        if stream == "users":
            del self.graph.numbers[next(id for id, number in self.graph.numbers.items() if str(number) == key)]
        elif stream == "communities":
            del self.graph.communities[key]
        else:
            del self.graph.said[int(key)]

    def keys(self, stream: str) -> set[str]:
        people = {str(number) for number in self.graph.numbers.values()}
        found = {"users": people, "communities": set(self.graph.communities)}
        return found.get(stream, {str(id) for id in self.graph.said})

    def native(self, stream: str, text: str) -> Native:
        return {"community": self.community, "text": text}

    def path(self, stream: Stream) -> str:
        return {"users": "*/users.json", "communities": "*/communities"}.get(stream.name, "*/in_group/*")

    def items(self, stream: Stream) -> str | None:
        return {"users": "", "communities": "value"}.get(stream.name, "messages")

    def spoiled(self, stream: Stream) -> Fault:
        path = str(self.items(stream))
        return page_faults.with_list(path, lambda found: [_without(one, "id") for one in found[:1]] + found[1:])


class TestVivaEngage(Conformance):
    harness = EngageHarness
