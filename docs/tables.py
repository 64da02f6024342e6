"""Writes the tables of connectors into README.md and docs/how-to/permissions.md: `python docs/tables.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from landbridge.connector import Configured, Connector, connector_class
from landbridge.errors import ConfigError
from landbridge.quality import MEANS, RULES, Quality, load_quality
from landbridge.quality.size import code_lines

ROOT = Path(__file__).parent.parent
MARKED = re.compile(r"(<!-- connectors: [^>]*-->\n).*?(<!-- /connectors -->)", re.DOTALL)
SIZE = re.compile(r"^\| [^|]+\| [^|]+\| (\d+)(?: in all)? \|")
CONFIGURED = "what the configuration names"


def connectors() -> Iterator[tuple[str, str, Quality]]:
    """Name, folder and quality of each connector that says what it is worth; a folder may hold several alike."""
    for path in sorted((ROOT / "connectors").glob("*/quality.yaml")):
        quality = load_quality(path)
        for name in quality.connectors or (path.parent.name,):
            yield name, path.parent.name, quality


def overview() -> str:
    """What each connector is worth, what it reads and writes, and what it was tried against."""
    rows = [_row(*one) for one in sorted(connectors(), key=itemgetter(0))]
    return "\n".join(
        [
            "| connector | quality | code per stream | reads | writes | tried against |",
            "|---|---|---|---|---|---|",
            *filter(None, rows),
        ]
    )


def _row(name: str, folder: str, quality: Quality) -> str:
    try:
        cls = connector_class(name)
    except ConfigError:  # its libraries are not installed here: the row that stands in the page is kept
        return _standing(name)
    cells = _worth(quality), _size(name, folder), ", ".join(cls.streams()) or CONFIGURED, _writes(cls), _tried(quality)
    return f"| [{name}](connectors/{folder}/README.md) | {' | '.join(cells)} |"


def _standing(name: str) -> str:
    """The connector's row as the page has it."""
    return next((line for line in readme().splitlines() if line.startswith(f"| [{name}]")), "")


def _size(name: str, folder: str) -> str:
    """Lines of code by the streams of all that is in its folder; what stands there stays while it is right by a tenth."""
    streams = [_streams(one) for one, place, _ in connectors() if place == folder]
    counted = code_lines(ROOT / "connectors" / folder) / (sum(streams) if all(streams) else 1)
    stands = SIZE.search(_standing(name))
    right = stands and abs(counted - int(stands[1])) <= counted / 10
    return f"{stands[1] if stands and right else round(counted)}{'' if all(streams) else ' in all'}"


def _streams(name: str) -> int:
    try:
        return len(connector_class(name).streams())
    except ConfigError:
        return 0


def _worth(quality: Quality) -> str:
    """The level, and where it is not the highest, or rests on exemptions, what is missing."""
    counted = {"to do": quality.counts("todo"), "exempt": quality.counts("exempt")}
    rest = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    return f"{quality.level}{f' ({rest})' if rest else ''}"


def _tried(quality: Quality) -> str:
    """By which means, the best first."""
    return "; ".join(f"**{means}** {quality.tried[means]}" for means in MEANS if means in quality.tried)


def _writes(cls: type[Connector]) -> str:
    if issubclass(cls, Configured):
        return CONFIGURED
    return (
        ", ".join(name for name in cls.streams() if any(cls.can_write(name, op) for op in ("create", "update"))) or "–"
    )


def rules() -> str:
    """The twelve rules as the page on adding systems lists them."""
    return "\n".join(f"{number}. {rule.says} ({rule.level})" for number, rule in enumerate(RULES, 1))


def permissions() -> str:
    """Where each connector's table of permissions is."""
    rows = [
        f"| {name} | [its README](../../connectors/{folder}/README.md#permissions) |"
        for name, folder, _ in sorted(connectors(), key=itemgetter(0))
    ]
    return "\n".join(["| connector | permissions |", "|---|---|", *rows])


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def texts() -> dict[Path, str]:
    """Each page as it should be."""
    found = {}
    how_to = ROOT / "docs" / "how-to"
    pages = {ROOT / "README.md": overview, how_to / "permissions.md": permissions, how_to / "add-a-system.md": rules}
    for path, table in pages.items():
        made = f"{table()}\n"
        found[path] = MARKED.sub(lambda marks, made=made: marks[1] + made + marks[2], path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    for page, text in texts().items():
        page.write_text(text, encoding="utf-8")
