"""The records that are moved: made from a seed, so that every run and every contender sees the same bytes.

Users are about 1 KB as JSON, documents 4.5 KB, messages 600 bytes, as vendors' APIs answer them: a third of it is of
no interest to anybody.

Records repeat every BLOCK but for their number, which is always written with seven digits, and refer only to records
of their own block and to the fixed authors and rooms. So a hub that has read one block can be multiplied
(benchmarks/multiply.py) into the one that would have read all.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

Native = dict[str, Any]

SEED = 20260101
START = datetime(2026, 1, 1, tzinfo=UTC)
# Documents and messages are written by these, in these.
AUTHORS = 1_000
ROOMS = 100
BLOCK = 1_000

_GIVEN = "Anna Bert Chloé Dóra Emre Fatima Gustav Hélène Igor Jasmin Kübra Łukasz Mei Noor Øystein Priya".split()
_FAMILY = "Müller Novák O'Brien García Çelik Sørensen Nguyễn Kowalski Rossi Tanaka Haddad Petrov Okafor Silva".split()
_TITLES = "Engineer Accountant Nurse Buyer Planner Recruiter Analyst Welder Editor Driver".split()
_DIVISIONS = "Operations Finance People Sales Research Plant-North Plant-South".split()
_WORDS = (
    "the a of to in and for on with over report machine customer order room meeting plan budget shift night quality "
    "safety delivery supplier contract question answer change version Größe café naïve release printer key roof ship"
).split()
_PADDING = "x" * 4096


def _random(kind: str, number: int) -> random.Random:
    return random.Random(f"{SEED}:{kind}:{number % BLOCK}")


def _text(rng: random.Random, size: int) -> str:
    """Words, a paragraph each twelve; at least `size` characters."""
    words: list[str] = []
    length = 0
    while length < size:
        part = rng.choices(_WORDS, k=12)
        words.append(" ".join(part))
        length += len(words[-1]) + 2
    return "\n\n".join(words)


def _time(number: int, version: int) -> str:
    """When a record was last changed: each version a day after the one before."""
    return (START + timedelta(seconds=number % BLOCK, days=version)).isoformat()


def user(number: int, version: int = 0) -> Native:
    rng = _random("user", number)
    given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
    login, place = f"user{number:07d}", number % BLOCK
    title = rng.choice(_TITLES)
    return {
        "id": f"u{number:07d}",
        "number": f"E{number:07d}",
        "login": login,
        "profile": {
            "display_name": f"{given} {family}",
            "given_name": given,
            "family_name": family,
            "email": f"{login}@example.org",
            "phone": f"+49 30 0{number:07d}",
            "title": f"{title} {version}" if version else title,
            "division": rng.choice(_DIVISIONS),
            "cost_center": f"{rng.randrange(1000, 1100)}",
            "locale": rng.choice(("de-DE", "en-GB", "fr-FR", "tr-TR")),
            "avatar": {str(px): f"https://files.example.org/avatars/{login}_{px}.png" for px in (24, 48, 192)},
            "status_text": "",
            "status_emoji": "",
        },
        "manager_id": f"u{number - place + place // 10:07d}" if place else None,
        "active": place % 50 != 49,
        "flags": {"is_admin": False, "is_bot": False, "has_2fa": True, "is_restricted": False},
        "links": {"self": f"/users/{login}", "groups": f"/users/{login}/groups", "files": f"/users/{login}/files"},
        "padding": _PADDING[: 180 + number % 40],
        "created_at": START.isoformat(),
        "updated_at": _time(number, version),
    }


def document(number: int, version: int = 0) -> Native:
    rng = _random("document", number)
    key = f"d{number:07d}"
    return {
        "id": key,
        "title": f"{' '.join(rng.choices(_WORDS, k=5))} {key}",
        "body": _text(rng, 3_300) + (f"\n\nVersion {version}." if version else ""),
        "summary": " ".join(rng.choices(_WORDS, k=20)),
        "language": rng.choice(("de", "en", "fr")),
        "author_id": f"u{rng.randrange(AUTHORS):07d}",
        "state": "published",
        "category": rng.choice(_DIVISIONS),
        "tags": rng.sample(_WORDS, 3),
        "url": f"https://intranet.example.org/posts/{key}",
        "path": f"/posts/{key}",
        "revision": f"r{version}",
        "links": {"self": f"/documents/{key}", "comments": f"/documents/{key}/comments"},
        "padding": _PADDING[: 440 + number % 80],
        "published_at": START.isoformat(),
        "updated_at": _time(number, version),
    }


def message(number: int, version: int = 0) -> Native:
    """A third answers one of the messages before it in its room."""
    rng = _random("message", number)
    place = number % BLOCK
    before = place // ROOMS
    answered = number - ROOMS * rng.randrange(1, before + 1) if before else None
    return {
        "id": f"m{number:07d}",
        "room_id": f"r{number % ROOMS:07d}",
        "thread_id": f"m{answered:07d}" if answered is not None and rng.random() < 0.33 else None,
        "author_id": f"u{rng.randrange(AUTHORS):07d}",
        "text": _text(rng, 210) + (f" ({version})" if version else ""),
        "client": {"name": "desktop", "version": "5.1.2"},
        "url": f"https://chat.example.org/messages/m{number:07d}",
        "padding": _PADDING[: 75 + number % 20],
        "sent_at": (START + timedelta(seconds=place)).isoformat(),
        "updated_at": _time(number, version),
    }


def room(number: int, version: int = 0) -> Native:
    return {
        "id": f"r{number:07d}",
        "name": f"Room {number}",
        "alias": f"room-{number}",
        "topic": f"What concerns room {number}" + (f" ({version})" if version else ""),
        "visibility": "public",
        "updated_at": _time(number, version),
    }


MAKERS: dict[str, Callable[[int, int], Native]] = {
    "users": user,
    "documents": document,
    "messages": message,
    "rooms": room,
}
