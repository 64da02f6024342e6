"""Files made from code: written, or compared with what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from landbridge.cli.exits import Exit
from landbridge.cli.output import OK, WARN, line, plural
from landbridge.cli.session import Session

CHECK = Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 where a file is not as it should be.")]


@dataclass(frozen=True)
class Files:
    """The texts of a folder by name. Any other file there is `stale`, unless it is one of those that cannot be made here."""

    folder: Path
    texts: dict[str, str]
    pattern: str = "*.json"
    unmade: frozenset[str] = frozenset()

    def stale(self) -> list[str]:
        wrong = [name for name, text in self.texts.items() if _read(self.folder / name) != text]
        left = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob(self.pattern))
        return [*wrong, *(name for name in left if name not in self.texts and name not in self.unmade)]

    def write(self) -> None:
        for name in self.stale():
            path = self.folder / name
            if name not in self.texts:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.texts[name], encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def show(session: Session, files: Files, check: bool) -> Exit:
    """Write or compare, and say what was or would be written."""
    stale = files.stale()
    if not check:
        files.write()
    data = {"folder": str(files.folder), "files": list(files.texts), "changed": stale, "written": not check}
    mark, what = (WARN, "not as it should be") if check and stale else (OK, "written" if stale else "up to date")
    count = plural(len(stale) if stale else len(files.texts), "file")
    lines = [line(mark, f" {count} {what}", (f"  {files.folder}", "dim")), *(line(f"  {name}") for name in stale)]
    session.show(data, *lines)
    return Exit.FINDINGS if check and stale else Exit.OK
