"""Whose account a connection is, and which permissions it lacks."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

# By stream, what the account needs for it; the first tells whether it is meant to use the stream at all.
Needs = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Account:
    """Whose account the connection is, and which permissions it lacks (empty: none).

    `expires`: what of its sign-in ends, and when, as far as the connection itself says that.
    """

    name: str
    missing: tuple[str, ...] = ()
    detail: str = ""
    expires: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        needs: Needs,
        held: Container[str],
        more: Iterable[str] = (),
        expires: Mapping[str, datetime] | None = None,
    ) -> Account:
        """Of the needs what is not held, of the streams that are used (of all where none is); then `more` that it lacks."""
        used = used_streams(needs, held)
        missing = (need for stream in used or needs for need in needs[stream] if need not in held)
        detail = f"May read {', '.join(used)}." if used else "May read none of the streams."
        return cls(name, tuple(dict.fromkeys([*missing, *more])), detail, expires or {})


def used_streams(needs: Needs, held: Container[str]) -> list[str]:
    """The streams whose first need is held."""
    return [stream for stream, wanted in needs.items() if wanted[0] in held]
