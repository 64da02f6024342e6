"""Tryton: employees and departments as HR, opportunities and their notes as CRM, over its REST interface."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import Field, SecretStr

from connectors.tryton import natives, rest
from connectors.tryton.natives import ACCOUNT, CASES, DEPARTMENTS, EMPLOYEES, NOTES, Row
from landbridge.connector import (
    Account,
    ConnectionConfig,
    Connector,
    Item,
    Record,
    Stream,
    ended,
    kept,
    lists,
    makes,
    reads,
    writes,
)
from landbridge.errors import AuthError, ConfigError, NotFound, RecordError
from landbridge.http import Answer, BearerToken, Client

# Tryton dates a change when its transaction begins; one that takes longer than this before it commits (an import) is
# seen by the next full read only.
OVERLAP = timedelta(minutes=10)
PAGE = 100
NEEDS = {
    "employees": (f"{EMPLOYEES}: read", "party.party: read", f"{DEPARTMENTS}: read"),
    "departments": (f"{DEPARTMENTS}: read",),
    "opportunities": (f"{CASES}: read", "party.party: read", f"{EMPLOYEES}: read", f"{DEPARTMENTS}: read"),
    "notes": (f"{CASES}: read", f"{CASES}: write", *(f"{NOTES}: {mode}" for mode in ("read", "create", "delete")),
              f"{ACCOUNT}: read"),
}  # fmt: skip


class TrytonConfig(ConnectionConfig):
    """`login` is optional and only compared with the key's owner."""

    password: None = None
    database: str = Field(pattern=r"^[\w.-]+$", description="name of the database, as it stands in Tryton's addresses")
    application_key: SecretStr = Field(description="key of the account's user application of the kind REST, validated")
    web_client: str | None = Field(
        None,
        pattern=r"^https?://",
        description="address of the web client, e.g. https://erp.example.org; cases are then linked to it",
    )


