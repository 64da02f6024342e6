"""What a target should show of an entity, in the target's own terms, and how that differs from what it shows."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from functools import partial
from typing import Any

from landbridge.errors import RecordError
from landbridge.mapping import Mapping
from landbridge.model import GATHERED, ref_fields
from landbridge.store.entities import EntityRow
from landbridge.store.records import Row
from landbridge.sync.derive import Deriver
from landbridge.sync.left import Left, leave
from landbridge.sync.project import PROJECTIONS
from landbridge.sync.refs import NEEDED, is_ref, mentioned_spaces, native_mentions, unlinked_mentions
from landbridge.sync.routes import Route
from landbridge.sync.view import View

# Said once and never again: where and by whom cannot be changed afterwards.
FIXED = {"message": {"space", "thread", "reply_to", "author", "guest", "sent_at"}, "membership": {"group", "person"}}
# What is said in fields that not every system has.
LOSABLE = {"message": ("attachments", "reactions")}
# Not written soon, or never: others need not wait for it.
GIVEN_UP = ("set_aside", "blocked", "dropped", "undecided", "scheduled", "held")


@dataclass(frozen=True)
class Desired:
    """`fields` in claim form (references as the target's own records).

    `waits` says for what, empty where nothing is missing; `awaits` is the entity that is not shown there yet.
    """

    fields: dict[str, Any]
    waits: str = ""
    partition: str = ""
    position: str = ""
    awaits: str | None = None
    # Of these fields the entity is not shown there yet.
    missing: tuple[tuple[str, str], ...] = ()
    # What there is of these fields the system has no place for.
    lost: tuple[str, ...] = ()
    # Why files stay at their source, one reason for each that the system has no place for.
    left: tuple[str, ...] = ()


def desire(
    view: View, deriver: Deriver, route: Route, entity: EntityRow, mapping: Mapping, row: Row | None = None
) -> Desired:
    """Project, then translate references and mentions into the target system; `row` shows it there already. Raises RecordError."""
    fields = PROJECTIONS[route.shape](view, route, entity)
    at_home = row is not None and row.role == "source"  # said there, it stands under its author's name without us
    left = leave(view, route, mapping, entity, fields, at_home=at_home)
    if "space" in route.templates:
        fields["space"] = view.space(route, entity.data, deriver.space_for)
    person = view.entity(fields.get("author"))
    author, prefix, waits = _author(view, route, mapping, fields, entity)
    if row is not None and person is not None and mapping.kind == "message":
        prefix = "" if _signed(view, route, row, person) else view.person_name(person.id)
        author = _LEFT_OUT if prefix else author
    fields["author"] = author
    awaits = person.id if waits and person else None
    missing = _native_refs(view, route, mapping, fields)
    if missing:  # before the account: once its place is known, nothing behind it may be written before it
        waits, awaits = f"its {missing[0][0]} in {route.system}", missing[0][1]
    _space_of_thread(view, route, mapping, fields, entity)
    for path in GATHERED & fields.keys() & mapping.writable:
        here = ((row and row.claim) or {}).get(path) or {}
        fields[path] = _of_others(view, route, mapping.fields[path].ref, fields[path] or {}, here)
    for path, value in fields.items():
        if isinstance(value, str) and ("@{person:" in value or "#{space:" in value):
            known = mapping.fields[path].mentions if path in mapping.fields else {}
            fields[path] = _mentions(view, route.system, known, _system_of(entity, path), value)
    if prefix and not at_home and isinstance(fields.get("body"), str):
        fields["body"] = f"**{prefix}:** {fields['body']}"
    shown = {path: value for path, value in fields.items() if path in mapping.writable and value is not _LEFT_OUT}
    return Desired(
        mapping.kept(shown),
        waits,
        _partition(mapping.kind, fields, entity),
        sortable(fields.get("sent_at")),
        awaits,
        tuple(missing),
        () if at_home else _lost(mapping, fields, shown, left),
        left.reasons,
    )


def _lost(mapping: Mapping, fields: dict[str, Any], shown: dict[str, Any], left: Left) -> tuple[str, ...]:
    homeless = [path for path in LOSABLE.get(mapping.kind, ()) if fields.get(path) and path not in shown]
    return tuple(dict.fromkeys((*homeless, *sorted(left.paths))))


_LEFT_OUT: Any = object()


def sortable(moment: Any) -> str:
    """A time as text that sorts: "…:00Z" stands before "…:00.5Z"."""
    return str(moment or "").removesuffix("Z")


def _author(
    view: View, route: Route, mapping: Mapping, fields: dict[str, Any], entity: EntityRow
) -> tuple[Any, str, str]:
    """(the author's account there, or a name to put before the text, or what to wait for)."""
    field = mapping.fields.get("author")
    person = view.entity(fields.get("author"))
    if field is None or not field.ref or field.path not in mapping.writable:
        name = view.author_name(entity) if person or fields.get("guest") else ""
        return _LEFT_OUT, name if mapping.kind == "message" else "", ""
    if person is None:
        return _LEFT_OUT, str(fields.get("guest") or ""), ""
    target = f"{route.system}/{field.ref}"
    row = view.record(person.id, target)
    if row and (row.claim or {}).get("active") is not False:
        return {"stream": field.ref, "key": row.key}, "", ""
    if row is None and _will_have(view, person, target):
        return _LEFT_OUT, "", f"the author's account in {target}"
    return _LEFT_OUT, view.person_name(person.id), ""


def _signed(view: View, route: Route, row: Row, person: EntityRow) -> bool:
    """Who stands over it is settled once written: an account that comes or goes later changes nothing."""
    author = (row.claim or {}).get("author") or (row.sent or {}).get("author")
    account = view.by_key(route.system, author["stream"], author["key"]) if is_ref(author) else None
    return account is not None and account.entity == person.id


def _will_have(view: View, person: EntityRow, target: str) -> bool:
    """Is a flow about to give this person an account there?"""
    for flow in view.company.flows_showing("person"):
        for route in flow.routes_of("person"):
            if (
                route.target == target
                and view.in_flow(flow, person)
                and (route.only is None or route.only(person.data))
            ):
                state = view.delivery(target, person.id, route.shape)
                return state is None or state.state not in GIVEN_UP
    return False


def _native_refs(view: View, route: Route, mapping: Mapping, fields: dict[str, Any]) -> list[tuple[str, str]]:
    """Entity ids become the target's own records; the needed fields, with their entities, of which it has none yet."""
    missing = []
    for name in ref_fields(mapping.kind) - {"author"}:
        value, field = fields.get(name), mapping.fields.get(name)
        if not isinstance(value, str):
            continue
        row = view.record(value, f"{route.system}/{field.ref}") if field and field.ref else None
        if row is not None and field is not None:
            fields[name] = {"stream": field.ref, "key": row.key}
            continue
        fields[name] = _LEFT_OUT
        if (
            field
            and name in NEEDED.get(mapping.kind, ())
            and name in mapping.writable
            and not _at_home(view, route, value)
        ):
            missing.append((name, value))
    return missing


def _of_others(
    view: View, route: Route, accounts: str | None, marks: dict[str, list[str]], here: dict[str, Any]
) -> dict[str, list[dict[str, str]]]:
    """Who put which reaction elsewhere, by their accounts here; of whom has none only the reaction is left.

    What people put here is theirs, and never written.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for mark, people in marks.items():
        rows = [view.record(person, f"{route.system}/{accounts}") for person in people]
        live = [row for row in rows if row is not None and (row.claim or {}).get("active") is not False]
        refs = [{"stream": row.stream, "key": row.key} for row in live]
        others = [ref for ref in refs if ref not in here.get(mark, ())]
        if others or len(live) < len(people):
            found[mark] = others
    return found


def _at_home(view: View, route: Route, place: str) -> bool:
    """A conversation's own place that has no counterpart in the target, while the message belongs there by its thread."""
    found = view.entity(place)
    return route.via == "thread" and found is not None and found.kind == "space"


def _space_of_thread(view: View, route: Route, mapping: Mapping, fields: dict[str, Any], entity: EntityRow) -> None:
    """A reply goes where its thread stands in the target, whatever space it was written in."""
    thread = mapping.fields.get("thread")
    root = entity.data.get("thread")
    if thread is None or not thread.ref or not isinstance(root, str) or "space" not in mapping.writable:
        return
    row = view.record(root, f"{route.system}/{thread.ref}")
    if row and (row.claim or {}).get("space"):
        fields["space"] = (row.claim or {})["space"]


def _system_of(entity: EntityRow, path: str) -> str:
    """Where it was said: mentions that no link leads from name accounts there."""
    stream = entity.origin.get(path) or next(iter(entity.origin.values()), "")
    return str(stream).partition("/")[0]


def _mentions(view: View, system: str, known: ReadOnly[str, str], spoken: str, text: str) -> str:
    """`known`: by kind, the stream of what the target can mention; what it cannot is named in the text."""
    people, spaces = (f"{system}/{known[kind]}" if kind in known else None for kind in ("person", "space"))

    def person(entity: str) -> str | None:
        row = view.record(entity, people) if people else None
        return row.key if row else None

    def space(key: str) -> str | None:
        place = view.by_kind(spoken, "space", key)
        row = view.record(place.entity, spaces) if place and spaces else None
        return row.key if row else None

    if spoken != system:
        text = unlinked_mentions(text, partial(view.account_name, spoken))
        text = mentioned_spaces(text, space, partial(view.room_name, spoken))
    return native_mentions(text, person, view.person_name)


def _partition(kind: str, fields: dict[str, Any], entity: EntityRow) -> str:
    """What has to be written in order: the messages of one space, the members of one group."""
    place = fields.get({"message": "space", "membership": "group"}.get(kind, ""))
    place = fields.get("thread") if kind == "message" and not isinstance(place, dict) else place
    return f"{kind}:{place['key']}" if isinstance(place, dict) else entity.id


def differing(mapping: Mapping, row: Row, desired: dict[str, Any], *, home: frozenset[str] | None = None) -> list[str]:
    """The paths to write so that the record shows what is desired.

    What the system made of our last write counts as what we wrote (`sent` and `base`), so normalising is no difference.
    `home`: where a record is an entity's own source, only these paths (said elsewhere) may be written.
    """
    claim, base, sent = row.claim or {}, row.base or {}, row.sent or {}
    paths = []
    for path, value in desired.items():
        if path in FIXED.get(mapping.kind, ()) or (home is not None and path not in home):
            continue
        if path in GATHERED:  # of others, see `_of_others`: what people put here is no difference
            paths += [path] if value != (sent.get(path) or {}) else []
            continue
        now = claim.get(path)
        if now == value or (now in (None, "", []) and value in (None, "", [])):
            continue
        if row.pending and now != base.get(path):
            continue  # somebody changed it, and merging says what comes of that
        field = mapping.fields[path]
        settled = path in sent and sent[path] == value
        if settled and (now == base.get(path) or field.strength != "strong"):
            continue
        if field.strength == "weak" and now not in (None, "", []):
            continue
        paths.append(path)
    return paths


def edited_by_people(mapping: Mapping, row: Row) -> bool:
    """Has somebody changed, in the target, what we wrote there?"""
    claim, base = row.claim or {}, row.base or {}
    return any(claim.get(path) != base.get(path) for path in mapping.writable & base.keys())


def required(fields: dict[str, Any], mapping: Mapping) -> None:
    """A new record needs something to show. Raises RecordError."""
    if not any(value not in (None, "", []) for value in fields.values()):
        raise RecordError(f"Nothing of the {mapping.kind} can be shown by {mapping.file}.")
