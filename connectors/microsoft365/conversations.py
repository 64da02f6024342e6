"""Conversations of Viva Engage: how its own API pages, and its communities, people and messages as natives."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connectors.microsoft365.graph import Json, share
from landbridge.errors import RecordError
from landbridge.http import Next, Pages, get_path

LIKE = "👍"
UPLOADED = "uploaded_files/"
TIME = "%Y/%m/%d %H:%M:%S %z"


@dataclass(frozen=True)
class OlderPages(Pages):
    """The newest first; each message is told how many its thread has, for a feed leaves out some of a long thread."""

    items: str = "messages"

    def next(self, params: Mapping[str, Any], body: Any, headers: Mapping[str, str], count: int) -> Next | None:
        if not count or not get_path(body, "meta.older_available"):
            return None
        return Next({"older_than": get_path(body, "messages.-1.id")})

    def list_of(self, body: Any, headers: Mapping[str, str]) -> list[Json]:
        told = get_path(body, "references") or []
        sizes = {one.get("id"): get_path(one, "stats.updates") for one in told if one.get("type") == "thread"}
        return [one | {"in_thread": sizes.get(one.get("thread_id"))} for one in super().list_of(body, headers)]


def community(raw: Mapping[str, Any]) -> Json:
    """A community; private ones are their members'. Raises KeyError."""
    return {
        "id": raw["id"],
        "name": raw.get("displayName"),
        "topic": raw.get("description") or None,
        "visibility": "public" if raw.get("privacy") == "public" else "members",
    }


def group_of(community: str) -> str:
    """The number by which the older API knows a community. Raises RecordError."""
    try:
        found = orjson.loads(base64.urlsafe_b64decode(community + "=" * (-len(community) % 4)))
        return str(int(found["id"]))
    except (KeyError, TypeError, ValueError):
        raise RecordError("The id of a community was expected to hold the number of its group.") from None


def person(raw: Mapping[str, Any]) -> Json:
    """An account of the network; its number is what messages say. Raises KeyError."""
    return {
        "id": str(raw["id"]),
        "name": raw.get("full_name"),
        "email": raw.get("email"),
        "active": raw.get("state") == "active",
        "guest": bool(raw.get("guest") or raw.get("aad_guest")),
    }


def message(raw: Mapping[str, Any]) -> Json:
    """A message of a `community` as plain text: other forms hold addresses and tokens. Raises KeyError, ValueError."""
    key, thread = str(raw["id"]), str(raw["thread_id"])
    answered = raw.get("replied_to_id")
    return {
        "id": key,
        "community": raw["community"],
        "thread": thread if thread != key else None,
        "reply_to": str(answered) if answered and str(answered) != thread else None,
        "sender": str(raw["sender_id"]),
        "text": (raw.get("body") or {}).get("plain") or "",
        "attachments": list(files(raw)),
        "reactions": {LIKE: likes} if (likes := liked_by(raw)) else {},
        "created": datetime.strptime(raw["created_at"], TIME).isoformat(),
        "url": raw.get("web_url"),
    }


def files(raw: Mapping[str, Any]) -> Iterator[Json]:
    """Those kept in SharePoint by their address there, older ones by their number; praise, polls and links are no files."""
    for one in raw.get("attachments") or ():
        if not one.get("download_url"):
            continue
        kept = one.get("sharepoint_web_url") if one.get("storage_type") == "SHAREPOINT" else None
        url = share(kept) if kept else f"{UPLOADED}{one['id']}"
        yield {"name": one.get("name"), "media_type": one.get("content_type"), "size": one.get("size"), "url": url}


def liked_by(raw: Mapping[str, Any]) -> list[str]:
    """Those that are named; of many likes a list names some only."""
    return sorted({str(one["user_id"]) for one in get_path(raw, "liked_by.names") or () if one.get("user_id")})


def is_said(raw: Mapping[str, Any]) -> bool:
    """Neither of the system nor between two people."""
    return not raw.get("system_message") and not raw.get("direct_message")
