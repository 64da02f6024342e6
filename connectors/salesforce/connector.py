"""Salesforce as CRM: users, accounts, contacts, cases and the comments on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from connectors.salesforce import bulk, natives
from connectors.salesforce.errors import RIGHTS, error_of
from connectors.salesforce.objects import CHANGED, NEEDS, OBJECTS, literal, moment
from connectors.salesforce.signin import SalesforceConfig, token_of
from landbridge.connector import (
    Account,
    Checkpoint,
    Complete,
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
from landbridge.errors import ExpiredCursor, NotFound, RecordError, ScopeError, TransientError
from landbridge.http import Answer, Client, LinkPages, Page

# SystemModstamp is set when a transaction writes, and seen when it commits.
LAG = timedelta(minutes=10)
PAGES = LinkPages(path="nextRecordsUrl", items="records", total="totalSize")
NEWEST = 200


class Salesforce(Connector):
    """One organisation, as far as Landbridge's user may see it."""

    system = "salesforce"
    Config = SalesforceConfig
    config: SalesforceConfig

    users = Stream("User", ("Id",), "person")
    accounts = Stream("Account", ("Id",), "group", reports_gone=True)
    contacts = Stream("Contact", ("Id",), "person", reports_gone=True)
    cases = Stream("Case", ("Id",), "case", reports_gone=True)
    comments = Stream("CaseComment", ("Id",), "message", reports_gone=True)

    def make_client(self) -> Client:
        return Client(self.config.host, auth=token_of(self.config), throttle=self.throttle, error_map=error_of)

    @cached_property
    def bulk_client(self) -> Client:
        """The same, but it waits for jobs."""
        return Client(
            self.config.host,
            auth=token_of(self.config),
            throttle=self.throttle,
            error_map=bulk.waiting(error_of),
            retries=bulk.PATIENCE,
        )

    def close(self) -> None:
        super().close()
        if "bulk_client" in self.__dict__:
            self.bulk_client.close()

    @property
    def _api(self) -> str:
        return f"services/data/v{self.config.version}"

    @cached_property
    def me(self) -> str:
        """The id of Landbridge's own user, from what every API user is told; the user's page of OAuth needs more scopes."""
        identity = self.client.get(f"{self._api}/").part("identity", str)
        return identity.rpartition("/")[2]

    def check(self) -> Account:
        """What the user may do with which object, and which fields it may not see."""
        rows = self.client.get(f"{self._api}/sobjects").part("sobjects", list)
        rights: dict[str, Native] = {row["name"]: row for row in rows}
        held = {stream: rights.get(OBJECTS[stream].name, {}) for stream in NEEDS}
        used = [stream for stream, needs in NEEDS.items() if held[stream].get(needs[0])]
        missing = [
            f"{OBJECTS[stream].name}: {right}"
            for stream in used or NEEDS
            for right in NEEDS[stream]
            if not held[stream].get(right)
        ]
        missing += [f"{OBJECTS[stream].name}.{field}" for stream in used for field in self._hidden(stream)]
        detail = f"May read {', '.join(used)}." if used else "May read none of the streams."
        path, named = f"{self._api}/sobjects/User/{{key}}", {"key": self.me}
        name = self.client.get(path, path_params=named, params={"fields": "Username"}).part("Username", str)
        return Account(name, tuple(missing), detail)

    def _hidden(self, stream: str) -> list[str]:
        kind = OBJECTS[stream]
        answer = self.client.get(f"{self._api}/sobjects/{{object}}/describe", path_params={"object": kind.name})
        shown = {field["name"] for field in answer.part("fields", list)}
        wanted = (*kind.fields, self._marker(self.streams()[stream]))
        return [field for field in wanted if field and field not in shown]

    # Reading

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.users, cursor)

    @reads(accounts)
    def read_accounts(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.accounts, cursor)

    @reads(contacts)
    def read_contacts(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.contacts, cursor)

    @reads(cases)
    def read_cases(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.cases, cursor)

    @reads(comments)
    def read_comments(self, cursor: Any) -> Iterator[Item]:
        return self._read(self.comments, cursor)

    def _read(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        since, newest = _since(cursor), ""
        for page in self._changed(stream, since - LAG) if since else self._all(stream):
            for raw in page.items:
                newest = max(newest, natives.changed(raw))
                yield Gone(str(raw["Id"])) if natives.is_deleted(raw) else self._item(stream, raw)
        if newest or since:
            yield Checkpoint({"since": max(newest, moment(since) if since else "")})
        if not since:
            yield Complete()

    def _all(self, stream: Stream) -> Iterator[Page]:
        soql = OBJECTS[stream.name].soql(self._marker(stream))
        if self.config.bulk:
            return bulk.records(self.bulk_client, self._api, soql)
        return self.client.pages(f"{self._api}/query", PAGES, params={"q": soql})

    def _changed(self, stream: Stream, since: datetime) -> Iterator[Page]:
        """With what lies in the recycle bin."""
        where = f"{CHANGED} >= {moment(since)}"
        soql = OBJECTS[stream.name].soql(self._marker(stream), where=where, last=f"ORDER BY {CHANGED}")
        return self.client.pages(f"{self._api}/queryAll", PAGES, params={"q": soql})

    def _marker(self, stream: Stream) -> str:
        return self.config.marker_field if stream.name == "cases" else ""

    def _item(self, stream: Stream, raw: Native) -> Record | Failure:
        try:
            return Record(str(raw["Id"]), self._native(stream.name, raw), self._mark_of(stream.name, raw))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            key = str(raw["Id"]) if raw.get("Id") else None
            return Failure(key, RecordError(f"A record of {stream.name} is not as expected ({type(error).__name__})."))

    def _native(self, name: str, raw: Native) -> Native:
        native = natives.plain(OBJECTS[name], raw)
        if name == "cases":
            native["url"] = f"{self.config.host.rstrip('/')}/lightning/r/Case/{native['Id']}/view"
        if name == "comments":
            # Whose words ours are stands in their text.
            ours = native["CreatedById"] == self.me
            native["author"] = None if ours else native["CreatedById"]
        return native

    def _mark_of(self, name: str, raw: Native) -> str | None:
        if name == "comments" and raw["CreatedById"] == self.me:
            return f"own {raw['Id']}"  # nobody else writes by this user: what the hub does not know of it is an echo
        return raw.get(self.config.marker_field) or None

    # Cases

    @writes(cases, "create")
    def create_case(self, native: Native, marker: str) -> Native:
        """By the external id: Salesforce itself makes one of two attempts."""
        data = {key: value for key, value in natives.written(OBJECTS["cases"], native).items() if value is not None}
        path = f"{self._api}/sobjects/Case/{{field}}/{{marker}}"
        named = {"field": self.config.marker_field, "marker": marker}
        made = self.client.patch(path, path_params=named, json=data, safe=True)
        return self._one("cases", made.part("id", str))

    @writes(cases, "update")
    def update_case(self, key: str, changes: Native, marker: str) -> Native:
        return self._update("cases", key, changes)

    @writes(cases, "delete")
    def delete_case(self, key: str, marker: str) -> None:
        self._delete("cases", key)

    # Comments

    @writes(comments, "create")
    def create_comment(self, native: Native, marker: str) -> Native:
        case, text = _new_comment(native)
        data = {"ParentId": case, "CommentBody": text, "IsPublished": bool(native.get("IsPublished"))}
        made = self.client.post(f"{self._api}/sobjects/CaseComment", json=data)
        try:
            return self._one("comments", made.part("id", str))
        except TransientError as error:
            error.uncertain = True  # it is written: before another attempt it has to be looked up
            raise

    @writes(comments, "update")
    def update_comment(self, key: str, changes: Native, marker: str) -> Native:
        return self._update("comments", key, changes)

    @writes(comments, "delete")
    def delete_comment(self, key: str, marker: str) -> None:
        self._delete("comments", key)

    # Steps of the above

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """A case by its external id. A comment by its text among our newest of the case: it has no room for a mark."""
        if stream == "comments":
            return self._find_comment(*_new_comment(native))
        path = f"{self._api}/sobjects/Case/{{field}}/{{marker}}"
        try:
            found = self.client.get(path, path_params={"field": self.config.marker_field, "marker": marker})
        except NotFound:
            return None
        return self._told("cases", found)

    def _find_comment(self, case: str, text: str) -> Native | None:
        where = f"ParentId = {literal(case)} AND CreatedById = {literal(self.me)}"
        soql = OBJECTS["comments"].soql(where=where, last=f"ORDER BY CreatedDate DESC LIMIT {NEWEST}")
        rows = self.client.get(f"{self._api}/query", params={"q": soql}).part("records", list)
        return next((self._native("comments", raw) for raw in rows if raw["CommentBody"] == text), None)

    def _update(self, name: str, key: str, changes: Native) -> Native:
        kind = OBJECTS[name]
        data = {field: value for field, value in natives.written(kind, changes).items() if field != "ParentId"}
        if data:
            named = {"object": kind.name, "key": key}
            self.client.patch(f"{self._api}/sobjects/{{object}}/{{key}}", path_params=named, json=data, safe=True)
        return self._one(name, key)

    def _delete(self, name: str, key: str) -> None:
        try:
            named = {"object": OBJECTS[name].name, "key": key}
            self.client.delete(f"{self._api}/sobjects/{{object}}/{{key}}", path_params=named)
        except NotFound:
            pass

    def _one(self, name: str, key: str) -> Native:
        named = {"object": OBJECTS[name].name, "key": key}
        answer = self.client.get(f"{self._api}/sobjects/{{object}}/{{key}}", path_params=named)
        return self._told(name, answer)

    def _told(self, name: str, answer: Answer) -> Native:
        """Of one record Salesforce leaves out what the user may not see, where it refuses a query for it."""
        raw = answer.part("", dict)
        if hidden := [field for field in OBJECTS[name].fields if field not in raw]:
            raise ScopeError(f"{answer.where}: Salesforce hides {', '.join(hidden)}.", remedy=RIGHTS)
        return self._native(name, raw)


def _new_comment(native: Native) -> tuple[str, str]:
    case, text = native.get("ParentId"), native.get("CommentBody")
    if not case or not text:
        raise RecordError("A new comment needs a case and a text.")
    return str(case), str(text)


def _since(cursor: Any) -> datetime | None:
    if cursor is None:
        return None
    try:
        return datetime.fromisoformat(cursor["since"])
    except (KeyError, TypeError, ValueError):
        raise ExpiredCursor("The stored cursor is not one of this connector.") from None
