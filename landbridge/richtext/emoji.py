"""Emoji by the names that chats and forums write between colons."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

NAME = r":([a-z0-9_+'-]{1,60}(?:::skin-tone-[2-6])?):"
_NAMED = re.compile(NAME)
_VARIATION = "\ufe0f"
_LIGHTEST, _DARKEST = 0x1F3FB, 0x1F3FF


@cache
def _by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in files(__package__).joinpath("emoji.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            points, *names = line.split(" ")
            found |= dict.fromkeys(names, "".join(chr(int(point, 16)) for point in points.split("-")))
    return found


@cache
def _by_emoji() -> dict[str, str]:
    """The first name of each, without variation selectors: tools differ in whether they send them."""
    found: dict[str, str] = {}
    for name, emoji in _by_name().items():
        found.setdefault(emoji.replace(_VARIATION, ""), name)
    return found


def emoji_of(name: str) -> str | None:
    """The characters of `thumbsup` or `wave::skin-tone-3`; None for a name that is the workspace's own."""
    base, _, tone = name.partition("::skin-tone-")
    emoji = _by_name().get(base)
    if emoji is None or not tone:
        return emoji
    rest = emoji[1:].removeprefix(_VARIATION)
    return f"{emoji[0]}{chr(_LIGHTEST + int(tone) - 2)}{rest}"


def name_of(emoji: str) -> str | None:
    """The name of an emoji in any tone, as `reactions.add` takes it; None where it is none."""
    tone = next((ord(char) for char in emoji if _LIGHTEST <= ord(char) <= _DARKEST), None)
    bare = emoji.replace(_VARIATION, "")
    name = _by_emoji().get(bare)
    if name is None and tone is not None:
        name = _by_emoji().get(bare.replace(chr(tone), ""))
        return f"{name}::skin-tone-{tone - _LIGHTEST + 2}" if name else None
    return name


def with_emoji(text: str) -> str:
    """The text with the names that are known shown as emoji."""
    return _NAMED.sub(lambda match: emoji_of(match.group(1)) or match.group(), text) if ":" in text else text
