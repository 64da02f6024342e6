"""Slack's objects as complete, steady natives: nothing in them changes unless somebody changed it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from landbridge.richtext.emoji import NAME, emoji_of, name_of

Json = dict[str, Any]
# What our own messages carry, told to nobody but the app itself.
EVENT = "landbridge_message"
# Everything else is Slack telling what happened: somebody joined, the topic changed.
SAID = frozenset({None, "bot_message", "me_message", "file_share", "thread_broadcast", "assistant_app_thread"})
REMOVED = "tombstone"
OWN_EMOJI = re.compile(NAME)


def user(raw: Json) -> Json:
    profile = raw.get("profile") or {}
    return {
        "id": raw["id"],
        "name": raw["name"],
        "display_name": profile.get("display_name") or None,
        "real_name": profile.get("real_name") or raw.get("real_name") or None,
        "given": profile.get("first_name") or None,
        "family": profile.get("last_name") or None,
        "email": profile.get("email") or None,
        "phone": profile.get("phone") or None,
        "title": profile.get("title") or None,
        "tz": raw.get("tz"),
        "locale": raw.get("locale"),
        "deleted": bool(raw.get("deleted")),
        "bot": bool(raw.get("is_bot")) or raw["id"] == "USLACKBOT" or bool(raw.get("is_workflow_bot")),
        "guest": is_guest(raw),
    }


def is_guest(raw: Json) -> bool:
    """Restricted to some channels, or from another workspace."""
    return any(raw.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger"))


def usergroup(raw: Json) -> Json:
    return {
        "id": raw["id"],
        "name": raw.get("name"),
        "handle": raw.get("handle"),
        "description": raw.get("description") or None,
        "disabled": bool(raw.get("date_delete")),
        "external": bool(raw.get("is_external")),
    }


def channel(raw: Json, *, guests: bool, url: str) -> Json:
    return {
        "id": raw["id"],
        "name": raw.get("name"),
        "topic": (raw.get("topic") or {}).get("value") or None,
        "purpose": (raw.get("purpose") or {}).get("value") or None,
        "private": bool(raw.get("is_private")),
        "archived": bool(raw.get("is_archived")),
        "guests": guests,
        "url": url,
    }


def key(channel: str, ts: str) -> str:
    """A message can only be asked for with its channel, so both are the key."""
    return f"{channel}/{ts}"


def parts(key: str) -> tuple[str, str]:
    channel, _, ts = key.partition("/")
    return channel, ts


def is_said(raw: Json) -> bool:
    return raw.get("type") in (None, "message") and raw.get("subtype") in SAID


def is_removed(raw: Json) -> bool:
    return raw.get("subtype") == REMOVED


def placed(channel: str, raw: Json) -> Json:
    """A message with where it stands, which Slack leaves to who asked."""
    return {**raw, "id": key(channel, raw["ts"]), "channel": channel}


def message(raw: Json, *, ours: frozenset[str], url: str) -> Json:
    """The placed message as people see it; in whose name the bot has said it, its metadata tell."""
    channel, thread, told = raw["channel"], raw.get("thread_ts"), payload(raw, ours)
    return {
        "id": raw["id"],
        "channel": channel,
        "ts": raw["ts"],
        "user": told.get("author") or (None if told else raw.get("user")),
        "username": raw.get("username"),
        "blocks": blocks(raw),
        "text": raw.get("text") or "",
        "thread": key(channel, thread) if thread and thread != raw["ts"] else None,
        "files": list(_files(raw.get("files") or ())),
        "edited_ts": (raw.get("edited") or {}).get("ts"),
        "reactions": dict(sorted(reactions(raw.get("reactions") or (), ours))),
        "url": url,
    }


def payload(raw: Json, ours: frozenset[str]) -> Json:
    """What we wrote beside the message; Slack says itself which app a message is by, so nobody can pass for us."""
    told = raw.get("metadata") or {}
    if not {raw.get("bot_id"), raw.get("user")} & ours or told.get("event_type") != EVENT:
        return {}
    found = told.get("event_payload")
    return found if isinstance(found, dict) else {}


def marker(raw: Json, ours: frozenset[str]) -> str | None:
    found = payload(raw, ours).get("marker")
    return found if isinstance(found, str) else None


def blocks(raw: Json) -> str:
    """What the message is made of; Slack gives every block a number of its own, which says nothing.

    A message without blocks is shown as one of mrkdwn. Cards of older apps stand below it.
    """
    found = [{name: part for name, part in one.items() if name != "block_id"} for one in raw.get("blocks") or ()]
    if not found and raw.get("text"):
        found = [mrkdwn(raw["text"])]
    for card in raw.get("attachments") or ():
        # A preview of a linked page is not part of what was said.
        if not card.get("from_url") and not card.get("original_url"):
            found += card.get("blocks") or [mrkdwn(card.get("text") or card.get("fallback") or "")]
    return orjson.dumps(found).decode()


def mrkdwn(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def reactions(found: Iterable[Json], ours: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Emoji and who, less the app itself, which only repeats others; one that is the workspace's own keeps its name."""
    for one in found:
        if people := sorted(set(one.get("users") or ()) - ours):
            yield emoji_of(one["name"]) or f":{one['name']}:", people


def repeated(raw: Json, ours: frozenset[str]) -> set[str]:
    """Names of the reactions that the app has put on the message."""
    return {one["name"] for one in raw.get("reactions") or () if ours & set(one.get("users") or ())}


def reaction_name(emoji: str) -> str | None:
    """As `reactions.add` takes it; None where Slack has none."""
    return name_of(emoji) or (emoji.strip(":") if OWN_EMOJI.fullmatch(emoji) else None)


def _files(found: Iterable[Json]) -> Iterator[Json]:
    for file in found:
        if file.get("mode") not in ("tombstone", "hidden_by_limit") and not file.get("is_external"):
            yield {
                "name": file.get("name"),
                "media_type": file.get("mimetype"),
                "size": file.get("size"),
                "url": file["id"],
            }
