"""Files as streams: all rows of those that match, whenever one of them has changed; one file can be written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.files.config import FileConfig, FilesConfig
from connectors.files.disk import Disk
from connectors.files.examine import Examined, examine
from connectors.files.folder import Folder, matching, settled, state
from connectors.files.rows import Row, rows
from connectors.files.writing import WRITERS
from landbridge.connector import Account, Checkpoint, Configured, Failure, Item, Stream, ended, in_doubt, keyed
from landbridge.connector.items import Native
from landbridge.errors import ConfigError, ExpiredCursor, LandbridgeError, NotFound, RecordError, TransientError

# What is to be there in place of a row; None: nothing. It is told None where there is no such row.
Change = Callable[[Native | None], Native | None]


class Files(Configured):
    """One folder."""

    system = "files"
    Config = FilesConfig
    config: FilesConfig

    def folder(self) -> Folder:
        """Where the connection says it is; to be opened."""
        if self.config.server is None:
            return Disk(self.config.host)
        try:
            from connectors.files.sftp import Sftp
        except ImportError:
            raise ConfigError("SFTP needs paramiko.", remedy="Install its extra: landbridge[sftp].") from None
        self.throttle.acquire()
        return Sftp(self.config)

    def check(self) -> Account:
        missing = []
        with self.folder() as folder:
            for name, config in self.config.streams.items():
                try:
                    for found in matching(folder, config):
                        examine(folder, found, config, self.config.max_size)
                except LandbridgeError as error:
                    missing.append(f"{name}: {error}")
        name = f"{self.config.login} at {self.config.host}" if self.config.server else self.config.host
        return Account(name, tuple(missing), f"{len(self.config.streams)} streams configured.")

    # Reading

    def read_stream(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """Nothing where all is as it was, also where files were only written again; else everything."""
        config = self.config.streams[stream.name]
        config.expect(cursor)
        with self.folder() as folder:
            yield from self._read(folder, stream, config, cursor)

    def _read(self, folder: Folder, stream: Stream, config: FileConfig, cursor: Any) -> Iterator[Item]:
        files = matching(folder, config)
        before, whole = state(files), settled(files, self.config.settle)
        if cursor and (cursor.get("state") == before or not whole):
            return
        if not whole:
            raise TransientError(f"{stream.name}: a file was changed a moment ago and may not be whole.")
        found = [examine(folder, one, config, self.config.max_size) for one in files]
        now = {"state": before, "sha256": _joined(found), "of": config.mark}
        if cursor and cursor.get("sha256") == now["sha256"]:
            yield Checkpoint(now)
            return
        if cursor:
            raise ExpiredCursor("The files have changed.")
        yield from self._in_full(stream, config, found)
        if not folder.unchanged(files):
            yield Failure(None, RecordError("A file was changed while it was read."))
        yield from ended(None, now)

    def _in_full(self, stream: Stream, config: FileConfig, found: list[Examined]) -> Iterator[Item]:
        for one in found:
            for line, row in rows(one, config):
                if isinstance(row, RecordError):
                    yield Failure(f"{one.name}:{line}", RecordError(f"{one.name}: {row}"))
                else:
                    item = self.item(stream, row)
                    yield Failure(f"{one.name}:{line}", item.error) if isinstance(item, Failure) else item

    # Writing

    def create(self, stream: Stream, native: Native, marker: str) -> Native:
        if not keyed(stream, native):
            raise RecordError(f"{stream.name}: a row needs its key; a file gives none.", remedy="Map it.")

        def new(row: Native | None) -> Native:
            if row is not None:
                raise RecordError(
                    f"{stream.name}: there is a row with this key already.", remedy="Link it, or drop this."
                )
            return native

        return self._written(stream, stream.key_of(native), new)

    def update(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        return self._written(stream, key, lambda row: _there(stream, row) | changes)

    def delete(self, stream: Stream, key: str, marker: str) -> None:
        with self._alone(stream) as folder:
            if self._one(folder, stream, key) is not None:
                self._rewrite(folder, stream, key, lambda row: None)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By its key, which is not the file's to give."""
        found = self._streams[stream]
        if not keyed(found, native):
            return None
        with self.folder() as folder:
            return self._one(folder, found, found.key_of(native))

    # Steps of the above

    @contextmanager
    def _alone(self, stream: Stream) -> Iterator[Folder]:
        with self.folder() as folder, folder.alone(self.config.streams[stream.name].files):
            yield folder

    def _written(self, stream: Stream, key: str, change: Change) -> Native:
        with self._alone(stream) as folder:
            self._rewrite(folder, stream, key, change)
            with in_doubt():
                return _there(stream, self._one(folder, stream, key))

    def _rewrite(self, folder: Folder, stream: Stream, key: str, change: Change) -> None:
        config = self.config.streams[stream.name]
        with folder.replacing(config.files) as file:
            found = self._examined(folder, stream)
            WRITERS[config.form](file, found, config, _changed(stream, rows(found, config), key, change))

    def _examined(self, folder: Folder, stream: Stream) -> Examined:
        config = self.config.streams[stream.name]
        return examine(folder, matching(folder, config)[0], config, self.config.max_size)

    def _one(self, folder: Folder, stream: Stream, key: str) -> Native | None:
        found = rows(self._examined(folder, stream), self.config.streams[stream.name])
        return next((row for _, row in found if isinstance(row, dict) and stream.key_of(row) == key), None)


def _there(stream: Stream, row: Native | None) -> Native:
    if row is None:
        raise NotFound(f"{stream.name}: the row is not there (any more).")
    return row


def _changed(stream: Stream, found: Iterable[Row], key: str, change: Change) -> Iterator[Native]:
    """The whole file anew. Raises RecordError where a row of it could not be read: it would be lost."""
    seen = False
    for _, row in found:
        if isinstance(row, RecordError):
            raise RecordError(f"The file is not rewritten, since {row}", remedy="Mend the line.")
        if stream.key_of(row) != key:
            yield row
            continue
        seen, new = True, change(row)
        if new is not None:
            yield new
    if not seen and (new := change(None)) is not None:
        yield new


def _joined(found: list[Examined]) -> str:
    return hashlib.sha256("".join(f"{one.name}:{one.sha256};" for one in found).encode()).hexdigest()[:32]
