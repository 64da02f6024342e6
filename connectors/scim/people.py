"""Users: read in full or by what changed, created once, disabled and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.scim import natives
from connectors.scim.api import Api, Json, TakenError
from landbridge.connector import Failure, Item, Record, Stream, ended, finds, in_doubt, kept, reads, writes
from landbridge.errors import ExpiredCursor, RecordError, TransientError
from landbridge.http import get_path

LAG = timedelta(minutes=2)
CHANGED = "meta.lastModified"
EXISTS = "Link it to the person, or give one of the two another name."
NOT_READ_BACK = "The provider says that it was created, but has none of this name."


class Resources(Api):
    """What users and groups have in common."""

    def changed(self, stream: Stream, cursor: Any, make: Callable[[Json], Json], **params: str) -> Iterator[Item]:
        """All, or those changed since. Raises ExpiredCursor where the filter cannot be trusted."""
        since = _since(cursor)
        if since:
            params["filter"] = f'{CHANGED} ge "{since}"'
        newest, found = str((cursor or {}).get("newest", "")), False
        try:
            for page in self.listed(stream.path, **params):
                for raw in page.items:
                    found = True
                    newest = max(newest, str(get_path(raw, CHANGED) or ""))
                    yield _item(raw, make)
        except RecordError:
            if since:
                raise ExpiredCursor("The provider refuses to filter by the time of change.") from None
            raise
        if since and not found:
            # The newest of the last read has to be among what changed since shortly before it.
            raise ExpiredCursor("The newest record is gone, or the provider does not filter by the time of change.")
        goes_on = newest and self.config.changes and self.provider.filter and _moment(newest)
        yield from ended(cursor, {"newest": newest} if goes_on else None)

    def created(self, path: str, body: Json, marker: str, find: Callable[[], Json | None], name: str) -> Json:
        """The resource as it is now; `name` is the attribute that nobody else may have.

        A name that is taken is answered with 409, by some with 500 as if something were broken: then a look tells.
        """
        try:
            raw = self.client.post(path, json={"externalId": marker} | body).json()
        except (TakenError, TransientError) as error:
            if isinstance(error, TransientError) and not error.uncertain:
                raise
            with in_doubt():
                if (found := find()) is not None:
                    return found
                if isinstance(error, TakenError) or any(self.where(path, name, str(body[name]))):
                    raise RecordError(f"Another resource has this {name}.", remedy=EXISTS) from None
            raise
        with in_doubt():
            made = self.one(path, str(raw["id"]))[0] if isinstance(raw, dict) and raw.get("id") else find()
        if made is None:
            raise TransientError(NOT_READ_BACK, uncertain=True)
        return made


class Users(Resources):
    users = Stream(path="Users", key=("id",), kind="person")

    @reads(users)
    def read_users(self, cursor: Any) -> Iterator[Item]:
        yield from self.changed(self.users, cursor, self._native)

    @writes(users, "create")
    def create_user(self, native: Json, marker: str) -> Json:
        def find() -> Json | None:
            return self._ours(native, marker)

        return self._native(self.created("Users", natives.resource(native), marker, find, "userName"))

    @writes(users, "update")
    def update_user(self, key: str, changes: Json, marker: str) -> Json:
        return self._native(self.change("Users", key, natives.changes(changes)))

    @writes(users, "disable")
    def disable_user(self, key: str, marker: str) -> Json:
        return self._switched(key, active=False)

    @writes(users, "enable")
    def enable_user(self, key: str, marker: str) -> Json:
        return self._switched(key, active=True)

    @writes(users, "delete")
    def delete_user(self, key: str, marker: str) -> None:
        self.remove("Users", key)

    @finds(users)
    def find_user(self, native: Json, marker: str) -> Json | None:
        found = self._ours(native, marker)
        return self._native(found) if found else None

    # Steps of the above

    def _switched(self, key: str, *, active: bool) -> Json:
        """Of this a look has to show the proof: nobody notices a leaver who can still sign in."""
        native = self._native(self.change("Users", key, {("active",): active}))
        if native.get("active") is not active:
            raise RecordError(f"The provider does not show that the account is {'' if active else 'in'}active.")
        return native

    def _native(self, raw: Json) -> Json:
        return natives.user(raw, self.supported)

    def _ours(self, native: Json, marker: str) -> Json | None:
        """By our marker; by the name where an address or number says that it is the same person."""
        if found := next(self.where("Users", "externalId", str(native.get("externalId") or marker)), None):
            return found
        named = self.where("Users", "userName", str(native["userName"]))
        return next((raw for raw in named if _same(self._native(raw), native)), None)


def _same(one: Json, other: Json) -> bool:
    number = (one.get("enterprise") or {}).get("employeeNumber")
    if number and number == (other.get("enterprise") or {}).get("employeeNumber"):
        return True
    return bool(_addresses(one) & _addresses(other))


def _addresses(native: Json) -> set[str]:
    return {str(entry["value"]).casefold() for entry in native.get("emails") or () if entry.get("value")}


def _item(raw: Json, make: Callable[[Json], Json]) -> Item:
    try:
        native = make(raw)
        return Record(native["id"], native, str(raw["externalId"]) if raw.get("externalId") else None)
    except RecordError as error:
        return Failure(str(raw["id"]) if raw.get("id") else None, error)


def _since(cursor: Any) -> str:
    """Shortly before the newest that is known; clocks of providers differ from one of their servers to the next."""
    newest = kept(cursor, "newest", datetime)
    return f"{(newest - LAG).astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z" if newest else ""


def _moment(text: Any) -> datetime | None:
    """As UTC without its name; None for what is no time with a zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    offset = found.utcoffset()
    return None if offset is None else found.replace(tzinfo=None) - offset
