"""What people put on a message to say something about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# How an answer is marked in a chat; a forum has a button for it.
ANSWER = "✅"
_VARIATION = "\ufe0f"  # 📌 is sent with and without it


def bare(emoji: str) -> str:
    return emoji.rstrip(_VARIATION)


def marks_on(data: Mapping[str, Any]) -> set[str]:
    """The reactions on one message, bare; one that was accepted counts as marked."""
    marks = {bare(emoji) for emoji, people in (data.get("reactions") or {}).items() if people}
    return marks | {ANSWER} if data.get("accepted") else marks
