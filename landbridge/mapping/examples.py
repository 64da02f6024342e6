"""The examples of a mapping, run both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.errors import RecordError
from landbridge.model import validate

if TYPE_CHECKING:
    from landbridge.mapping.mapping import Mapping


@dataclass(frozen=True)
class Example:
    """A native record and its flat claim; `out` is what writing gives, None where it is part of the native."""

    name: str
    native: dict[str, Any]
    claim: dict[str, Any]
    into_only: bool
    out: dict[str, Any] | None
    line: int


def problems_of(mapping: Mapping) -> list[str]:
    if not mapping.examples:
        return [f"{mapping.file}: no examples. Add one under `examples:` with native and canonical."]
    found: list[str] = []
    for example in mapping.examples:
        where = f'{mapping.file}:{example.line}: example "{example.name}"'
        try:
            found += [f"{where}: {problem}" for problem in _run(mapping, example)]
        except RecordError as error:
            found.append(f"{where}: {error}")
    return found


def _run(mapping: Mapping, example: Example) -> list[str]:
    if not mapping.accepts(example.native):
        return ["`only` refuses the native record."]
    claim = mapping.into(example.native).claim
    problems = [f"into: {problem}" for problem in differences(example.claim, claim)]
    validate(mapping.kind, claim)
    if problems or example.into_only:
        return problems
    native = mapping.out(example.claim).native
    if example.out is not None:
        return [f"out: {problem}" for problem in differences(example.out, native)]
    advice = "Say what is written with `out:`, or `into_only: true`."
    return [f"out: {problem} {advice}" for problem in differences(example.native, native, part=True)]


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
