"""Fills a hub of a million in minutes: what the engine made of the first block is copied under other numbers.

The rows of one block become a template, in which every number, entity id and serial id of the block is open; each
copy fills them in and goes in by COPY. That the copies are what the engine would have made is checked twice: a hub
multiplied to some blocks is compared, row by row, with one that has read them all (`differences`), and a full read of
the multiplied hub finds no claim changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

# What belongs to one record each. The others hold what runs leave behind.
_TABLES = ("record", "entity", "change", "reference", "unresolved", "identifier", "delivery", "agenda")
# What stands before a record's number, wherever it is written.
_BEFORE = {"users": r"user|[eE]|\+49 30 0|\bu", "documents": r"\bd", "messages": r"\bm"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# What a write is marked with, by which the target knows it: a copy has eight digits of its own, so none meets an original.
_MARKER = re.compile(r"\blb[0-9a-f]{32}\b")
# A serial id of the block, below this, becomes <block><id with so many digits>.
_DIGITS = 9
# The first digits of a UUIDv7 are its time: the copies' ids are of a time to come, so none is an id of the engine's.
_FUTURE = 0x1000
_NUMBER, _ID, _SERIAL = "\x01", "\x02", "\x03"


def multiply(url: str, stream: str, blocks: int) -> Iterator[int]:
    """Copy the hub's only block of this stream until there are `blocks`; yields how many there are so far."""
    with psycopg.connect(url) as connection:
        templates = [(table, _template(connection, table, stream)) for table in _TABLES]
        for block in range(1, blocks):
            for table, (columns, text) in templates:
                if text:
                    _insert(connection, table, columns, _filled(text, block))
            if block % 50 == 0 or block == blocks - 1:
                connection.commit()
                yield block + 1
        _restart_serials(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _filled(text: str, block: int) -> bytes:
    made = text.replace(_NUMBER, f"{block:04d}").replace(_ID, f"{_FUTURE + block:04x}").replace(_SERIAL, str(block))
    return made.encode()


def _insert(connection: psycopg.Connection[Any], table: str, columns: Sequence[str], rows: bytes) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
        copy.write(rows)


def _columns(connection: psycopg.Connection[Any], table: str) -> dict[str, str]:
    found = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        (table,),
    )
    return dict(found.fetchall())


def _serials(connection: psycopg.Connection[Any], table: str) -> list[str]:
    """The columns with a number that the database gives, or that refer to one."""
    columns = _columns(connection, table)
    return [name for name in ("id", "seq", "record") if columns.get(name) in ("bigint", "integer")]


def _of_block(connection: psycopg.Connection[Any], stream: str) -> set[str]:
    """The entities that the stream's records are linked to."""
    found = connection.execute("SELECT entity FROM record WHERE stream = %s AND system = 'source'", (stream,))
    return {str(row[0]) for row in found}


def _template(connection: psycopg.Connection[Any], table: str, stream: str) -> tuple[list[str], str]:
    """The columns, and the block's rows in COPY's text form with everything open that differs between blocks."""
    columns, ids = list(_columns(connection, table)), _of_block(connection, stream)
    serials = [columns.index(name) for name in _serials(connection, table)]
    number = re.compile(rf"({_BEFORE[stream]})0000(\d{{3}})(?!\d)")
    rows = []
    for line in _lines(connection, table, columns):
        if not ids.intersection(_UUID.findall(line)) and not _speaks(table, line, number):
            continue
        opened = number.sub(lambda found: f"{found[1]}{_NUMBER}{found[2]}", line)
        cells = _UUID.sub(lambda found: _ID + found[0][4:] if found[0] in ids else found[0], opened).split("\t")
        cells = [_MARKER.sub(lambda found: f"lb{_ID}0000{found[0][10:]}", cell) for cell in cells]
        for index in serials:
            cells[index] = f"{_SERIAL}{int(cells[index]):0{_DIGITS}d}"
        rows.append("\t".join(cells) + "\n")
    return columns, "".join(rows)


def _lines(connection: psycopg.Connection[Any], table: str, columns: Sequence[str]) -> list[str]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    copying = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(names, sql.Identifier(table))
    with connection.cursor().copy(copying) as copy:
        # Not splitlines: it also ends lines where a text has one of Unicode's.
        return b"".join(bytes(part) for part in copy).decode().split("\n")[:-1]


def _speaks(table: str, line: str, number: re.Pattern[str]) -> bool:
    """Rows without an entity that nevertheless are about the block's records."""
    return table in ("identifier", "unresolved") and bool(number.search(line))


def _restart_serials(connection: psycopg.Connection[Any]) -> None:
    for table in _TABLES:
        for name in sorted({"id", "seq"} & set(_serials(connection, table))):
            question = sql.SQL(
                "SELECT setval(pg_get_serial_sequence({table}, {column})::regclass, max({name})) FROM {of} HAVING count(*) > 0"
            )
            connection.execute(
                question.format(
                    table=sql.Literal(table),
                    column=sql.Literal(name),
                    name=sql.Identifier(name),
                    of=sql.Identifier(table),
                )
            )


# What may differ: ids, times, serial ids, and what is computed of ids or of the raw record.
_BLANKED = (
    "id",
    "seq",
    "record",
    "at",
    "changed_at",
    "created_at",
    "updated_at",
    "next_at",
    "run",
    "fingerprint",
    "marker",
    "hash",
)


def differences(one: str, other: str) -> dict[str, int]:
    """How many rows of each table are in one of two hubs only, apart from ids and times; empty where there is none."""
    found = {}
    with psycopg.connect(one) as left, psycopg.connect(other) as right:
        for table in _TABLES:
            a, b = _shape(left, table), _shape(right, table)
            if apart := sum(((a - b) + (b - a)).values()):
                found[table] = apart
    return found


def _shape(connection: psycopg.Connection[Any], table: str) -> Counter[str]:
    columns = [name for name in _columns(connection, table) if name not in _BLANKED]
    return Counter(_MARKER.sub("<marker>", _UUID.sub("<id>", line)) for line in _lines(connection, table, columns))
