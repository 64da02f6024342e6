"""Examples of a mapping, and where what it makes of them differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Example:
    """A native record and its flat claim; `out` is what writing gives, None where it is part of the native."""

    name: str
    native: dict[str, Any]
    claim: dict[str, Any]
    into_only: bool
    out: dict[str, Any] | None
    line: int


def differences(expected: Any, found: Any, at: str = "", part: bool = False) -> list[str]:
    """Where two values differ, one line each, with the values: examples are invented. `part`: found may lack keys."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines: list[str] = []
        for key in [*expected, *(key for key in found if key not in expected)]:
            where = f"{at}.{key}" if at else str(key)
            if key not in found:
                lines += [] if part else [f"{where}: expected {expected[key]!r}, found nothing."]
            elif key not in expected:
                lines.append(f"{where}: expected nothing, found {found[key]!r}.")
            else:
                lines += differences(expected[key], found[key], where, part)
        return lines
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for at_, (a, b) in pairs for line in differences(a, b, f"{at}[{at_}]", part)]
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{at}: expected {expected!r}, found {found!r}."]
