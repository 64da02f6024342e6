"""Files that cannot go along stay at their source: the record is shown without them, and a message says so in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xxhash

from landbridge.connector.files import shown_size
from landbridge.mapping import Mapping as FieldMapping
from landbridge.model import attachment_fields
from landbridge.richtext import escape
from landbridge.store.entities import EntityRow
from landbridge.sync.combine import LEFT_OUT
from landbridge.sync.routes import Route
from landbridge.sync.view import View

_NO_PLACE = "no files are taken here"


@dataclass(frozen=True)
class Left:
    """Of what the record is shown without: `paths` of which files were refused, and why each file stays that has no place."""

    paths: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


def leave(
    view: View, route: Route, mapping: FieldMapping, entity: EntityRow, fields: dict[str, Any], *, at_home: bool
) -> Left:
    """Takes out of `fields` the files that the target does not take, and has a message name them; `at_home` it needs no word."""
    found = {name: _files(fields[name]) for name in attachment_fields(mapping.kind) if fields.get(name)}
    if not found:
        return Left()
    known = view.left_files(entity.id, route.target)
    refused = {
        id: reason for id in (identity(file) for files in found.values() for file in files) if (reason := known.get(id))
    }
    for name in found if refused else ():
        fields[name] = _without(fields[name], refused)
    homeless = [] if "attachments" in mapping.writable else found.get("attachments", [])
    if mapping.kind == "message" and not at_home and "body" in mapping.writable:
        why = [(one, refused.get(identity(one)) or _NO_PLACE) for one in found.get("attachments", [])]
        _name(fields, [pair for pair in why if pair[1] != _NO_PLACE or homeless])
    paths = frozenset(name for name, files in found.items() if any(identity(one) in refused for one in files))
    return Left(paths, tuple(_NO_PLACE for _ in homeless if not at_home))


def identity(file: Mapping[str, Any]) -> str:
    """Tells one file from another, also where it is another by now; nothing can be read from it."""
    said = "\n".join(str(file.get(name) or "") for name in ("url", "sha256", "size"))
    return xxhash.xxh3_128_hexdigest(said.encode())


def which(desired: Mapping[str, Any], kind: str, refused: Mapping[str, Any]) -> str | None:
    """The identity of the file of `desired` that a connector has refused; None where it is none of these."""
    files = (file for name in attachment_fields(kind) if desired.get(name) for file in _files(desired[name]))
    return next((identity(file) for file in files if file.get("url") == refused.get("url")), None)


def _files(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _without(value: Any, refused: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [one for one in value if not (isinstance(one, dict) and identity(one) in refused)]
    return None if identity(value) in refused else value


def _name(fields: dict[str, Any], left: list[tuple[dict[str, Any], str]]) -> None:
    """The files by name, size and reason, and the way to where they are."""
    if not left:
        return
    named = ", ".join(_named(file, reason) for file, reason in left)
    url = str(fields.get("url") or "")
    way = (
        f" [See the original](<{url}>)"
        if url.startswith(("https://", "http://")) and not set("<>\n ") & set(url)
        else ""
    )
    fields["body"] = "\n\n".join(filter(None, (str(fields.get("body") or ""), f"{LEFT_OUT}{named}.{way}")))


def _named(file: dict[str, Any], reason: str) -> str:
    name, size = " ".join(str(file.get("name") or "a file").split()), file.get("size")
    about = [shown_size(size)] if isinstance(size, int) else []
    return f"{escape(name)} ({', '.join((*about, reason))})"


def counted(reasons: Mapping[str, int]) -> Iterator[str]:
    """How many files were left and why, for a report."""
    for reason, count in reasons.items():
        yield f"{count} {'file' if count == 1 else 'files'} left at the source: {reason}."
