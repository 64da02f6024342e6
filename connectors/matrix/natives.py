"""Synapse's answers as complete, steady natives: nothing in them changes unless somebody changed it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from connectors.matrix.config import MatrixConfig
from landbridge.errors import RecordError

Json = dict[str, Any]
HTML = "org.matrix.custom.html"
ARCHIVED = "landbridge.archived"
# In contents. The proof keeps others from passing off what they write as ours by copying a marker.
MARKER, PROOF, AUTHOR = "landbridge.marker", "landbridge.proof", "landbridge.author"
# An event holds one file: a message of ours names its others, and each of them what it is a part of.
FILES, PART = "landbridge.files", "landbridge.part_of"
# Of a file, what it was made of: one that stays need not be sent again.
SOURCE = "landbridge.source"
# What a reply of an old client repeats of the message it answers.
QUOTED = re.compile(r"(?:> [^\n]*\n)+\n?")


def account(row: Json, config: MatrixConfig) -> Json:
    """Addresses in the order they were added: the first is the main one."""
    added = sorted(row["threepids"], key=lambda entry: (entry["added_at"], entry["address"]))
    numbers = sorted(one["external_id"] for one in row["external_ids"] if one["auth_provider"] == config.id_provider)
    return {
        "user_id": row["name"],
        "localpart": row["name"][1:].partition(":")[0],
        "displayname": row["displayname"],
        "emails": [entry["address"] for entry in added if entry["medium"] == "email"],
        "employee_number": numbers[0] if numbers else None,
        "avatar": avatar(row["avatar_url"]),
        "admin": bool(row["admin"]),
        "locked": bool(row["locked"]),
        "deactivated": bool(row["deactivated"]),
        "guest": bool(row["is_guest"]),
        "bot": bool(row["user_type"] or row["appservice_id"]) or row["name"] == config.login,
    }


def avatar(url: str | None) -> Json | None:
    """As an attachment; Synapse does not say its type without another call."""
    return {"media_type": None, "url": url.removeprefix("mxc://")} if url else None


def room(raw: Json, config: MatrixConfig) -> tuple[Json, str | None]:
    """The room as its present state says, and our marker where Landbridge has made it."""
    members, state, creator = [], {}, None
    for event in raw["state"]:
        if event["type"] == "m.room.member":
            if event["content"].get("membership") == "join":
                members.append(event["state_key"])
        elif event.get("state_key") == "":
            state[event["type"]] = event["content"]
            creator = event["sender"] if event["type"] == "m.room.create" else creator
    if creator is None:
        raise RecordError("The state of a room came without its beginning, so it cannot be whole.")
    alias = str(state.get("m.room.canonical_alias", {}).get("alias") or "")
    name, _, server = alias.removeprefix("#").partition(":")
    guests = state.get("m.room.guest_access", {}).get("guest_access") == "can_join"
    native = {
        "room_id": raw["room_id"],
        "alias": name if server == config.server else None,
        "name": state.get("m.room.name", {}).get("name") or None,
        "topic": state.get("m.room.topic", {}).get("topic") or None,
        "room_type": state["m.room.create"].get("type"),
        "join_rule": state.get("m.room.join_rules", {}).get("join_rule") or "invite",
        "guests": guests or any(member.partition(":")[2] != config.server for member in members),
        "archived": bool(state.get(ARCHIVED, {}).get("archived")) or "m.room.tombstone" in state,
        "encrypted": "m.room.encryption" in state,
        "url": link(raw["room_id"], config.server),
    }
    return native, state["m.room.create"].get(MARKER) if creator == config.login else None


def link(room_id: str, server: str, event_id: str = "") -> str:
    """By ids, since names change; `via` says where the room can be found."""
    return f"https://matrix.to/#/{room_id}{'/' if event_id else ''}{event_id}?via={server}"


def key(room_id: str, event_id: str) -> str:
    """An event can only be asked for with its room, so both are the key."""
    return f"{room_id}/{event_id}"


def parts(key: str) -> tuple[str, str]:
    """Room and event; only an event id begins with a dollar sign."""
    room_id, _, event_id = key.partition("/$")
    return room_id, f"${event_id}"


def relation(event: Json) -> Json:
    found = event["content"].get("m.relates_to")
    return found if isinstance(found, dict) else {}


def is_redacted(event: Json) -> bool:
    return "redacted_because" in event.get("unsigned", {}) or "redacted_because" in event


def is_ours(reaction: Json) -> bool:
    return isinstance(reaction["content"].get(MARKER), str)


@dataclass
class Window:
    """What some consecutive events of one room say: messages in order, and what is said about messages."""

    messages: dict[str, Json] = field(default_factory=dict)
    edits: dict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    reactions: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    redacted: list[str] = field(default_factory=list)

    def add(self, event: Json) -> None:
        about = relation(event)
        kind, target = about.get("rel_type"), about.get("event_id")
        if event["type"] == "m.room.redaction":
            removed = event.get("redacts") or event["content"].get("redacts")
            self.redacted += [removed] if isinstance(removed, str) else []
        elif event["type"] == "m.reaction":
            # What Landbridge repeats of people elsewhere is theirs to say.
            if kind == "m.annotation" and isinstance(target, str) and not is_redacted(event) and not is_ours(event):
                self.reactions[target][str(about.get("key"))].add(event["sender"])
        elif event["type"] == "m.room.message":
            if kind == "m.replace" and isinstance(target, str):
                self.edits[target].append(event)
            else:
                self.messages[event["event_id"]] = event

    def elsewhere(self, *, edits: bool) -> list[str]:
        """The messages that are spoken about but not among these."""
        about = {**self.reactions, **(self.edits if edits else {})}
        return [target for target in about if target not in self.messages]


def window(events: Iterable[Json]) -> Window:
    found = Window()
    for event in events:
        found.add(event)
    return found


def message(room_id: str, event: Json, seen: Window, server: str) -> Json:
    """The message as people see it: with its last edit and its reactions."""
    edit = _last_edit(event, seen)
    content, about = shown(event, seen), relation(event)
    thread = about["event_id"] if about.get("rel_type") == "m.thread" else None
    answered = (about.get("m.in_reply_to") or {}).get("event_id")
    if thread and about.get("is_falling_back"):
        answered = None
    reactions = seen.reactions.get(event["event_id"], {})
    return {
        "id": key(room_id, event["event_id"]),
        "event_id": event["event_id"],
        "room_id": room_id,
        "sender": event["sender"],
        "msgtype": content.get("msgtype"),
        "body": _unquoted(content.get("body"), answered),
        "formatted_body": content.get("formatted_body") if content.get("format") == HTML else None,
        "thread": key(room_id, thread) if thread else None,
        "reply_to": key(room_id, answered) if answered else None,
        "attachments": [*_files(content), *_more_files(content)],
        "ts": event["origin_server_ts"],
        "edited_ts": edit["origin_server_ts"] if edit else None,
        "reactions": {emoji: sorted(people) for emoji, people in sorted(reactions.items())},
        "url": link(room_id, server, event["event_id"]),
    }


def shown(event: Json, seen: Window | None = None) -> Json:
    """The content as it was edited last; an edit that says nothing of further files leaves them."""
    edit = _last_edit(event, seen or Window())
    if edit is None:
        return dict(event["content"])
    files = {FILES: event["content"][FILES]} if FILES in event["content"] else {}
    return {**files, **edit["content"]["m.new_content"]}


def _last_edit(event: Json, seen: Window) -> Json | None:
    """Of those told beside the message and those seen with it; only the author's own count."""
    bundled = event.get("unsigned", {}).get("m.relations", {}).get("m.replace")
    edits = [*seen.edits.get(event["event_id"], ()), *([bundled] if bundled else ())]
    own = [
        edit for edit in edits
        if edit["sender"] == event["sender"] and isinstance(edit["content"].get("m.new_content"), dict)
    ]  # fmt: skip
    return max(own, key=lambda edit: (edit["origin_server_ts"], edit["event_id"]), default=None)


