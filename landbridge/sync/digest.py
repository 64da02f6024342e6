"""What a digest says: the news of a room, or of all rooms for one person, since the last one.

A digest is an entity without words (which room or person, since when, until when), made by `landbridge.sync.periods`. Its
text is made when it is planned and sent: nothing that people said is kept twice, and what they deleted meanwhile is not
in it. Only what all colleagues may see is told, so no confidential room ever gets into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from landbridge import richtext
from landbridge.model import within
from landbridge.model.audience import COMPANY
from landbridge.richtext import escape
from landbridge.store import entities, news
from landbridge.store.clock import parse
from landbridge.store.entities import EntityRow
from landbridge.sync.refs import native_mentions
from landbridge.sync.routes import DIGEST, Route
from landbridge.sync.view import View

# So many rooms, messages of a room, and letters of a message or a title at most; the rest is counted.
ROOMS, MESSAGES, LETTERS, TITLE = 20, 60, 240, 80
# What was said longer before than this is history that was imported, not news.
OLD = timedelta(days=1)
PAGE = 200


class Room(NamedTuple):
    """A room's news, oldest first."""

    space: EntityRow
    messages: list[EntityRow]


def prefix(route: Route) -> str:
    """How the rule of every digest of this route begins; the room or person and the time follow."""
    return f"{route.flow}:{DIGEST}:{route.target}:"


def told(view: View, route: Route, digest: EntityRow) -> list[Room]:
    """The rooms that have something to tell; none where nobody has said anything, or all of it was taken back."""
    period, person = (str(digest.data["since"]), str(digest.data["until"])), digest.data.get("person")
    if person is not None and (not gets_letters(view.entity(person), route) or person in _turned_away(view, route)):
        return []
    spaces = [str(digest.data["space"])] if "space" in digest.data else _spaces(view, *period)
    rooms: list[Room] = []
    for space in spaces:
        messages = [one for one in _news(view, route, space, *period) if person is None or not _by(one, person)]
        if messages and (found := view.entity(space)):
            rooms.append(Room(found, messages))
    return sorted(rooms, key=lambda one: (_name(one.space).casefold(), one.space.id))


def digest(view: View, route: Route, entity: EntityRow) -> dict[str, Any]:
    """Digest → message: a room's conversations by their beginnings, who said what, and the way to each."""
    rooms, zone = told(view, route, entity), _zone(view, route)
    since, until = (parse(str(entity.data[name])).astimezone(zone) for name in ("since", "until"))
    count = sum(len(one.messages) for one in rooms)
    where = _name(rooms[0].space) if len(rooms) == 1 else f"{len(rooms)} rooms"
    parts = [f"**{escape(f'{where}: {_counted(count)}, {_days(since, until)}')}**"]
    for room in rooms[:ROOMS]:
        parts += [f"## {escape(_name(room.space))}"] if len(rooms) > 1 else []
        parts += _conversations(view, room.messages)
        if url := room.space.data.get("url"):
            parts.append(f"[Go to {escape(_name(room.space))}](<{url}>)")
    if len(rooms) > ROOMS:
        parts.append(f"There is news in {len(rooms) - ROOMS} more rooms.")
    fields = {"body": "\n\n".join(parts), "sent_at": entity.data["until"]}
    if person := view.entity(entity.data.get("person")):
        return fields | {"to": address(person.data)}
    return fields | {"space": entity.data.get("space")}


def gets_letters(person: EntityRow | None, route: Route) -> bool:
    """Colleagues whom the flow means, as long as they are here."""
    data = person.data if person and not person.deleted_at else {}
    there = bool(data) and data.get("active") is not False and not data.get("external") and address(data)
    return bool(there and route.only is not None and route.only(data))


def address(person: dict[str, Any]) -> str | None:
    """Where a person gets mail; None for who gets none."""
    emails = [one for one in person.get("emails") or [] if isinstance(one, dict) and one.get("value")]
    return next((str(one["value"]) for one in sorted(emails, key=lambda one: not one.get("primary"))), None)


