"""Writes the tables of connectors into README.md and docs/how-to/permissions.md: `python docs/tables.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from landbridge.connector import Connector, connector_class
from landbridge.errors import ConfigError

ROOT = Path(__file__).parent.parent
MARKED = re.compile(r"(<!-- connectors: [^>]*-->\n).*?(<!-- /connectors -->)", re.DOTALL)
RULES = 12


def connectors() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and quality of each connector that says what it is worth."""
    for path in sorted((ROOT / "connectors").glob("*/quality.yaml")):
        yield path.parent.name, yaml.safe_load(path.read_text(encoding="utf-8"))


def overview() -> str:
    """What each connector reads and writes, and what it was tried against."""
    rows = [_row(name, quality) for name, quality in connectors()]
    return "\n".join(
        [
            "| connector | reads | writes | tried against | rules of quality |",
            "|---|---|---|---|---|",
            *filter(None, rows),
        ]
    )


def _row(name: str, quality: dict[str, Any]) -> str:
    try:
        cls = connector_class(name)
    except ConfigError:  # its libraries are not installed here: the row that stands in the page is kept
        return next((line for line in readme().splitlines() if line.startswith(f"| [{name}]")), "")
    rules: dict[str, Any] = quality.get("rules") or {}
    done = sum("done" in said for said in rules.values())
    exempt = sum("exempt" in said for said in rules.values())
    told = f"{done} of {RULES}" + (f", {exempt} exempt" if exempt else "")
    reads = ", ".join(cls.streams())
    return f"| [{name}](connectors/{name}/README.md) | {reads} | {_writes(cls)} | {quality['tried_against']} | {told} |"


def _writes(cls: type[Connector]) -> str:
    return ", ".join(name for name in cls.streams() if cls.can_write(name, "create")) or "–"


def permissions() -> str:
    """Where each connector's table of permissions is."""
    rows = [f"| {name} | [its README](../../connectors/{name}/README.md#permissions) |" for name, _ in connectors()]
    return "\n".join(["| connector | permissions |", "|---|---|", *rows])


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def texts() -> dict[Path, str]:
    """Each page as it should be."""
    found = {}
    for path, table in ((ROOT / "README.md", overview), (ROOT / "docs" / "how-to" / "permissions.md", permissions)):
        made = f"{table()}\n"
        found[path] = MARKED.sub(lambda marks, made=made: marks[1] + made + marks[2], path.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    for page, text in texts().items():
        page.write_text(text, encoding="utf-8")
