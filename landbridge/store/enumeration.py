"""What a full read has met, and what is gone because it did not meet it.

Nothing is written while it reads: a mark on every record, or a table of all keys, costs more than reading them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Self

from sqlalchemy import Connection, bindparam, func, select, update

from landbridge.store import bulk
from landbridge.store.clock import later, now
from landbridge.store.tables import record

# Bits of an id that are counted within one piece of an IdSet; a piece has 8 KB.
_WITHIN = 16
_PIECE = 1 << (_WITHIN - 3)
_NEWEST = select(func.max(record.c.id))
_GONE = update(record).where(
    record.c.id.in_(bindparam("ids", expanding=True)),
    record.c.gone_at.is_(None),
    record.c.changed_at < bindparam("before"),
)


class IdSet:
    """Record ids as bits: it grows with the range they lie in, so a million of them takes some hundred kilobytes."""

    def __init__(self) -> None:
        self._pieces: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(_PIECE))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, ids: Iterable[int]) -> None:
        pieces = self._pieces
        for id in ids:
            pieces[id >> _WITHIN][id >> 3 & _PIECE - 1] |= 1 << (id & 7)

    def missing(self, ids: Iterable[int]) -> list[int]:
        """Those that are not in the set."""
        get, nothing = self._pieces.get, bytes(_PIECE)
        return [id for id in ids if not get(id >> _WITHIN, nothing)[id >> 3 & _PIECE - 1] & 1 << (id & 7)]


class Enumeration:
    """One full read of a stream, from its beginning on.

    A record that came or changed after the beginning is never called gone by it: what we write ourselves meanwhile may
    lie on a page that was read before. Nor one that did shortly before, where lists are late.
    """

    def __init__(self, system: str, stream: str, newest: int, since: str) -> None:
        self._system, self._stream = system, stream
        self._newest, self._since = newest, since
        self.met = IdSet()

    @classmethod
    def begin(cls, conn: Connection, system: str, stream: str, late: float = 0.0) -> Self:
        """Before the first page is asked for; `late`: seconds for which lists may lack what was written."""
        return cls(system, stream, int(conn.scalar(_NEWEST) or 0), later(-late))

    def missing(self, conn: Connection) -> list[int]:
        """What it did not meet, in order; to be held with all else that the transaction changes."""
        present = bulk.present_ids(conn, self._system, self._stream, self._newest, self._since)
        return sorted(id for some in present for id in self.met.missing(some))

    def call_gone(self, conn: Connection, missing: Sequence[int]) -> int:
        """Call these gone, except what was written meanwhile; how many. Only after a complete enumeration without errors."""
        moment, count = now(), 0
        for chunk in bulk.chunks(missing):
            gone = _GONE.values(gone_at=moment, pending=True, changed_at=moment)
            count += conn.execute(gone, {"ids": chunk, "before": self._since}).rowcount
        return count
