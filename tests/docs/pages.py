"""The pages of the documentation as data: their fenced blocks, links and headings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block; `name` is the file that it is, where it is one."""

    language: str
    name: str
    text: str
    line: int


def pages() -> list[Path]:
    """Everything that a reader may come across, made pages included."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "connectors").glob("*/README.md"))]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        language, _, name = found["info"].strip().partition(" ")
        yield Block(language, name.strip(), textwrap.dedent(found["text"]), text.count("\n", 0, found.start()) + 1)


def prose(page: Path) -> str:
    """The page without its fenced blocks, as many lines long."""
    text = page.read_text(encoding="utf-8")
    return _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
