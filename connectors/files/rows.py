"""Rows of a file, one at a time, with the line that each comes from."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import IO, Any

import orjson

from connectors.files.config import FileConfig
from connectors.files.examine import Examined
from landbridge.connector.items import Native
from landbridge.errors import ConfigError, RecordError, TransientError

DELIMITERS = ",;\t|"
LONGEST_FIELD = 2**24
# As connectors.files.writing leaves it.
_GUARDED = re.compile(r"'[=+\-@\t\r]")
Row = tuple[int, Native | RecordError]


def rows(found: Examined, config: FileConfig) -> Iterator[Row]:
    """Raises TransientError for a file that ends in the middle, ConfigError for one without the key columns."""
    return READERS[config.form](found, config)


def header(found: Examined, config: FileConfig) -> tuple[list[str], str]:
    """The columns of a CSV file, and what stands between them."""
    with _text(found) as file:
        return _header(file, config)


def _csv(found: Examined, config: FileConfig) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_FIELD)
    with _text(found) as file:
        names, delimiter = _header(file, config)
        _check(found.name, names, config)
        reader = csv.reader(file, delimiter=delimiter)
        held: tuple[int, list[str]] | None = None
        for cells in reader:
            if held:
                yield _cells(names, *held, config)
            held = (config.skip + 1 + reader.line_num, cells) if cells else None
        if held:
            # Only the last row can be half a row; a whole one ends with its line or has all its columns.
            if not found.ended and len(held[1]) < len(names):
                raise _half(found.name)
            yield _cells(names, *held, config)


def _header(file: IO[str], config: FileConfig) -> tuple[list[str], str]:
    for _ in range(config.skip):
        file.readline()
    line = file.readline()
    delimiter = config.delimiter or max(DELIMITERS, key=lambda sign: re.sub(r'"[^"]*"', "", line).count(sign))
    names = next(csv.reader([line], delimiter=delimiter), [])
    return [name.strip() for name in names], delimiter


def _cells(names: list[str], line: int, cells: list[str], config: FileConfig) -> Row:
    if len(cells) != len(names):
        return line, RecordError(f"line {line} has {len(cells)} columns, {len(names)} were expected.")
    values = (_unguarded(cell) for cell in cells) if config.writes else cells
    return line, {name: value or None for name, value in zip(names, values, strict=True) if name}


def _unguarded(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


def _jsonl(found: Examined, config: FileConfig) -> Iterator[Row]:
    bad: int | None = None
    with _text(found) as file:
        for number, line in enumerate(file, 1):
            if bad:
                yield bad, RecordError(f"line {bad} is no JSON object.")
            bad = None
            if not line.strip():
                continue
            try:
                native = orjson.loads(line)
            except orjson.JSONDecodeError:
                native = None
            if isinstance(native, dict):
                yield number, native
            else:
                bad = number
    if bad and not found.ended:
        raise _half(found.name)
    if bad:
        yield bad, RecordError(f"line {bad} is no JSON object.")


def _excel(found: Examined, config: FileConfig) -> Iterator[Row]:
    try:
        import openpyxl
    except ImportError:
        raise ConfigError("Excel files need openpyxl.", remedy="Install its extra: landbridge[excel].") from None
    try:
        book = openpyxl.load_workbook(found.path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, EOFError):
        raise _half(found.name) from None
    try:
        if config.sheet and config.sheet not in book.sheetnames:
            raise ConfigError(f"{found.name} has no sheet {config.sheet!r}.", remedy=f"It has {book.sheetnames}.")
        sheet = book[config.sheet] if config.sheet else book.worksheets[0]
        # A size that is written in the file may be wrong.
        sheet.reset_dimensions()
        yield from _cells_of(found.name, sheet.iter_rows(min_row=config.skip + 1, values_only=True), config)
    finally:
        book.close()


def _cells_of(file: str, cells: Iterator[tuple[Any, ...]], config: FileConfig) -> Iterator[Row]:
    names = [str(name).strip() if name is not None else "" for name in next(cells, ())]
    _check(file, names, config)
    for line, row in enumerate(cells, config.skip + 2):
        if any(value is not None for value in row):
            padded = (*row, *(None,) * (len(names) - len(row)))
            yield line, {name: _value(value) for name, value in zip(names, padded, strict=False) if name}


def _value(value: Any) -> Any:
    """Excel's numbers are all floating, its days all times."""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _check(file: str, names: list[str], config: FileConfig) -> None:
    if missing := [name for name in config.key if name not in names]:
        raise ConfigError(f"{file} has no column {missing[0]!r}.", remedy=f"It has {', '.join(filter(None, names))}.")


def _text(found: Examined) -> IO[str]:
    return open(found.path, encoding=found.encoding, errors="replace", newline="")


def _half(file: str) -> TransientError:
    return TransientError(f"{file} ends in the middle.", remedy="Wait until it is written, or write it again.")


READERS: dict[str, Callable[[Examined, FileConfig], Iterator[Row]]] = {"csv": _csv, "jsonl": _jsonl, "excel": _excel}