class Tryton(Connector):
    """One account of one Tryton; which streams it reads is a matter of its rights and of config/systems.yaml."""

    system = "tryton"
    Config = TrytonConfig
    config: TrytonConfig

    departments = Stream(path=DEPARTMENTS, key=("id",), kind="group")
    employees = Stream(path=EMPLOYEES, key=("id",), kind="person", native=natives.employee)
    opportunities = Stream(path=CASES, key=("id",), kind="case")
    notes = Stream(path=NOTES, key=("id",), kind="message")

    def make_client(self) -> Client:
        return Client(
            f"{self.config.host.rstrip('/')}/{self.config.database}/rest/model",
            auth=BearerToken.fixed(self.config.application_key.get_secret_value()),
            throttle=self.throttle,
            headers=rest.headers(),
            error_map=lambda answer: rest.refusal(answer, natives.KNOWN),
        )

    @cached_property
    def me(self) -> Row:
        """The user whose key this is: `id` and `login`."""
        preferences = self.client.post(f"{ACCOUNT}/get_preferences", json={}, safe=True).part("", dict)
        rows = list(self._rows(ACCOUNT, ("login",), [["applications", "in", preferences.get("applications") or []]]))
        if len(rows) != 1:
            raise ConfigError("Tryton does not say whose key this is.", remedy="Make the key anew: user, applications.")
        if self.config.login not in (None, rows[0]["login"]):
            raise AuthError("The application key belongs to another user than the connection's login.")
        return rows[0]

    def check(self) -> Account:
        models = sorted({need.partition(":")[0] for needs in NEEDS.values() for need in needs})
        answer = self.client.post("ir.model.access/get_access", json={"models": models}, safe=True)
        access = answer.part("", dict)
        if not access.keys() >= set(models):
            raise answer.unlike("the rights of each model that was asked for", "those of fewer")
        held = {f"{model}: {mode}" for model, modes in access.items() for mode, has in modes.items() if has}
        return Account.of(self.me["login"], NEEDS, held)

    @lists(employees)
    def all_employees(self) -> Iterator[Row]:
        """Always in full: people leave by the calendar alone, and a change of name or address is dated elsewhere."""
        return self._rows(EMPLOYEES, natives.EMPLOYEE)

    @lists(departments)
    def all_departments(self) -> Iterator[Row]:
        return self._rows(DEPARTMENTS, natives.DEPARTMENT)

    @reads(opportunities)
    def read_opportunities(self, cursor: Any) -> Iterator[Item]:
        newest = _since(cursor)
        for row in self._rows(CASES, (*natives.OPPORTUNITY, *natives.MOVED), _moved(natives.MOVED, newest)):
            newest = max(newest, natives.take_newest(row, natives.MOVED))
            yield self.item(self.opportunities, row)
        yield from ended(cursor, {"since": newest} if newest else None)

    @reads(notes)
    def read_notes(self, cursor: Any) -> Iterator[Item]:
        """Through their opportunities: Tryton lets notes be searched for one resource at a time only."""
        newest = _since(cursor)
        moved = _moved(tuple(f"notes.{field}" for field in natives.NOTE_MOVED), newest)
        for row in self._rows(CASES, natives.NESTED_NOTE, moved or [["notes", "!=", None]]):
            for note in sorted(row["notes"], key=lambda note: int(note["id"])):
                newest = max(newest, *(note[field] or "" for field in natives.NOTE_MOVED))
                yield self.item(self.notes, note | {"case": row["id"]})
        yield from ended(cursor, {"since": newest} if newest else None)

    @makes(notes)
    def said(self, raw: Row) -> Record:
        """Nobody else writes by this account: a note of ours that the hub does not know is an echo, never news."""
        marker, row = f"own {raw['id']}" if self._is_ours(raw) else None, dict(raw)
        return Record(self.notes.key_of(raw), self._note(row, row.pop("case")), marker)

    @writes(notes, "create")
    def create_note(self, native: Row, marker: str) -> Row:
        case, message = _new_note(native)
        body = {"resource": f"{CASES},{case}", "message": message}
        answer = self.client.post(NOTES, json=body, params={"f": list(natives.NOTE)})
        return self._note(self._row(answer, natives.NOTE, NOTES), case)

    @writes(notes, "update")
    def update_note(self, key: str, changes: Row, marker: str) -> Row:
        """Tryton lets nobody change a note: another takes its place, in one transaction, and has another key."""
        message = changes.get("message")
        if not message:
            raise RecordError("A note needs a text.")
        try:
            self._through_case(self._case_of(key), ["create", [{"message": message}]], ["delete", [int(key)]])
        except NotFound:
            pass  # removed by somebody, or replaced by an earlier attempt whose answer was lost
        found = next(self._ours(message, [["notes.id", ">", int(key)]], after=int(key)), None)
        if found is None:
            raise NotFound("The note was removed meanwhile.")
        return found

    @writes(notes, "delete")
    def delete_note(self, key: str, marker: str) -> None:
        try:
            self._through_case(self._case_of(key), ["delete", [int(key)]])
        except NotFound:
            pass

    def alike(self, stream: str, native: Row) -> Iterator[Row]:
        """By text: a note has no room for a marker."""
        case, message = _new_note(native)
        return self._ours(message, [["id", "=", case]])

    # Steps of the above

    def _rows(self, model: str, fields: tuple[str, ...], domain: rest.Domain | None = None) -> Iterator[Row]:
        for page in self.client.pages(model, rest.by_id(domain or [], PAGE), params={"f": list(fields)}):
            for row in page.items:
                rest.require(row, fields, model)
                yield rest.decoded(row)

    @makes(opportunities)
    def _opportunity(self, row: Row) -> Row:
        base = self.config.web_client
        return natives.opportunity(row, f"{base.rstrip('/')}/#{self.config.database}" if base else None)

    def _note(self, row: Row, case: int) -> Row:
        return natives.note(row, case, self.me["id"])

    def _case_of(self, key: str) -> int:
        answer = self.client.get(f"{NOTES}/{{id}}", path_params={"id": key}, params={"f": ["resource"]})
        return natives.case_of(self._row(answer, ("resource",), NOTES))

    def _through_case(self, case: int, *changes: list[Any]) -> None:
        """Tryton's REST interface looks a note up before it changes it, which only administrators may."""
        self.client.put(f"{CASES}/{{id}}", path_params={"id": case}, json={"notes": changes}, params={"f": ["number"]})

    def _ours(self, message: str, cases: rest.Domain, after: int = 0) -> Iterator[Row]:
        """Our notes with this text among those of the opportunities that the domain names, the newest first."""
        rows = self._rows(CASES, natives.NESTED_NOTE, [["notes.message", "=", message], *cases])
        found = [
            (note, row["id"])
            for row in rows
            for note in row["notes"]
            if note["message"] == message and self._is_ours(note) and note["id"] > after
        ]
        for note, case in sorted(found, key=lambda one: int(one[0]["id"]), reverse=True):
            yield self._note(note, case)

    def _is_ours(self, note: Row) -> bool:
        return bool((note["create_uid"] or {}).get("id") == self.me["id"])

    @staticmethod
    def _row(answer: Answer, fields: tuple[str, ...], model: str) -> Row:
        row = answer.part("", dict)
        rest.require(row, fields, model)
        found: Row = rest.decoded(row)
        return found


def _new_note(native: Row) -> tuple[int, str]:
    case, message = native.get("opportunity"), native.get("message")
    if not case or not message:
        raise RecordError("A new note needs an opportunity and a text.")
    return int(case), str(message)


def _since(cursor: Any) -> str:
    """The time in a cursor, empty for a full read."""
    since = kept(cursor, "since", datetime)
    return rest.iso(since) if since else ""


def _moved(fields: tuple[str, ...], since: str) -> rest.Domain:
    if not since:
        return []
    after = rest.moment(datetime.fromisoformat(since) - OVERLAP)
    return [["OR", *([field, ">", after] for field in fields)]]
