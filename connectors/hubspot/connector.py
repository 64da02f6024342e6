"""HubSpot as CRM: owners, contacts, companies, tickets and deals as cases, and the notes on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import Field, SecretStr

from connectors.hubspot import natives
from connectors.hubspot.associations import Associations
from connectors.hubspot.errors import error_of
from connectors.hubspot.natives import Linked
from connectors.hubspot.objects import MARKED, MERGED, OBJECTS, SCOPES
from connectors.hubspot.pipelines import Pipelines
from connectors.hubspot.search import ChangedById, time_of
from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
    ConnectionConfig,
    Connector,
    Failure,
    Gone,
    Item,
    Record,
    Stream,
    reads,
    writes,
)
from landbridge.connector.items import Native
from landbridge.errors import NotFound, RecordError
from landbridge.http import BearerToken, Client, CursorPages, Page

# The search index follows what is written with a delay that HubSpot calls "a few moments".
LAG = timedelta(minutes=10)
PAGES = CursorPages("after", "paging.next.after", items="results", size_param="limit", size=100)
# Searches are allowed five times a second, other calls at least ten times.
SEARCH_COST = 2.0


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
    contacts = Stream("crm/v3/objects/contacts", ("id",), "person", reports_gone=True)
    companies = Stream("crm/v3/objects/companies", ("id",), "group", reports_gone=True)
    tickets = Stream("crm/v3/objects/tickets", ("id",), "case", reports_gone=True)
    deals = Stream("crm/v3/objects/deals", ("id",), "case", reports_gone=True)
    notes = Stream("crm/v3/objects/notes", ("id",), "message", reports_gone=True)

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
        used = [stream for stream, needs in SCOPES.items() if needs[0] in scopes]
        missing = [scope for stream in used or SCOPES for scope in SCOPES[stream] if scope not in scopes]
        missing += [f"property {self.config.marker_property} of {name}" for name in self._unmarked(used)]
        known = {id for name, held in self.pipelines.items() if name in used for id in held.ids}
        missing += [f"pipeline {id}" for id in self.config.pipelines if id not in known]
        detail = f"May read {', '.join(used)}." if used else "May read none of the streams."
        return Account(f"HubSpot account {self.account['hubId']}", tuple(dict.fromkeys(missing)), detail)

    def _unmarked(self, used: list[str]) -> Iterator[str]:
        for name in used:
            if name in MARKED:
                try:
                    named = {"object": name, "property": self.config.marker_property}
                    self.client.get("crm/v3/properties/{object}/{property}", path_params=named)
                except NotFound:
                    yield name

    # Reading

    @reads(owners)
    def read_owners(self, cursor: Any) -> Iterator[Item]:
        """Always in full: there are few. Who was deactivated is listed apart."""
        for archived in ("false", "true"):
            for page in self.client.pages(self.owners.path, PAGES, params={"archived": archived}):
                for raw in page.items:
                    yield self.item(self.owners, {name: raw.get(name) for name in natives.OWNER})
        yield Complete()

    @reads(contacts)
    def read_contacts(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.contacts, cursor)

    @reads(companies)
    def read_companies(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.companies, cursor)

    @reads(tickets)
    def read_tickets(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.tickets, cursor)

    @reads(deals)
    def read_deals(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.deals, cursor)

    @reads(notes)
    def read_notes(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.notes, cursor)

    def _read(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        since, looked = time_of(cursor, "since"), time_of(cursor, "looked")
        newest, now = since, datetime.now(UTC)
        for page in self._changed(stream, since - LAG) if since else self._listed(stream):
            linked = self.associations.of(OBJECTS[stream.name], [str(raw["id"]) for raw in page.items if raw.get("id")])
            for raw in page.items:
                yield self._item(stream, raw, linked.get(str(raw.get("id")), {}))
                if since:
                    yield from map(Gone, natives.merged(raw))
            times = [datetime.fromisoformat(raw["updatedAt"]) for raw in page.items if raw.get("updatedAt")]
            newest = max([*times, *([newest] if newest else [])], default=None)
        if since and looked and now - looked >= timedelta(minutes=self.config.deletions_minutes):
            yield from self._archived(stream, looked - LAG)
            looked = now
        if newest:
            yield Checkpoint({"since": newest.isoformat(), "looked": (looked or now).isoformat()})
        if not since:
            yield Complete()

    def _listed(self, stream: Stream, archived: bool = False) -> Iterator[Page]:
        params = {"archived": str(archived).lower(), "properties": ",".join(self._properties(stream))}
        return self.client.pages(stream.path, PAGES, params=params)

    def _changed(self, stream: Stream, since: datetime) -> Iterator[Page]:
        pages = ChangedById(changed=OBJECTS[stream.name].changed, since=since, properties=self._properties(stream))
        return self.client.pages(f"{stream.path}/search", pages, json={}, cost=SEARCH_COST)

    def _archived(self, stream: Stream, since: datetime) -> Iterator[Item]:
        """The recycle bin, which HubSpot lists by nothing but id; it keeps 90 days."""
        for page in self.client.pages(stream.path, PAGES, params={"archived": "true"}):
            for raw in page.items:
                if datetime.fromisoformat(raw["archivedAt"]) >= since:
                    yield Gone(str(raw["id"]))

    def _properties(self, stream: Stream) -> tuple[str, ...]:
        marker = (self.config.marker_property,) if stream.name in MARKED else ()
        return (*OBJECTS[stream.name].properties, MERGED, *marker)

    def _item(self, stream: Stream, raw: Native, linked: Linked) -> Item:
        try:
            native, marker = self._native(stream.name, raw, linked)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            key = str(raw["id"]) if raw.get("id") else None
            return Failure(key, RecordError(f"A record of {stream.name} is not as expected ({type(error).__name__})."))
        if OBJECTS[stream.name].stage and not self.pipelines[stream.name].holds(native):
            return Gone(native["id"])  # moved to a pipeline that is not read
        return Record(native["id"], native, marker)

    def _native(self, name: str, raw: Native, linked: Linked) -> tuple[Native, str | None]:
        kind = OBJECTS[name]
        native, marker = natives.flat(kind, raw, linked, self.config.marker_property)
        if kind.stage:
            native["stage"] = self.pipelines[name].label(native)
            base = self.config.web_app.rstrip("/")
            native["url"] = f"{base}/contacts/{self.account['hubId']}/record/{kind.code}/{native['id']}"
        return native, marker

    # Writing

    @writes(tickets, "create")
    def create_ticket(self, native: Native, marker: str) -> Native:
        return self._create("tickets", self.pipelines["tickets"].placed(native), marker)

    @writes(tickets, "update")
    def update_ticket(self, key: str, changes: Native, marker: str) -> Native:
        return self._update("tickets", key, changes)

    @writes(tickets, "delete")
    def delete_ticket(self, key: str, marker: str) -> None:
        self._archive("tickets", key)

    @writes(deals, "create")
    def create_deal(self, native: Native, marker: str) -> Native:
        return self._create("deals", self.pipelines["deals"].placed(native), marker)

    @writes(deals, "update")
    def update_deal(self, key: str, changes: Native, marker: str) -> Native:
        return self._update("deals", key, changes)

    @writes(deals, "delete")
    def delete_deal(self, key: str, marker: str) -> None:
        self._archive("deals", key)

    @writes(notes, "create")
    def create_note(self, native: Native, marker: str) -> Native:
        if not (native.get("ticket") or native.get("deal")):
            raise RecordError("A new note needs a ticket or a deal.")
        return self._create("notes", native, marker)

    @writes(notes, "update")
    def update_note(self, key: str, changes: Native, marker: str) -> Native:
        return self._update("notes", key, changes)

    @writes(notes, "delete")
    def delete_note(self, key: str, marker: str) -> None:
        self._archive("notes", key)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By the marker's property, and never by a search: its index is late, and a second copy would be made."""
        if stream == "notes":
            return self._find_note(native, marker)
        try:
            return self._one(stream, marker, idProperty=self.config.marker_property)
        except NotFound:
            return None

    # Steps of the above

    def _create(self, name: str, native: Native, marker: str) -> Native:
        kind = OBJECTS[name]
        data = {**natives.new_properties(kind, native), self.config.marker_property: marker}
        body = {"properties": data, "associations": natives.associations(kind, native)}
        # The answer is all that is needed: asking once more could fail, and leave a doubt about what was done.
        answer = self.client.post(self.streams()[name].path, json=body)
        answer.part("properties", dict)
        return self._native(name, answer.part("", dict), {link: native.get(link) for link in kind.links})[0]

    def _update(self, name: str, key: str, changes: Native) -> Native:
        kind = OBJECTS[name]
        if "stage" in changes:
            changes = self.pipelines[name].placed(changes, str(self._one(name, key)[kind.pipeline]))
        path = f"{self.streams()[name].path}/{{key}}"
        if data := natives.properties(kind, changes):
            self.client.patch(path, path_params={"key": key}, json={"properties": data}, safe=True)
        if kind.links.keys() & changes.keys():
            self.associations.change(kind, key, changes)
        return self._one(name, key)

    def _archive(self, name: str, key: str) -> None:
        try:
            self.client.delete(f"{self.streams()[name].path}/{{key}}", path_params={"key": key})
        except NotFound:
            pass

    def _one(self, name: str, key: str, **params: str) -> Native:
        stream = self.streams()[name]
        params["properties"] = ",".join(self._properties(stream))
        raw = self.client.get(f"{stream.path}/{{key}}", path_params={"key": key}, params=params).part("", dict)
        id = str(raw["id"])
        return self._native(name, raw, self.associations.of(OBJECTS[name], [id])[id])[0]

    def _find_note(self, native: Native, marker: str) -> Native | None:
        """Among the newest notes of its case."""
        links = OBJECTS["notes"].links
        case = "ticket" if native.get("ticket") else "deal"
        ids = self.associations.newest(links[case].to, str(native[case]), "notes", PAGES.size)
        body = {"inputs": [{"id": id} for id in ids], "properties": self._properties(self.notes)}
        path, asked = f"{self.notes.path}/batch/read", {**body, "propertiesWithHistory": []}
        for raw in self.client.post(path, json=asked, safe=True).part("results", list) if ids else ():
            found, carried = self._native("notes", raw, {link: native.get(link) for link in links})
            if carried == marker:
                return found
        return None
