"""Pages rendered once to disk, so that serving them costs the server next to nothing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.data import BLOCK, MAKERS, SEED

PAGE = 1_000
# Counts up when the records change, so that older pages are not taken for these.
_FORM = 3


@dataclass(frozen=True)
class PageSet:
    """The pages of one kind: `<folder>/<number>.json`, number from 1 on, and how much they hold."""

    folder: Path
    kind: str
    count: int

    @property
    def pages(self) -> int:
        return -(-self.count // PAGE)

    def path(self, number: int) -> Path:
        return self.folder / f"{number}.json"

    def size(self) -> int:
        """Bytes of all pages."""
        return sum(self.path(number).stat().st_size for number in range(1, self.pages + 1))


def rendered(root: Path, kind: str, count: int) -> PageSet:
    """The pages of `count` records, made now or found from an earlier run."""
    folder = root / f"{kind}-{count}-{PAGE}-{SEED}-{_FORM}"
    found = PageSet(folder, kind, count)
    if not folder.exists():
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        draft.mkdir(parents=True)
        make = MAKERS[kind]
        for number in range(1, found.pages + 1):
            records = [make(one, 0) for one in range((number - 1) * PAGE, min(number * PAGE, count))]
            (draft / f"{number}.json").write_bytes(orjson.dumps(records))
        if folder.exists():
            shutil.rmtree(draft)
        else:
            draft.rename(folder)
    return found


def newest_change() -> str:
    """The greatest `updated_at` of all records as they are rendered."""
    return max(str(MAKERS["rooms"](number, 0)["updated_at"]) for number in range(BLOCK))
