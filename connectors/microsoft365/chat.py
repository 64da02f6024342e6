"""Channels and messages of Teams as natives, and natives as messages to send."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape, unescape
from typing import Any

from connectors.microsoft365.graph import Json, share
from landbridge.errors import RecordError

AT = re.compile(r'<at id="([^"]*)">(.*?)</at>', re.DOTALL)
HOSTED = re.compile(r"<img\b[^>]*?\bsrc=\"[^\"]*/hostedContents/([^/\"]+)/\$value\"[^>]*>", re.IGNORECASE)
ATTACHED = re.compile(r"<attachment\b[^>]*>\s*</attachment>")
TAG = re.compile(r"<[^<>]*>")
# Teams once had these six by name only.
REACTIONS = {"like": "👍", "heart": "❤️", "laugh": "😆", "surprised": "😮", "sad": "😢", "angry": "😡"}
CHATS = "chats"


def channel(team: Mapping[str, Any], raw: Mapping[str, Any], *, guests: bool) -> Json:
    """A standard channel of an open team is the whole company's; every other one its members'. Raises KeyError."""
    open_to_all = str(team.get("visibility")).lower() == "public" and raw.get("membershipType") == "standard"
    name, of_team = raw.get("displayName"), team.get("displayName")
    return {
        "id": f"{team['id']}/{raw['id']}",
        "name": of_team if name == "General" else f"{of_team}: {name}",
        "topic": raw.get("description") or None,
        "visibility": "public" if open_to_all else "members",
        "kind": "channel",
        "guests": guests,
        "archived": bool(team.get("isArchived") or raw.get("isArchived")),
        "url": raw.get("webUrl"),
    }


def chat(raw: Mapping[str, Any], tenant: str | None) -> Json:
    """A chat that policy names. Raises KeyError."""
    members = raw.get("members") or []
    return {
        "id": f"{CHATS}/{raw['id']}",
        "name": raw.get("topic"),
        "topic": None,
        "visibility": "members",
        "kind": "direct" if raw.get("chatType") == "oneOnOne" else "channel",
        "guests": any(is_guest(one, tenant) for one in members),
        "archived": False,
        "url": raw.get("webUrl"),
    }


def is_guest(member: Mapping[str, Any], tenant: str | None) -> bool:
    """A guest of the team, or somebody of another tenant in a shared channel."""
    return "guest" in (member.get("roles") or ()) or bool(tenant and member.get("tenantId") not in (None, tenant))


def placed(space: str, raw: Mapping[str, Any]) -> Json:
    """A message with where it was said, and under the id by which it can be asked for."""
    id = raw.get("id")
    return {**raw, "space": space, "id": id and key(space, raw.get("replyToId"), id)}


def is_said(raw: Mapping[str, Any]) -> bool:
    """By somebody, not by Teams itself."""
    return (raw.get("messageType") or "message") == "message"


def is_removed(raw: Mapping[str, Any]) -> bool:
    """Teams keeps what was removed, without its text."""
    return bool(raw.get("deletedDateTime"))


def message(raw: Mapping[str, Any]) -> Json:
    """A message that was `placed`, as people see it. Raises KeyError."""
    root, who = raw.get("replyToId"), raw.get("from") or {}
    person = who.get("user") or {}
    ours = person.get("userIdentityType", "aadUser") == "aadUser"
    named = person if person and not ours else who.get("application") or {}
    return {
        "id": raw["id"],
        "channel": raw["space"],
        "thread": key(raw["space"], None, root) if root else None,
        "author": person.get("id") if ours else None,
        "guest": named.get("displayName"),
        "content": content(raw),
        "attachments": list(files(raw)),
        "reactions": reactions(raw.get("reactions") or ()),
        "created": raw["createdDateTime"],
        "edited": raw.get("lastEditedDateTime"),
        "url": raw.get("webUrl"),
    }


def key(space: str, root: str | None, id: str) -> str:
    """`team/channel/root` or `team/channel/root/reply`: a reply can only be asked for with its root."""
    return f"{space}/{root}/{id}" if root else f"{space}/{id}"


def content(raw: Mapping[str, Any]) -> str:
    """HTML in which `<at>` holds the account's id; pictures of the message stand among its attachments."""
    body = raw["body"]
    text = str(body.get("content") or "")
    if body.get("contentType") != "html":
        text = escape(text, quote=False).replace("\n", "<br>")
    people = {str(one.get("id")): (one.get("mentioned") or {}).get("user") for one in raw.get("mentions") or ()}

    def named(found: re.Match[str]) -> str:
        person = people.get(found[1]) or {}
        return f'<at id="{escape(str(person.get("id") or ""))}">{found[2]}</at>'

    text = ATTACHED.sub("", HOSTED.sub("", AT.sub(named, text)))
    return f"<h3>{escape(raw['subject'], quote=False)}</h3>{text}" if raw.get("subject") else text


def files(raw: Mapping[str, Any]) -> Iterator[Json]:
    """Files in SharePoint by their address, pictures by their place in the message; cards are no files."""
    for one in raw.get("attachments") or ():
        if one.get("contentType") == "reference" and one.get("contentUrl"):
            yield {"name": one.get("name"), "media_type": None, "url": share(one["contentUrl"])}
    for id in HOSTED.findall(str(raw["body"].get("content") or "")):
        yield {"name": None, "media_type": None, "url": f"{raw['id']}#{id}"}


def reactions(given: Any) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for one in given:
        person = ((one.get("user") or {}).get("user") or {}).get("id")
        kind = str(one.get("reactionType"))
        if person:
            found.setdefault(REACTIONS.get(kind, kind), set()).add(person)
    return {emoji: sorted(people) for emoji, people in sorted(found.items())}


def to_send(native: Mapping[str, Any], files: Sequence[Json] = ()) -> Json:
    """The body with its mentions and files. Raises RecordError for an empty one."""
    text = str(native.get("content") or "")
    if not visible(text) and not files:
        raise RecordError("A message needs a text.")
    mentions: list[Json] = []

    def numbered(found: re.Match[str]) -> str:
        name = unescape(TAG.sub("", found[2]))
        user = {"id": unescape(found[1]), "displayName": name, "userIdentityType": "aadUser"}
        mentions.append({"id": len(mentions), "mentionText": name, "mentioned": {"user": user}})
        return f'<at id="{len(mentions) - 1}">{found[2]}</at>'

    shown = "".join(f'<attachment id="{escape(one["id"])}"></attachment>' for one in files)
    body = {"contentType": "html", "content": AT.sub(numbered, text) + shown}
    return {"body": body, "mentions": mentions, **({"attachments": list(files)} if files else {})}


def references(raw: Mapping[str, Any]) -> list[Json]:
    """The files of a message as it was told of them, to stay where its text changes."""
    names = ("id", "contentType", "contentUrl", "name")
    found = (one for one in raw.get("attachments") or () if one.get("contentType") == "reference")
    return [{name: one[name] for name in names if one.get(name)} for one in found]


def visible(content: str) -> str:
    """What people see of it, to compare: Teams writes the same text in other tags."""
    return " ".join(unescape(TAG.sub(" ", content)).split())
