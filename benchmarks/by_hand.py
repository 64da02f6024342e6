"""The least that any program in Python has to do: fetch, parse, compare raw fingerprints, COPY what is new, one merge.

No mapping, no validation, no matching, no history, no errors handled: what the machine, the client library and the
database leave to everybody. `python -m benchmarks.by_hand KIND SOURCE DATABASE_URL`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import orjson
import psycopg
import urllib3
import xxhash

_TABLE = "CREATE TABLE IF NOT EXISTS {} (id text PRIMARY KEY, fingerprint bytea, data jsonb)"
_KNOWN = "SELECT id, fingerprint FROM {} WHERE id = ANY(%b)"
_STAGE = "CREATE TEMPORARY TABLE staged (id text, fingerprint bytea, data jsonb) ON COMMIT DELETE ROWS"
_MERGE = """
INSERT INTO {} SELECT * FROM staged
ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, data = excluded.data
"""


def pages(source: str, kind: str) -> Iterator[list[dict[str, Any]]]:
    pool, number, last = urllib3.PoolManager(), 1, 1
    while number <= last:
        answer = pool.request("GET", f"{source}/{kind}?page={number}")
        last = int(answer.headers["X-Total-Pages"])
        yield orjson.loads(answer.data)
        number += 1


def store(connection: psycopg.Connection[Any], kind: str, page: list[dict[str, Any]]) -> None:
    marked = {one["id"]: (xxhash.xxh3_128_digest(raw := orjson.dumps(one)), raw) for one in page}
    known = dict(connection.execute(_KNOWN.format(kind).encode(), (list(marked),)).fetchall())
    fresh = [(id, mark, raw) for id, (mark, raw) in marked.items() if known.get(id) != mark]
    if fresh:
        with connection.cursor().copy("COPY staged FROM STDIN") as copy:
            for id, mark, raw in fresh:
                copy.write_row((id, mark, raw.decode()))
        connection.execute(_MERGE.format(kind).encode())
    connection.commit()


def main() -> None:
    kind, source, database = sys.argv[1:]
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        connection.execute("SET search_path TO bench")
        connection.execute(_TABLE.format(kind).encode())
        connection.execute(_STAGE)
        for page in pages(source, kind):
            store(connection, kind, page)
    print(json.dumps({"version": f"by hand with psycopg {psycopg.__version__}"}))


if __name__ == "__main__":
    main()
