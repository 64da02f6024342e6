"""Answers that are tables of text: rows by the names of their columns, and the same table with other values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, Literal

Row = dict[str, str]


def is_csv(headers: Mapping[str, str], answer: Any) -> bool:
    said = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return isinstance(answer, str) and "csv" in said.lower()


def rows(text: str) -> list[Row]:
    """Each as an object of JSON would say it; what stands beyond the last column is left out."""
    return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(io.StringIO(text))]


def replaced(text: str, instead: Callable[[Row], Mapping[str, str]]) -> str:
    """The table with what is said `instead` of each row; columns, quotes and line ends stay."""
    names = next(csv.reader(io.StringIO(text)), [])
    made = io.StringIO()
    quoting: Literal[0, 1] = csv.QUOTE_ALL if text.startswith('"') else csv.QUOTE_MINIMAL
    writer = csv.writer(made, quoting=quoting, lineterminator="\r\n" if "\r\n" in text else "\n")
    writer.writerow(names)
    writer.writerows(list(instead(row).values()) for row in rows(text))
    return made.getvalue()
