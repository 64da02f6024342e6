"""Following a list that tells no changes, where asking for each of its records costs a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson
import xxhash

from landbridge.connector.cursors import ended, kept
from landbridge.connector.items import Item, Native

# One sum per bucket of keys finds what changed in a list of any length with a cursor of some 20 KB.
BUCKETS = 1024


@dataclass(frozen=True)
class Sums:
    """`key` names what identifies a row of the list, `told` what its rows tell; only a change of that is seen."""

    key: str
    told: tuple[str, ...]

    def read(
        self, cursor: Any, rows: Callable[[], Iterable[Native]], one: Callable[[str], Iterable[Item]]
    ) -> Iterator[Item]:
        """In full `one` of each row; later of the rows in buckets where the list is not as it was. It is listed twice."""
        known, sums = kept(cursor, "sums", dict) or {}, self._of(rows())
        stale = {bucket for bucket in {*known, *sums} if known.get(bucket) != sums.get(bucket)}
        for row in rows() if stale else ():
            if _bucket(row[self.key]) in stale:
                yield from one(row[self.key])
        yield from ended(cursor, {"sums": sums})

    def _of(self, rows: Iterable[Native]) -> dict[str, str]:
        sums: Counter[str] = Counter()
        for row in rows:
            sums[_bucket(row[self.key])] += xxhash.xxh3_64_intdigest(orjson.dumps([row.get(one) for one in self.told]))
        return {bucket: f"{total % 2**64:x}" for bucket, total in sorted(sums.items())}


def _bucket(key: str) -> str:
    return str(crc32(key.encode()) % BUCKETS)
