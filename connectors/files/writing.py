"""Rows as lines of a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import orjson

from connectors.files.config import FileConfig
from connectors.files.examine import Examined
from connectors.files.rows import header
from landbridge.connector.items import Native
from landbridge.errors import RecordError

# A spreadsheet takes what begins so for a formula; an apostrophe before it says that it is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+\-]?[\d\s().,/\-]*\d")


def write_csv(file: BinaryIO, found: Examined, config: FileConfig, lines: Iterator[Native]) -> None:
    """Under the columns, and in the encoding, that the file has had."""
    names, delimiter = header(found, config)
    text = io.TextIOWrapper(file, found.encoding, newline="", write_through=True)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(names)
    for row in lines:
        if unknown := [name for name in row if name not in names]:
            raise RecordError(f"{found.name} has no column {unknown[0]!r}.")
        try:
            writer.writerow([guarded(row.get(name)) for name in names])
        except UnicodeEncodeError:
            raise RecordError(f"{found.name} is in {found.encoding}, which lacks a letter of the row.") from None
    text.detach()


def write_jsonl(file: BinaryIO, found: Examined, config: FileConfig, lines: Iterator[Native]) -> None:
    for row in lines:
        file.write(orjson.dumps(row) + b"\n")


def guarded(value: Any) -> str:
    """As a cell that no spreadsheet computes; numbers and telephone numbers are none the worse for it."""
    text = "" if value is None else orjson.dumps(value).decode() if isinstance(value, dict | list) else _plain(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


WRITERS: dict[str, Callable[[BinaryIO, Examined, FileConfig, Iterator[Native]], None]] = {
    "csv": write_csv, "jsonl": write_jsonl,
}  # fmt: skip
