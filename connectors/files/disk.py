"""Files as they lie there: which match, whether they are whole, what they hold, and how one is replaced."""

from __future__ import annotations

import codecs
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from connectors.files.config import FileConfig
from landbridge.errors import ConfigError, ScopeError, TransientError

CHUNK = 2**20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Examined:
    """What one pass over a file tells."""

    path: Path
    sha256: str
    encoding: str
    ended: bool


def matching(folder: Path, config: FileConfig) -> list[Path]:
    """In order of their names. Raises TransientError where there is none: a missing file is not an empty one."""
    try:
        found = sorted(path for path in folder.glob(config.files) if path.is_file() and _inside(path, folder))
    except OSError as error:
        raise ScopeError(f"{folder} cannot be read ({type(error).__name__}).") from None
    if not folder.is_dir():
        raise ConfigError("The connection's folder is not there.", remedy="Check its path.")
    if not found:
        raise TransientError(f"No file matches {config.files}.", remedy="Wait for it, or check the stream's `files`.")
    return found[-1:] if config.newest else found


def state(paths: list[Path]) -> str:
    """Another one where a file came, went, grew or was replaced."""
    stats = [(path.name, path.stat()) for path in paths]
    said = repr([(name, one.st_size, one.st_mtime_ns, one.st_ino) for name, one in stats])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def settled(paths: list[Path], seconds: float) -> bool:
    """False while somebody may still be writing."""
    return all(time.time() - path.stat().st_mtime >= seconds for path in paths)


def examine(path: Path, config: FileConfig, max_size: int) -> Examined:
    """Reads it once. Raises TransientError for an empty file, or one whose last line has no end though it should."""
    if path.stat().st_size > max_size:
        raise ConfigError(f"{path.name} is larger than {max_size} bytes.", remedy="Raise max_size.")
    digest, decoder, beginning, last = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), b"", b""
    encoding = config.encoding or ""
    with _opened(path) as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            beginning, last = beginning or piece[:4], piece[-1:]
            marked = next((name for mark, name in MARKS if beginning.startswith(mark)), "")
            encoding = encoding or marked or _unless_utf_8(decoder, piece)
    if not beginning or (config.final_newline and config.form != "excel" and last != b"\n"):
        raise TransientError(f"{path.name} is empty or not whole.", remedy="Wait until it is written.")
    return Examined(path, digest.hexdigest(), encoding or "utf-8", last in (b"\n", b"\x00"))


def _unless_utf_8(decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
    try:
        decoder.decode(piece)
    except UnicodeDecodeError:
        return "cp1252"
    return ""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file in place of the old, whole or not at all; whoever reads sees one of both. One writer at a time."""
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, path.stat().st_mode if path.exists() else 0o600)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except PermissionError:
        raise ScopeError(
            f"{path.name} may not be read.", remedy="Give the user that Landbridge runs as the right."
        ) from None


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve()) and not path.name.startswith(".")
