"""How things are written in a terminal of 80 columns: words, times, values and tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Cell = str | tuple[str, str]

OK, BAD, WARN, WAIT = ("✓", "green"), ("✗", "red"), ("!", "yellow"), ("·", "dim")


def console(*, stderr: bool = False) -> Console:
    """Neither markup nor emoji codes are looked for: what is shown comes from people."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def clean(text: str) -> str:
    """Without control characters: a name must not be able to steer the terminal."""
    return "".join(" " if c in "\n\r\t" else "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


class Unbroken(Text):
    """A line that is shown as one however long it is, so that it can be searched for and passed on."""


def line(*cells: Cell) -> Text:
    """One line of plain and (text, style) parts."""
    return Text.assemble(*_parts(cells))


def unbroken(*cells: Cell) -> Text:
    """As `line`, for what programs and searches look at, too."""
    return Unbroken().append_tokens(_parts(cells))


def _parts(cells: Iterable[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        text, style = cell if isinstance(cell, tuple) else (cell, "")
        yield clean(text), style


def place(file: str | Path) -> str:
    """As one types it here: short where it is below the folder that one is in."""
    return str(file).removeprefix(f"{Path.cwd()}/")


def table(*columns: str, wide: int | None = None) -> Table:
    """Without borders. A column whose name ends in # holds numbers; the one numbered `wide` takes the room that is left."""
    names = [column.removesuffix("#") for column in columns]
    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=any(names), expand=wide is not None)
    for at, (column, name) in enumerate(zip(columns, names, strict=True)):
        number = column != name
        made.add_column(
            name, justify="right" if number else "left", ratio=1 if at == wide else None,
            no_wrap=number, overflow="fold", header_style="dim",
        )  # fmt: skip
    return made


def row(made: Table, *cells: Cell | Text) -> None:
    made.add_row(*(cell if isinstance(cell, Text) else line(cell) for cell in cells))


def indented(content: Any, by: int = 2) -> Padding:
    return Padding(content, (0, 0, 0, by))


def plural(count: int, thing: str) -> str:
    """plural(2, "entity") → "2 entities"."""
    if count == 1:
        return f"1 {thing}"
    ending = f"{thing[:-1]}ies" if thing.endswith("y") and thing[-2] not in "aeiou" else f"{thing}s"
    return f"{count} {ending}"


def counts(found: Mapping[str, int]) -> str:
    """{"created": 3, "set_aside": 1} → "3 created, 1 set aside"."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.items() if count)


def number(count: int, most: int | None = None) -> str:
    """12345 → "12 345"; counting that stopped at `most` says so."""
    text = f"{count:,}".replace(",", "\u202f")
    return f"{text}+" if most is not None and count >= most else text


def size(count: float) -> str:
    """2_500_000 → "2.4 MB"."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            break
        count /= 1024
    return f"{count:.0f} {unit}" if count >= 10 or unit == "bytes" else f"{count:.1f} {unit}"


def ago(moment: str | None) -> str:
    """How long ago, in one unit."""
    if moment is None:
        return "never"
    passed = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= size:
            return f"{int(passed // size)} {unit} ago"
    return "just now"


def clock(moment: str) -> str:
    """A stored time as a person of this place reads it."""
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def words(duration: timedelta) -> str:
    """timedelta(minutes=15) → "15 minutes"; zero → "at once"."""
    seconds = int(duration.total_seconds())
    for unit, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds and seconds % size == 0:
            return plural(seconds // size, unit)
    return "at once"


def value(said: Any, width: int = 60) -> str:
    """A field's value in one short line."""
    text = clean(_value(said))
    return text if len(text) <= width else f"{text[: width - 1]}…"


def is_ref(said: Any) -> bool:
    """A reference as a claim has it: to a record of the same system."""
    return isinstance(said, Mapping) and said.keys() == {"stream", "key"}


def _value(said: Any) -> str:
    if said is None:
        return "–"
    if said is True or said is False:
        return "yes" if said else "no"
    if isinstance(said, Mapping):
        if not said:
            return "{}"
        if is_ref(said):
            return f"{said['stream']}/{said['key']}"
        shown = said.get("value") or said.get("name")
        return str(shown) if shown else ", ".join(f"{name}: {_value(part)}" for name, part in said.items())
    if isinstance(said, str):
        return said if said else '""'
    return _joined(said) if isinstance(said, Iterable) else str(said)


def _joined(said: Iterable[Any]) -> str:
    return ", ".join(_value(part) for part in said) or "[]"
