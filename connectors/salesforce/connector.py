"""Salesforce as CRM: users, accounts, contacts, cases and the comments on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any

from connectors.salesforce import bulk
from connectors.salesforce.errors import RIGHTS, error_of
from connectors.salesforce.objects import CHANGED, NEEDS, OBJECTS, is_deleted, literal, moment
from connectors.salesforce.signin import SalesforceConfig, token_of
from landbridge.connector import (
    Account,
    Connector,
    Gone,
    Native,
    Record,
    Since,
    Stream,
    in_doubt,
    time_of,
    used_streams,
    writes,
)
from landbridge.errors import RecordError, ScopeError
from landbridge.http import Answer, Client, LinkPages, Page

# SystemModstamp is set when a transaction writes, and seen when it commits.
STAMP = Since(CHANGED, lag=timedelta(minutes=10))
PAGES = LinkPages(path="nextRecordsUrl", items="records", total="totalSize")
NEWEST = 200
ONE, BY_MARKER = "sobjects/{object}/{key}", "sobjects/Case/{field}/{marker}"


class Salesforce(Connector):
    """One organisation, as far as Landbridge's user may see it."""

    system = "salesforce"
    Config = SalesforceConfig
    config: SalesforceConfig

    users = Stream("User", ("Id",), "person", since=STAMP)
    accounts = Stream("Account", ("Id",), "group", since=STAMP, reports_gone=True)
    contacts = Stream("Contact", ("Id",), "person", since=STAMP, reports_gone=True)
    cases = Stream("Case", ("Id",), "case", since=STAMP, reports_gone=True)
    comments = Stream("CaseComment", ("Id",), "message", since=STAMP, reports_gone=True)

    def make_client(self) -> Client:
        return self._client(error_map=error_of)

    @cached_property
    def bulk_client(self) -> Client:
        """The same, but it waits for jobs."""
        return self._client(error_map=bulk.waiting(error_of), retries=bulk.PATIENCE)

    def _client(self, **options: Any) -> Client:
        base = f"{self.config.host.rstrip('/')}/services/data/v{self.config.version}"
        return Client(base, auth=token_of(self.config), throttle=self.throttle, **options)

    @cached_property
    def me(self) -> str:
        """The id of Landbridge's own user, from what every API user is told; the user's page of OAuth needs more scopes."""
        return self.client.get("").part("identity", str).rpartition("/")[2]

    def check(self) -> Account:
        """What the user may do with which object, and which fields it may not see."""
        rows = self.client.get("sobjects").part("sobjects", list)
        held = {f"{row['name']}: {right}" for row in rows for right, has in row.items() if has is True}
        used = [self.streams()[name] for name in used_streams(NEEDS, held)]
        hidden = [f"{stream.path}.{field}" for stream in used for field in self.hidden(stream)]
        asked = {"object": "User", "key": self.me}
        name = self.client.get(ONE, path_params=asked, params={"fields": "Username"}).part("Username", str)
        return Account.of(name, NEEDS, held, hidden)

    def hidden(self, stream: Stream) -> list[str]:
        """The fields of a stream that Landbridge's user may not see."""
        answer = self.client.get("sobjects/{object}/describe", path_params={"object": stream.path})
        shown = {field["name"] for field in answer.part("fields", list)}
        wanted = (*OBJECTS[stream.name].fields, self._marker(stream))
        return [field for field in wanted if field and field not in shown]

    # Reading

    def pages_of(self, stream: Stream, since: str) -> Iterator[Page]:
        """What changed comes with what lies in the recycle bin."""
        kind, marker = OBJECTS[stream.name], self._marker(stream)
        if since:
            where = f"{CHANGED} >= {moment(time_of(since))}"
            asked = {"q": kind.soql(marker, where=where, last=f"ORDER BY {CHANGED}")}
            return self.client.pages("queryAll", PAGES, params=asked)
        if self.config.bulk:
            return bulk.records(self.bulk_client, kind.soql(marker))
        return self.client.pages("query", PAGES, params={"q": kind.soql(marker)})

    def record_of(self, stream: Stream, raw: Native) -> Record | Gone:
        key, marker = stream.key_of(raw), raw.get(self._marker(stream))
        if is_deleted(raw):
            return Gone(key)
        native = OBJECTS[stream.name].plain(raw)
        if stream is self.cases:
            native["url"] = f"{self.config.host.rstrip('/')}/lightning/r/Case/{key}/view"
        if stream is self.comments:
            # Whose words ours are stands in their text. Nobody else writes by this user: what the hub does not know of
            # it is an echo.
            ours = native["CreatedById"] == self.me
            native["author"], marker = (None, f"own {key}") if ours else (native["CreatedById"], None)
        return Record(key, native, marker or None)

    def native_of(self, stream: Stream, answer: Answer, **more: Any) -> Native:
        """Of one record Salesforce leaves out what the user may not see, where it refuses a query for it."""
        told = answer.part("", dict)
        if hidden := [field for field in OBJECTS[stream.name].fields if field not in told]:
            raise ScopeError(f"{answer.where}: Salesforce hides {', '.join(hidden)}.", remedy=RIGHTS)
        return super().native_of(stream, answer, **more)

    def _marker(self, stream: Stream) -> str:
        return self.config.marker_field if stream is self.cases else ""

    # Writing

    @writes(cases, "create")
    def create_case(self, native: Native, marker: str) -> Native:
        """By the external id: Salesforce itself makes one of two attempts."""
        data = {key: value for key, value in OBJECTS["cases"].written_of(native).items() if value is not None}
        made = self.client.patch(BY_MARKER, path_params=self._marked(marker), json=data, safe=True)
        return self._one(self.cases, made.part("id", str))

    @writes(comments, "create")
    def create_comment(self, native: Native, marker: str) -> Native:
        case, text = _new_comment(native)
        data = {"ParentId": case, "CommentBody": text, "IsPublished": bool(native.get("IsPublished"))}
        made = self.client.post("sobjects/CaseComment", json=data)
        with in_doubt():
            return self._one(self.comments, made.part("id", str))

    @writes((cases, comments), "update")
    def update(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        data = OBJECTS[stream.name].written_of(changes)
        data.pop("ParentId", None)
        if data:
            self.client.patch(ONE, path_params={"object": stream.path, "key": key}, json=data, safe=True)
        return self._one(stream, key)

    @writes((cases, comments), "delete")
    def delete(self, stream: Stream, key: str, marker: str) -> None:
        self.client.remove(ONE, path_params={"object": stream.path, "key": key})

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """A case, by its external id."""
        found = self.client.find(BY_MARKER, path_params=self._marked(marker)) if stream == "cases" else None
        return self.native_of(self.cases, found) if found else None

    def alike(self, stream: str, native: Native) -> Iterator[Native]:
        """A comment has no room for a mark: those of ours with the same text, among the newest of the case."""
        if stream != "comments":
            return
        case, text = _new_comment(native)
        where = f"ParentId = {literal(case)} AND CreatedById = {literal(self.me)}"
        soql = OBJECTS["comments"].soql(where=where, last=f"ORDER BY CreatedDate DESC LIMIT {NEWEST}")
        rows = self.client.get("query", params={"q": soql}).part("records", list)
        found = (self.record_of(self.comments, raw) for raw in rows if raw["CommentBody"] == text)
        yield from (one.native for one in found if isinstance(one, Record))

    # Steps of the above

    def _one(self, stream: Stream, key: str) -> Native:
        return self.native_of(stream, self.client.get(ONE, path_params={"object": stream.path, "key": key}))

    def _marked(self, marker: str) -> dict[str, str]:
        return {"field": self.config.marker_field, "marker": marker}


def _new_comment(native: Native) -> tuple[str, str]:
    case, text = native.get("ParentId"), native.get("CommentBody")
    if not case or not text:
        raise RecordError("A new comment needs a case and a text.")
    return str(case), str(text)
