"""HubSpot as CRM: owners, contacts, companies, tickets and deals as cases, and the notes on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import Field, SecretStr

from connectors.hubspot.associations import Associations
from connectors.hubspot.errors import error_of
from connectors.hubspot.objects import LINKED, MARKED, MERGED, OBJECTS, OWNER, SCOPES, merged
from connectors.hubspot.pipelines import Pipelines
from connectors.hubspot.search import changed_since
from landbridge.connector import (
    Account,
    ConnectionConfig,
    Connector,
    Gone,
    Item,
    Native,
    Record,
    Since,
    Stream,
    ended,
    kept,
    lists,
    reads,
    used_streams,
    writes,
)
from landbridge.errors import NotFound
from landbridge.http import BearerToken, Client, CursorPages, Page

PAGES = CursorPages("after", "paging.next.after", items="results", size_param="limit", size=100)
# The search index follows what is written with a delay that HubSpot calls "a few moments".
CHANGED = Since("updatedAt", lag=timedelta(minutes=10))
# Searches are allowed five times a second, other calls at least ten times.
SEARCH_COST = 2.0


def _indexed(path: str, kind: str) -> Stream:
    """Read by a search: who is missing in a list soon after being written is not gone."""
    return Stream(path, ("id",), kind, since=CHANGED, reports_gone=True, late=CHANGED.lag.total_seconds())


class HubSpotConfig(ConnectionConfig):
    """`host` is the API's address, the same for every account."""

    login: None = None
    host: str = "https://api.hubapi.com"
    password: SecretStr = Field(title="Access token", description="access token of the private app")
    marker_property: str = Field(
        "landbridge_marker", pattern=r"^[a-z][a-z0-9_]*$", description="property that holds the mark of what is written"
    )
    pipelines: list[str] = Field(
        [], description="ids of the pipelines whose tickets, or deals, are read; all where none is named"
    )
    deletions_minutes: int = Field(15, ge=0, description="how often, in minutes, the list of what was archived is read")
    web_app: str = Field("https://app.hubspot.com", description="address of the web app, to which cases are linked")


