"""An export as its tool made it: a zip file or the folder it was unpacked to, read safely and piece by piece."""

from __future__ import annotations

import mimetypes
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from landbridge.connector import Native
from landbridge.errors import ConfigError, NotFound, RecordError, TransientError

CHUNK = 2**16
# Text shrinks to a twentieth; what shrinks to less than a thousandth was made to fill a disk or a memory.
WORST_RATIO = 1000
SMALL = 2**20
_UTF_8 = 0x800
_ENCRYPTED = 0x1


class Archive:
    """Members by name (`/` between folders); names that lead out of the archive are not among them."""

    def __init__(self, members: dict[str, Any], max_size: int) -> None:
        self._members, self._max_size = members, max_size

    def names(self) -> list[str]:
        return list(self._members)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        raise NotImplementedError

    def _open(self, name: str) -> IO[bytes]:
        raise NotImplementedError

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Raises NotFound; RecordError where it is larger than the connection allows."""
        if name not in self._members:
            raise NotFound("The archive holds no such file.")
        if self.size(name) > self._max_size:
            raise RecordError(
                f"{PurePosixPath(name).name} is larger than {self._max_size} bytes.", remedy="Raise max_size."
            )
        with self._open(name) as file:
            yield file

    def attachment(self, path: str, name: str = "") -> Native:
        """A file of a message that lies in the archive."""
        name = name or PurePosixPath(path).name
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {"name": name, "media_type": media_type, "size": self.size(path), "url": path}

    def pieces(self, name: str) -> Iterator[bytes]:
        with self.open(name) as file, whole():
            while piece := file.read(CHUNK):
                yield piece

    def json(self, name: str) -> Any:
        """Raises RecordError, which names the file and nothing that is in it."""
        with self.open(name) as file, whole():
            data = file.read()
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
        raise RecordError(f"{name} is no JSON.")


class ZipArchive(Archive):
    def __init__(self, file: zipfile.ZipFile, max_size: int) -> None:
        super().__init__(
            {_name(one): one for one in file.infolist() if not one.is_dir() and _inside(_name(one))}, max_size
        )
        self._file = file
        if any(one.flag_bits & _ENCRYPTED for one in self._members.values()):
            raise ConfigError("The archive is encrypted.", remedy="Pack it again without a password.")

    def size(self, name: str) -> int:
        return int(self._members[name].file_size)

    def _open(self, name: str) -> IO[bytes]:
        member = self._members[name]
        if member.file_size > max(SMALL, WORST_RATIO * member.compress_size):
            raise RecordError(f"{PurePosixPath(name).name} would grow more than {WORST_RATIO} times when unpacked.")
        return self._file.open(member)


class Folder(Archive):
    def __init__(self, root: Path, max_size: int) -> None:
        inside = (path for path in root.rglob("*") if path.is_file() and path.resolve().is_relative_to(root.resolve()))
        super().__init__({path.relative_to(root).as_posix(): path for path in inside}, max_size)

    def size(self, name: str) -> int:
        return int(self._members[name].stat().st_size)

    def _open(self, name: str) -> IO[bytes]:
        return open(self._members[name], "rb")


@contextmanager
def opened(path: str, max_size: int) -> Iterator[Archive]:
    """Raises ConfigError where nothing is there, TransientError where it is not whole (yet)."""
    if Path(path).is_dir():
        yield Folder(Path(path), max_size)
        return
    try:
        file = zipfile.ZipFile(path)
    except OSError as error:
        raise ConfigError(f"The archive cannot be opened ({type(error).__name__}).", remedy="Check its path.") from None
    except zipfile.BadZipFile:
        raise _half() from None
    with file:
        yield ZipArchive(file, max_size)


@contextmanager
def whole() -> Iterator[None]:
    """What is read must be what was packed."""
    try:
        yield
    except (EOFError, zipfile.BadZipFile, zlib.error):
        raise _half() from None


def stamp(path: str) -> str:
    """Another one where the archive was replaced or changed. Raises ConfigError."""
    root = Path(path)
    try:
        paths = sorted(root.rglob("*")) if root.is_dir() else [root]
        stats = [os.stat(one) for one in paths]
    except OSError as error:
        raise ConfigError(f"The archive cannot be opened ({type(error).__name__}).", remedy="Check its path.") from None
    return f"{len(stats)}-{sum(one.st_size for one in stats)}-{max((one.st_mtime_ns for one in stats), default=0)}"


def _half() -> TransientError:
    return TransientError(
        "The archive is no zip file, or not whole.", remedy="Wait until it is copied completely; else copy it again."
    )


def _name(member: zipfile.ZipInfo) -> str:
    """Without the flag for UTF-8 a name counts as CP 437, though most programs write UTF-8 anyway."""
    if member.flag_bits & _UTF_8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name
