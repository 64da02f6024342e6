"""Entries as natives: every attribute is a sorted list of texts, since a directory keeps values in no order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from connectors.ldap.switch import Switch
from landbridge.directory.session import Entry
from landbridge.errors import RecordError

PERSON = (
    "uid", "employeeNumber", "cn", "givenName", "sn", "displayName", "mail", "telephoneNumber", "mobile", "title",
    "departmentNumber", "preferredLanguage", "manager",
)  # fmt: skip
GROUP = ("cn", "description")
PHOTO = "jpegPhoto"
# In spite of its name the attribute often holds other pictures.
FORMATS = ((b"\xff\xd8\xff", "image/jpeg", "jpg"), (b"\x89PNG\r\n\x1a\n", "image/png", "png"))

Native = dict[str, Any]


def texts(entry: Entry, names: tuple[str, ...]) -> Native:
    """Attributes without value, or hidden from the account, are absent: LDAP does not tell which. Raises RecordError."""
    native: Native = {"entryUUID": entry.key, "dn": entry.dn}
    found = _by_name(entry.attributes)
    for name in names:
        if values := found.get(name.lower()):
            native[name] = sorted(_text(name, value) for value in values)
    return native


def person(
    entry: Entry,
    names: tuple[str, ...],
    key_of: Callable[[str], str | None],
    *,
    photos: bool,
    switch: Switch | None = None,
) -> Native:
    """The manager's key stands beside the distinguished name, the photograph's description in place of its bytes.

    `switch`: what disables somebody; without it nothing is said about that.
    """
    native = texts(entry, names)
    if managers := native.pop("manager", None):
        native["manager"] = {"dn": managers[0], "entryUUID": key_of(managers[0])}
    if photos:
        native[PHOTO] = photo(entry)
    if switch and (active := switch.active(values_at(entry, switch.attribute))) is not None:
        native["active"] = active
    return native


def values_at(entry: Entry, name: str) -> list[bytes]:
    return _by_name(entry.attributes).get(name.lower(), [])


def values_of(native: Native) -> dict[str, list[bytes]]:
    """The attributes of a native to be written, empty where they are to be removed; not manager and photograph."""
    return {
        name: [str(value).encode() for value in values if value not in (None, "")]
        for name, values in native.items()
        if isinstance(values, list)
    }


def photo(entry: Entry) -> Native | None:
    data = photo_bytes(entry.attributes)
    form = next((form for form in FORMATS if data.startswith(form[0])), None)
    if form is None:
        return None
    return {
        "name": f"{entry.key}.{form[2]}",
        "media_type": form[1],
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "url": f"people/{entry.key}#{PHOTO}",
    }


def photo_bytes(attributes: dict[str, list[bytes]]) -> bytes:
    """Of several the same each time; empty where there is none."""
    return min(_by_name(attributes).get(PHOTO.lower(), ()), default=b"")


def _by_name(attributes: dict[str, list[bytes]]) -> dict[str, list[bytes]]:
    """Attributes have no case."""
    return {name.lower(): values for name, values in attributes.items()}


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RecordError(f"The attribute {name} holds no text (UTF-8 was expected).") from None