class HubSpot(Connector):
    """One HubSpot account, as far as its private app may see it."""

    system = "hubspot"
    Config = HubSpotConfig
    config: HubSpotConfig
    authors = "owners"

    owners = Stream("crm/v3/owners/", ("id",), "person")
    contacts = _indexed("crm/v3/objects/contacts", "person")
    companies = _indexed("crm/v3/objects/companies", "group")
    tickets = _indexed("crm/v3/objects/tickets", "case")
    deals = _indexed("crm/v3/objects/deals", "case")
    notes = _indexed("crm/v3/objects/notes", "message")

    def make_client(self) -> Client:
        token = BearerToken.fixed(self.config.password.get_secret_value())
        return Client(self.config.host, auth=token, throttle=self.throttle, error_map=error_of)

    @cached_property
    def account(self) -> Native:
        """What HubSpot says of the token: `hubId` and `scopes`."""
        asked = {"tokenKey": self.config.password.get_secret_value()}
        answer = self.client.post("oauth/v2/private-apps/get/access-token-info", json=asked, safe=True)
        answer.part("hubId", int)
        return answer.part("", dict)

    @cached_property
    def associations(self) -> Associations:
        return Associations(self.client)

    @cached_property
    def pipelines(self) -> dict[str, Pipelines]:
        return {name: Pipelines(self.client, OBJECTS[name], self.config.pipelines) for name in ("tickets", "deals")}

    def check(self) -> Account:
        scopes = set(self.account.get("scopes") or ())
        used, marker = used_streams(SCOPES, scopes), self.config.marker_property
        path = "crm/v3/properties/{object}/{property}"
        marked = [name for name in used if name in MARKED]
        unmarked = [
            one for one in marked if not self.client.find(path, path_params={"object": one, "property": marker})
        ]
        known = {id for name, held in self.pipelines.items() if name in used for id in held.ids}
        lacking = [f"property {marker} of {name}" for name in unmarked]
        lacking += [f"pipeline {id}" for id in self.config.pipelines if id not in known]
        return Account.of(f"HubSpot account {self.account['hubId']}", SCOPES, scopes, lacking)

    # Reading

    @lists(owners)
    def all_owners(self) -> Iterator[Native]:
        """Always in full: there are few. Who was deactivated is listed apart."""
        for archived in ("false", "true"):
            yield from self.client.items(self.owners.path, PAGES, params={"archived": archived})

    @reads(contacts, companies, tickets, deals, notes)
    def read_objects(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        since, looked, now = kept(cursor, "since", datetime), kept(cursor, "looked", datetime), datetime.now(UTC)
        newest = yield from self.followed(stream, self._pages(stream, since), cursor["since"] if since else "")
        if looked and now - looked >= timedelta(minutes=self.config.deletions_minutes):
            yield from self.followed(stream, self._archived(stream, looked - CHANGED.lag))
            looked = now
        yield from ended(cursor, {"since": newest, "looked": (looked or now).isoformat()} if newest else None)

    def _pages(self, stream: Stream, since: datetime | None) -> Iterator[Page]:
        """All there is, or what a search finds; with the associations, of which neither says all."""
        kind, told = OBJECTS[stream.name], self._properties(stream)
        if since:
            search = changed_since(since - CHANGED.lag, kind.changed, told)
            pages = self.client.pages(f"{stream.path}/search", search, json={}, cost=SEARCH_COST)
        else:
            params = {"archived": "false", "properties": ",".join(told)}
            pages = self.client.pages(stream.path, PAGES, params=params)
        for page in pages:
            linked = self.associations.of(kind, [str(raw["id"]) for raw in page.items if raw.get("id")])
            found = [raw | {LINKED: linked.get(str(raw.get("id")))} for raw in page.items]
            yield replace(page, items=[*found, *(merged(found) if since else ())])

    def _archived(self, stream: Stream, since: datetime) -> Iterator[Page]:
        """The recycle bin, which HubSpot lists by nothing but id; it keeps 90 days."""
        for page in self.client.pages(stream.path, PAGES, params={"archived": "true"}):
            found = [raw for raw in page.items if datetime.fromisoformat(raw["archivedAt"]) >= since]
            yield replace(page, items=found)

    def _properties(self, stream: Stream) -> tuple[str, ...]:
        marker = (self.config.marker_property,) if stream.name in MARKED else ()
        return (*OBJECTS[stream.name].properties, MERGED, *marker)

    def record_of(self, stream: Stream, raw: Native) -> Record | Gone:
        key = stream.key_of(raw)
        if stream is self.owners:
            return Record(key, {name: raw.get(name) for name in OWNER})
        if raw.get("archived"):
            return Gone(key)
        kind = OBJECTS[stream.name]
        native, marker = kind.flat(raw), raw["properties"].get(self.config.marker_property)
        if kind.stage:
            pipelines, base = self.pipelines[stream.name], self.config.web_app.rstrip("/")
            if not pipelines.holds(native):
                return Gone(key)  # moved to a pipeline that is not read
            native["stage"] = pipelines.label(native)
            native["url"] = f"{base}/contacts/{self.account['hubId']}/record/{kind.code}/{key}"
        return Record(key, native, marker or None)

    # Writing

    @writes((tickets, deals, notes), "create")
    def create(self, stream: Stream, native: Native, marker: str) -> Native:
        kind = OBJECTS[stream.name]
        placed = self.pipelines[stream.name].placed(native) if kind.stage else native
        data = {**kind.born(placed), self.config.marker_property: marker}
        answer = self.client.post(stream.path, json={"properties": data, "associations": kind.associations(native)})
        # The answer is all that is needed: asking once more could fail, and leave a doubt about what was done.
        return self.native_of(stream, answer, **{LINKED: {link: native.get(link) for link in kind.links}})

    @writes((tickets, deals, notes), "update")
    def update(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        kind = OBJECTS[stream.name]
        if "stage" in changes:
            changes = self.pipelines[stream.name].placed(changes, str(self._one(stream, key)[kind.pipeline]))
        if data := kind.written(changes):
            self.client.patch(f"{stream.path}/{{key}}", path_params={"key": key}, json={"properties": data}, safe=True)
        self.associations.change(kind, key, changes)
        return self._one(stream, key)

    @writes((tickets, deals, notes), "delete")
    def delete(self, stream: Stream, key: str, marker: str) -> None:
        self.client.remove(f"{stream.path}/{{key}}", path_params={"key": key})

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By the marker's property, and never by a search: its index is late, and a second copy would be made."""
        if stream == "notes":
            return self._find_note(native, marker)
        try:
            return self._one(self.streams()[stream], marker, idProperty=self.config.marker_property)
        except NotFound:
            return None

    # Steps of the above

    def _one(self, stream: Stream, key: str, **params: str) -> Native:
        params["properties"] = ",".join(self._properties(stream))
        answer = self.client.get(f"{stream.path}/{{key}}", path_params={"key": key}, params=params)
        id = answer.part("id", str)
        return self.native_of(stream, answer, **{LINKED: self.associations.of(OBJECTS[stream.name], [id])[id]})

    def _find_note(self, native: Native, marker: str) -> Native | None:
        """Among the newest notes of its case."""
        links = OBJECTS["notes"].links
        case = "ticket" if native.get("ticket") else "deal"
        ids = self.associations.newest(links[case].to, str(native[case]), "notes", PAGES.size)
        body = {"inputs": [{"id": id} for id in ids], "properties": self._properties(self.notes)}
        path, asked = f"{self.notes.path}/batch/read", {**body, "propertiesWithHistory": []}
        for raw in self.client.post(path, json=asked, safe=True).part("results", list) if ids else ():
            found = self.record_of(self.notes, raw | {LINKED: {link: native.get(link) for link in links}})
            if isinstance(found, Record) and found.marker == marker:
                return found.native
        return None