def _turned_away(view: View, route: Route) -> frozenset[str]:
    """Whose last letters came back, or who wants no more, until a person drops what is set aside about them."""

    def looked_up() -> Iterator[str]:
        after: str | None = ""
        while after is not None:
            ids = news.turned_away(view.conn, route.system, route.stream, PAGE, after)
            found = entities.get_many(view.conn, ids)
            yield from (str(one.data["person"]) for one in found.values() if "person" in one.data)
            after = ids[-1] if len(ids) == PAGE else None

    return view.once(("turned away", route.target), lambda: frozenset(looked_up()))


def _spaces(view: View, since: str, until: str) -> list[str]:
    return view.once(("spaces", since, until), lambda: news.spaces(view.conn, since, until, limit=10 * ROOMS))


def _news(view: View, route: Route, space: str, since: str, until: str) -> list[EntityRow]:
    def looked_up() -> list[EntityRow]:
        ids = news.messages(view.conn, space, since, until, limit=10 * MESSAGES)
        view.load(ids)
        found = [one for one in map(view.entity, ids) if one is not None and _counts(view, route, one, since)]
        return sorted(found, key=lambda one: (str(one.data.get("sent_at") or ""), one.id))

    return view.once((route.flow, route.target, space, since, until), looked_up)


def _by(message: EntityRow, person: str) -> bool:
    return message.data.get("author") == person


def _counts(view: View, route: Route, message: EntityRow, since: str) -> bool:
    """Is it somebody's word, of the flow, not known there already, and may every colleague see it?"""
    data = message.data
    if message.kind != "message" or message.deleted_at or message.rule or not str(data.get("body") or "").strip():
        return False
    sent_at = str(data.get("sent_at") or "")
    if sent_at and parse(sent_at) < parse(since) - OLD:
        return False
    if view.record(message.id, route.target) is not None or not within(COMPANY, view.audience(message)):
        return False
    return view.in_flow(view.company.flow(route.flow), message)


def _conversations(view: View, messages: list[EntityRow]) -> list[str]:
    """By what each belongs to, in the order in which they came up."""
    by_root: dict[str, list[EntityRow]] = {}
    for one in messages[:MESSAGES]:
        by_root.setdefault(str(one.data.get("thread") or one.id), []).append(one)
    parts = []
    for root, said in by_root.items():
        begun = view.entity(root)
        if begun is None or begun in said:
            said = [*(one for one in said if one.id == root), *(one for one in said if one.id != root)]
            first, answers = _line(view, said[0]), said[1:]
        else:
            first, answers = f"In answer to {_linked(_title(view, begun), begun)}:", said
        parts += [first, *(["\n".join(f"- {_line(view, one)}" for one in answers)] if answers else [])]
    if len(messages) > MESSAGES:
        parts.append(f"And {len(messages) - MESSAGES} more.")
    return parts


def _line(view: View, message: EntityRow) -> str:
    said = f"**{escape(view.author_name(message))}:** {escape(_short(view, message, LETTERS))}"
    url = message.data.get("url")
    return f"{said} [↗](<{url}>)" if url else said


def _linked(text: str, entity: EntityRow) -> str:
    url = entity.data.get("url")
    return f"[{escape(text)}](<{url}>)" if url else f"“{escape(text)}”"


def _title(view: View, entity: EntityRow) -> str:
    named = entity.data.get("title") or entity.data.get("subject")
    return str(named) if named else _short(view, entity, TITLE)


def _short(view: View, message: EntityRow, limit: int) -> str:
    """On one line, without markup, with the names of those who are mentioned."""
    body = native_mentions(str(message.data.get("body") or ""), lambda person: None, view.person_name)
    return " ".join(richtext.to_markup(body, "plain", limit=limit).text.split())


def _name(space: EntityRow) -> str:
    data = space.data
    return str(data.get("name") or data.get("subject") or data.get("alias") or "a room")


def _counted(count: int) -> str:
    return "1 new message" if count == 1 else f"{count} new messages"


def _days(since: datetime, until: datetime) -> str:
    first = f"{since.day} {since:%B}" if since.year == until.year else f"{since.day} {since:%B %Y}"
    return f"{first} to {until.day} {until:%B %Y}"


def _zone(view: View, route: Route) -> ZoneInfo:
    config = view.company.flow(route.flow).digest
    return ZoneInfo(config.zone if config else "UTC")
