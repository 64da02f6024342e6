"""A folder of this machine, or one that is mounted on it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Self

from connectors.files.folder import Found
from landbridge.errors import ConfigError, ScopeError, TransientError


class Disk:
    """Files are read where they lie."""

    def __init__(self, root: str) -> None:
        self.root = Path(root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *why: object) -> None:
        pass

    def glob(self, pattern: str) -> list[Found]:
        if not self.root.is_dir():
            raise ConfigError("The connection's folder is not there.", remedy="Check its path.")
        try:
            return [self._found(path) for path in self.root.glob(pattern) if path.is_file() and self._inside(path)]
        except FileNotFoundError:
            raise TransientError(f"A file that matches {pattern} was just taken away.") from None
        except OSError as error:
            raise ScopeError(f"{self.root} cannot be read ({type(error).__name__}).") from None

    def local(self, found: Found) -> Path:
        return self.root / found.name

    def unchanged(self, found: Sequence[Found]) -> bool:
        try:
            return all(self._found(self.root / one.name) == one for one in found)
        except FileNotFoundError:
            return False

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        with self._lock(name) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        path = self.root / name
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, path.stat().st_mode if path.exists() else 0o600)
            os.replace(draft, path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _lock(self, name: str) -> IO[str]:
        path = self.root / name
        try:
            return open(path.with_name(f".{path.name}.lock"), "w")
        except OSError as error:
            raise ScopeError(
                f"{name} may not be written ({type(error).__name__}).",
                remedy="Give the user that Landbridge runs as the right to make files in its folder.",
            ) from None

    def _found(self, path: Path) -> Found:
        about = path.stat()
        return Found(path.relative_to(self.root).as_posix(), about.st_size, about.st_mtime_ns / 1e9, str(about.st_ino))

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root.resolve())