def _unquoted(body: Any, answered: str | None) -> Any:
    found = QUOTED.match(body) if answered and isinstance(body, str) else None
    return body[found.end() :] if found else body


def _files(content: Json) -> Iterator[Json]:
    if isinstance(content.get("url"), str) and content["url"].startswith("mxc://"):
        told = content.get("info") or {}
        yield {
            "name": content.get("filename") or content.get("body"),
            "media_type": told.get("mimetype"),
            "size": told.get("size"),
            "url": content["url"].removeprefix("mxc://"),
        }


def _more_files(content: Json) -> Iterator[Json]:
    found = content.get(FILES)
    for file in found if isinstance(found, list) else ():
        yield from _files({"url": file.get("url"), "filename": file.get("filename"), "info": file.get("info")})


def is_part(event: Json) -> bool:
    """Is it a further file of a message of ours, and no message by itself? Without proof: who copies this hides their own."""
    return isinstance(event["content"].get(PART), str)


def proof(secret: str, marker: str, room_id: str, content: Json) -> str:
    """Only who holds the service's token can make it; it fits one text in one room."""
    said = "\n".join((marker, room_id, str(content.get("body")), str(content.get("formatted_body"))))
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()[:32]


def marker_of(event: Json, room_id: str, secret: str) -> str | None:
    """Our marker, if the content carries one with its proof."""
    content = event["content"]
    marker = content.get(MARKER)
    if not isinstance(marker, str):
        return None
    right = proof(secret, marker, room_id, content)
    return marker if hmac.compare_digest(right.encode(), str(content.get(PROOF)).encode()) else None
