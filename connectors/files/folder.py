"""A folder as the connector needs it, wherever it is: which files match, whether they are whole, how one is replaced."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, Protocol, Self

from connectors.files.config import FileConfig
from landbridge.errors import TransientError

CHUNK = 2**20
# Programs that copy write under such a name first, and rename when all is there.
UNFINISHED = frozenset({".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".swp"})


class Found(NamedTuple):
    """A file as it lies there: its name below the folder, its size in bytes, and when it was changed (POSIX time)."""

    name: str
    size: int
    changed: float
    mark: str = ""


class Folder(Protocol):
    """Open while it is a context manager; what `local` gives is there as long."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *why: object) -> None: ...

    def glob(self, pattern: str) -> Sequence[Found]:
        """Files that match, in no order. Raises ConfigError, ScopeError, TransientError."""
        ...

    def local(self, found: Found) -> Path:
        """The file, or a copy of it. Raises TransientError where it has changed since it was found."""
        ...

    def unchanged(self, found: Sequence[Found]) -> bool:
        """False where what `local` gave may be another file by now."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """One writer of the file at a time. Raises TransientError where another one keeps us waiting."""
        ...

    def replacing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A new file in place of the old, whole or not at all; whoever reads sees one of both."""
        ...


def matching(folder: Folder, config: FileConfig) -> list[Found]:
    """In order of their names. Raises TransientError where there is none: a missing file is not an empty one."""
    found = sorted(one for one in folder.glob(config.files) if is_finished(one.name))
    if not found:
        raise TransientError(f"No file matches {config.files}.", remedy="Wait for it, or check the stream's `files`.")
    return found[-1:] if config.newest else found


def is_finished(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.name.startswith(".") and not name.endswith("~") and path.suffix.lower() not in UNFINISHED


def state(found: Sequence[Found]) -> str:
    """Another one where a file came, went, grew or was replaced."""
    return hashlib.sha256(repr([tuple(one) for one in found]).encode()).hexdigest()[:32]


def settled(found: Sequence[Found], seconds: float) -> bool:
    """False while somebody may still be writing."""
    return all(time.time() - one.changed >= seconds for one in found)
