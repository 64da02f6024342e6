"""Private spaces: which of them may be read, and that nothing said in another one is kept.

A connector does not even ask for what it may not read; whatever one yields all the same goes no further than here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xxhash
from sqlalchemy import Connection

from landbridge.mapping import Mapping, load_yaml
from landbridge.policy import PrivateSpace, is_private
from landbridge.store import bulk, privacy, records
from landbridge.store.hub import Hub
from landbridge.store.records import Row, Staged
from landbridge.sync.company import Company
from landbridge.sync.refs import is_ref

# The field by which what is said, and who is in it, names its space.
_PLACE = {"message": "space", "membership": "group"}


def policies_of(company: Company, system: str) -> list[PrivateSpace]:
    return [one for one in company.policy.private_spaces if one.system == system]


def in_force(company: Company, system: str) -> frozenset[str]:
    """Keys of the private spaces that policy names now, whether those who are in them were told or not."""
    return frozenset(one.space for one in policies_of(company, system) if one.in_force)


def place_of(company: Company, policy: PrivateSpace) -> str:
    """Where the policy stands, for messages: file and line."""
    file = load_yaml(company.home / "config" / "policy.yaml")
    return f"config/policy.yaml:{file.line('private_spaces', company.policy.private_spaces.index(policy))}"


def saying(policy: PrivateSpace) -> str:
    """What its notice says, as a fingerprint: for another purpose, owner or end people are told again."""
    return xxhash.xxh3_64_hexdigest(policy.told.encode())


@dataclass(frozen=True)
class Allowed:
    """Of one system, the private spaces that are read now, those named whose policy is not in force, and who is left out.

    `notices` are the keys of what Landbridge itself has said about it.
    """

    named: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    notices: frozenset[str] = frozenset()
    opted_out: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """Changes with what may be read; empty where nothing private may."""
        said = [*sorted(self.named), "", *sorted(self.opted_out)]
        return xxhash.xxh3_64_hexdigest("\n".join(said).encode()) if self.named else ""


def allowed(conn: Connection, company: Company, system: str) -> Allowed:
    """As things stand now: named by a policy in force, and those who are in it were told."""
    policies = policies_of(company, system)
    if not policies:
        return Allowed()
    told = [one for one in privacy.notices(conn, system) if one.key is not None]
    given = {(one.space, one.saying) for one in told}
    named = {one.space for one in policies if one.in_force and (one.notice or (one.space, saying(one)) in given)}
    return Allowed(
        frozenset(named), frozenset(one.space for one in policies) - named,
        frozenset(one.key for one in told if one.key), privacy.opted_out(conn),
    )  # fmt: skip


def untold(conn: Connection, company: Company, system: str) -> list[str]:
    """What keeps policies in force from being followed, one line each."""
    named = allowed(conn, company, system).named
    return [
        f"{place_of(company, one)}: those who are in this private space of {system} were not told yet, so it is not read: "
        f"`landbridge policy notify {system}` tells them."
        for one in policies_of(company, system)
        if one.in_force and one.space not in named
    ]


class Permitted:
    """What a connector is handed: the keys of the private spaces of its system that it may read.

    Those that Landbridge has opened itself, for a case or a department, need no policy: a flow's purpose says what for.
    """

    def __init__(self, hub: Hub, company: Company, system: str) -> None:
        self._hub, self._company, self._system = hub, company, system
        self._own: set[str] = set()

    @cached_property
    def _named(self) -> frozenset[str]:
        if not policies_of(self._company, self._system):
            return frozenset()
        with self._hub.read() as conn:
            return allowed(conn, self._company, self._system).named

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._named))

    def __contains__(self, key: object) -> bool:
        if key in self._named or key in self._own:
            return True
        if not isinstance(key, str) or not self._opened_by_us(key):
            return False
        self._own.add(key)
        return True

    def _opened_by_us(self, key: str) -> bool:
        with self._hub.read() as conn:
            rows = (records.get(conn, self._system, stream, key) for stream in self._streams)
            return any(row is not None and _is_own(row) for row in rows)

    @cached_property
    def _streams(self) -> list[str]:
        names = (name for name, one in self._company.mappings.items() if one.kind == "space")
        return [stream for system, _, stream in (name.partition("/") for name in names) if system == self._system]


class Gate:
    """Between what a stream says and the hub, while it is read."""

    def __init__(self, allowed: Allowed, mapping: Mapping, system: str) -> None:
        self.allowed, self._kind, self._system = allowed, mapping.kind, system
        self._spaces = Spaces(allowed)

    @property
    def concerns(self) -> bool:
        """Does it matter for this kind what may be read?"""
        return self._kind == "space" or self._kind in _PLACE

    def kept(self, conn: Connection, staged: Sequence[Staged]) -> list[Staged]:
        """What may be; where a space is not known yet, merging asks once more."""
        if self._kind != "message":
            return list(staged)
        self._spaces.load(conn, self._system, (one.claim for one in staged))
        out = self._authors_left_out(conn, staged)
        return [
            one for one in staged
            if not self._spaces.closed(self._system, one.claim) and one.key not in self.allowed.notices
            and not (self._is_named(one) and _key(one.claim, "author") in out)
        ]  # fmt: skip

    def moved_out(self, conn: Connection, stream: str, out: Sequence[Staged]) -> set[str]:
        """Keys of those, of what is not kept, that were said elsewhere as far as we know: people have moved them out of sight."""
        known = records.by_keys(conn, self._system, stream, (one.key for one in out)) if out else {}
        before = {key: _key(row.claim or {}, "space") for key, row in known.items() if row.gone_at is None}
        return {one.key for one in out if before.get(one.key) not in (None, _key(one.claim, "space"))}

    def unseen(self, conn: Connection, ids: Sequence[int]) -> set[int]:
        """Of records that a full read has not met, those where it did not look: nobody knows whether they are gone."""
        found: set[int] = set()
        for chunk in bulk.chunks(ids if self._kind == "message" or (self.allowed.ended and self.concerns) else ()):
            rows = records.get_many(conn, chunk).values()
            if self._kind == "message":
                self._spaces.load(conn, self._system, (row.claim or {} for row in rows))
                found.update(row.id for row in rows if self._spaces.closed(self._system, row.claim or {}))
            found.update(row.id for row in rows if self._stands_in(row) in self.allowed.ended)
        return found

    def _stands_in(self, row: Row) -> str | None:
        return row.key if row.kind == "space" else _key(row.claim or {}, _PLACE.get(row.kind, ""))

    def _is_named(self, one: Staged) -> bool:
        return _key(one.claim, "space") in self.allowed.named

    def _authors_left_out(self, conn: Connection, staged: Iterable[Staged]) -> set[str]:
        """Keys of authors who have opted out, among those who said something in a space that a policy names."""
        if not self.allowed.opted_out:
            return set()
        by_stream: dict[str, set[str]] = {}
        for one in staged:
            author = one.claim.get("author")
            if is_ref(author) and self._is_named(one):
                by_stream.setdefault(author["stream"], set()).add(author["key"])
        found = (records.by_keys(conn, self._system, stream, keys).values() for stream, keys in by_stream.items())
        return {row.key for rows in found for row in rows if row.entity in self.allowed.opted_out}


class Spaces:
    """Which spaces are closed to us, as far as the hub knows them."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._closed: dict[tuple[str, str, str], bool] = {}

    def load(self, conn: Connection, system: str, claims: Iterable[dict[str, Any]]) -> None:
        wanted: dict[str, set[str]] = {}
        for claim in claims:
            place = claim.get("space")
            if is_ref(place) and (system, place["stream"], place["key"]) not in self._closed:
                wanted.setdefault(place["stream"], set()).add(place["key"])
        for stream, keys in wanted.items():
            for key, row in records.by_keys(conn, system, stream, keys).items():
                if row.claim:
                    closed = is_private(row.claim) and not _is_own(row) and key not in self._allowed.named
                    self._closed[system, stream, key] = closed

    def closed(self, system: str, claim: dict[str, Any]) -> bool:
        place = claim.get("space")
        return is_ref(place) and self._closed.get((system, place["stream"], place["key"]), False)


def _is_own(row: Row) -> bool:
    """Landbridge has opened it: what it shows there (a case, a department) was first."""
    return row.role != "source"


def _key(claim: dict[str, Any], field: str) -> str | None:
    ref = claim.get(field)
    return ref["key"] if is_ref(ref) else None
