"""A folder on an SFTP server: files are copied here to be read, and put there under another name to be renamed."""

from __future__ import annotations

import re
import secrets
import stat
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, BinaryIO, Self

import paramiko

from connectors.files.config import FilesConfig
from connectors.files.folder import CHUNK, Found
from connectors.files.ssh import errors_named, sign_in
from landbridge.errors import ConfigError, LandbridgeError, TransientError

# Requests under way at once: enough for a long line, few enough for the memory of both ends.
AHEAD = 64
# A writer whose lock is so many seconds older than ours has died.
DEAD = 600
_OURS = re.compile(r"\.[0-9a-f]{16}\.(lock|part)$")
# Writers of one program wait for each other; those of others are told to come again.
WRITERS: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)


class Sftp:
    """Signed in while it is open."""

    def __init__(self, config: FilesConfig) -> None:
        assert config.server is not None
        self._config, self._root = config, config.server.path
        self._left = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack, errors_named("Signing in"):
            self._sftp: Any = stack.enter_context(sign_in(self._config))
            self._copies = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="landbridge-sftp-")))
            self._left = stack.pop_all()
        return self

    def __exit__(self, *why: object) -> None:
        self._left.close()

    def glob(self, pattern: str) -> list[Found]:
        with errors_named("Listing files"):
            try:
                root = self._sftp.normalize(self._root)
                return list(self._below(root, "", PurePosixPath(pattern).parts))
            except FileNotFoundError:
                raise ConfigError("The connection's folder is not there.", remedy="Check its path.") from None

    def local(self, found: Found) -> Path:
        """A copy, which nobody else changes."""
        path = self._copies / secrets.token_hex(4) / PurePosixPath(found.name).name
        path.parent.mkdir()
        with errors_named(f"Copying {found.name}"), open(path, "wb") as file:
            self._copy(found, file)
            if self._about(found.name) != found:
                raise TransientError(f"{found.name} was changed while it was copied.")
        return path

    def unchanged(self, found: Sequence[Found]) -> bool:
        """What is read are copies, each of which was whole."""
        return True

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Each writer says that it is there, then looks who else is: of two, one at least sees the other.

        The server's clock tells which of them are dead.
        """
        mine = _beside(name, f"{secrets.token_hex(8)}.lock")
        with WRITERS[self._config.host, name], self._cleared(mine), errors_named(f"Writing {name}", writing=True):
            self._sftp.open(self._path(mine), "w").close()
            left = {one.name: one.changed for one in self.glob(_beside(name, "*")) if _OURS.search(one.name)}
            dead = [one for one, made in left.items() if left[mine] - made >= DEAD]
            if any(one.endswith(".lock") for one in left.keys() - {mine, *dead}):
                raise TransientError(f"{name} is being written by another worker.")
            for one in dead:
                self._sftp.remove(self._path(one))
            yield

    @contextmanager
    def replacing(self, name: str) -> Iterator[BinaryIO]:
        draft = _beside(name, f"{secrets.token_hex(8)}.part")
        with self._cleared(draft), errors_named(f"Writing {name}", writing=True), tempfile.TemporaryFile() as file:
            before = self._sftp.stat(self._path(name))
            yield file
            file.seek(0)
            self._put(file, self._path(draft), name, before)

    # Steps of the above

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _about(self, name: str) -> Found:
        about = self._sftp.stat(self._path(name))
        return Found(name, about.st_size or 0, float(about.st_mtime or 0))

    def _below(self, root: str, folder: str, pattern: tuple[str, ...]) -> Iterator[Found]:
        """No link leads out of the root: where one ends is asked of the server."""
        for entry in self._sftp.listdir_attr(self._path(folder)):
            name = f"{folder}{entry.filename}"
            if not fnmatchcase(entry.filename, pattern[0]):
                continue
            if stat.S_ISLNK(entry.st_mode or 0):
                if not self._sftp.normalize(self._path(name)).startswith(f"{root.rstrip('/')}/"):
                    continue
                entry = self._sftp.stat(self._path(name))
            if len(pattern) > 1 and stat.S_ISDIR(entry.st_mode or 0):
                yield from self._below(root, f"{name}/", pattern[1:])
            elif len(pattern) == 1 and not stat.S_ISDIR(entry.st_mode or 0):
                yield Found(name, entry.st_size or 0, float(entry.st_mtime or 0))

    def _copy(self, found: Found, file: BinaryIO) -> None:
        with self._sftp.open(self._path(found.name), "rb") as there:
            # It asks ahead in a thread, which would show a traceback of its own when the line breaks; `read` tells us.
            there._prefetch_thread = _quietly(there._prefetch_thread)
            there.prefetch(found.size, AHEAD)
            left = found.size + 1  # one byte more would tell that it grows
            while left > 0 and (piece := there.read(min(CHUNK, left))):
                file.write(piece)
                left -= len(piece)
        if left != 1:
            raise TransientError(f"{found.name} was changed while it was copied.")

    def _put(self, file: BinaryIO, draft: str, name: str, before: Any) -> None:
        self._sftp.putfo(file, draft)  # asks for its size afterwards
        with suppress(OSError):  # servers without rights of their own refuse it
            self._sftp.chmod(draft, stat.S_IMODE(before.st_mode))
        now = self._sftp.stat(self._path(name))
        if (now.st_size, now.st_mtime) != (before.st_size, before.st_mtime):
            raise TransientError(f"{name} was changed by somebody else meanwhile.")
        try:
            self._sftp.posix_rename(draft, self._path(name))
        except OSError as error:
            if error.errno is not None or not self._there(draft):
                raise
            raise ConfigError(
                f"{name}: the server cannot put a file in place of another in one step.",
                remedy="It lacks posix-rename@openssh.com; such a folder can be read, not written to.",
            ) from None

    def _there(self, path: str) -> bool:
        try:
            self._sftp.stat(path)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _cleared(self, name: str) -> Iterator[None]:
        """The file is gone at the end, also where the connection is lost: it is taken away by another."""
        path = self._path(name)
        try:
            yield
        finally:
            try:
                _remove(self._sftp, path)
            except (EOFError, OSError, paramiko.SSHException):
                with suppress(LandbridgeError), errors_named("Clearing"), sign_in(self._config) as sftp:
                    _remove(sftp, path)


def _quietly(act: Callable[..., None]) -> Callable[..., None]:
    def tried(*args: Any) -> None:
        with suppress(EOFError, OSError, paramiko.SSHException):
            act(*args)

    return tried


def _remove(sftp: Any, path: str) -> None:
    with suppress(FileNotFoundError):
        sftp.remove(path)


def _beside(name: str, ending: str) -> str:
    """A hidden name in the same folder."""
    path = PurePosixPath(name)
    return str(path.with_name(f".{path.name}.{ending}"))
