"""Users and groups: read in full or by what changed, created once, disabled and checked."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.scim import natives
from connectors.scim.api import Api, Json, TakenError
from landbridge.connector import Record, Since, Stream, finds, in_doubt, makes, time_of, writes
from landbridge.errors import ExpiredCursor, RecordError, TransientError
from landbridge.http import Page, get_path

CHANGED = Since("meta.lastModified", "filter", form='meta.lastModified ge "{}"')
# What nobody else may have.
NAMES = {"users": "userName", "groups": "displayName"}
EXISTS = "Link it to the person, or give one of the two another name."
NOT_READ_BACK = "The provider says that it was created, but has none of this name."


class Resources(Api):
    users = Stream("Users", ("id",), "person", since=CHANGED)
    groups = Stream("Groups", ("id",), "group", since=CHANGED, params={"excludedAttributes": "members"})

    @makes(users, groups)
    def resource(self, stream: Stream, raw: Json) -> Record:
        made = self._form(stream, raw)
        return Record(made["id"], made, str(raw["externalId"]) if raw.get("externalId") else None)

    def since_of(self, stream: Stream) -> Since | None:
        return stream.since if self.config.changes and self.provider.filter else None

    def pages_of(self, stream: Stream, since: str) -> Iterator[Page]:
        """All, or those changed since. Raises ExpiredCursor for what is no time, or where the filter cannot be trusted."""
        if not since:
            yield from self.listed(stream.path, **stream.params)
            return
        time_of(since)
        found = False
        try:
            for page in self.listed(stream.path, **stream.params, filter=CHANGED.form.format(since)):
                found = found or bool(page.items)
                yield page
        except RecordError:
            raise ExpiredCursor("The provider refuses to filter by the time of change.") from None
        if not found:
            # The newest of the last read has to be among what changed since shortly before it.
            raise ExpiredCursor("The newest record is gone, or the provider does not filter by the time of change.")

    @writes((users, groups), "create")
    def create_resource(self, stream: Stream, native: Json, marker: str) -> Json:
        """A name that is taken is answered with 409, by some with 500 as if something were broken: then a look tells."""
        body, name = natives.resource(native, natives.SCHEMAS[stream.kind]), NAMES[stream.name]
        try:
            raw = self.client.post(stream.path, json={"externalId": marker} | body).json()
        except (TakenError, TransientError) as error:
            if isinstance(error, TransientError) and not error.uncertain:
                raise
            with in_doubt():
                if (found := self.find_resource(stream, native, marker)) is not None:
                    return found
                if isinstance(error, TakenError) or any(self.where(stream.path, name, str(body[name]))):
                    raise RecordError(f"Another resource has this {name}.", remedy=EXISTS) from None
            raise
        with in_doubt():
            if isinstance(raw, dict) and raw.get("id"):
                return self._form(stream, self.one(stream.path, str(raw["id"]))[0])
            made = self.find_resource(stream, native, marker)
        if made is None:
            raise TransientError(NOT_READ_BACK, uncertain=True)
        return made

    @writes((users, groups), "update")
    def update_resource(self, stream: Stream, key: str, changes: Json, marker: str) -> Json:
        return self._form(stream, self.change(stream.path, key, natives.changes(changes)))

    @writes(users, "disable")
    def disable_user(self, key: str, marker: str) -> Json:
        return self._switched(key, active=False)

    @writes(users, "enable")
    def enable_user(self, key: str, marker: str) -> Json:
        return self._switched(key, active=True)

    @writes((users, groups), "delete")
    def delete_resource(self, stream: Stream, key: str, marker: str) -> None:
        self.remove(stream.path, key)

    @finds(users, groups)
    def find_resource(self, stream: Stream, native: Json, marker: str) -> Json | None:
        """By our marker; a user also by the name, if it is the same person."""
        for raw in self.where(stream.path, "externalId", str(native.get("externalId") or marker)):
            return self._form(stream, raw)
        named = self.where(stream.path, "userName", str(native["userName"])) if stream is self.users else ()
        return next((one for raw in named if _same(one := self._form(stream, raw), native)), None)

    # Steps of the above

    def _switched(self, key: str, *, active: bool) -> Json:
        """Of this a look has to show the proof: nobody notices a leaver who can still sign in."""
        native = self._form(self.users, self.change("Users", key, {("active",): active}))
        if native.get("active") is not active:
            raise RecordError(f"The provider does not show that the account is {'' if active else 'in'}active.")
        return native

    def _form(self, stream: Stream, raw: Json) -> Json:
        """As reading has it."""
        return natives.user(raw, self.supported) if stream is self.users else natives.group(raw, self.supported)


def _same(one: Json, other: Json) -> bool:
    """An address or the employee number says that it is one person."""
    number = get_path(one, "enterprise.employeeNumber")
    return bool(
        (number and number == get_path(other, "enterprise.employeeNumber")) or _addresses(one) & _addresses(other)
    )


def _addresses(native: Json) -> set[str]:
    return {str(entry["value"]).casefold() for entry in native.get("emails") or () if entry.get("value")}
