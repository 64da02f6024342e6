"""Files as streams: all rows of those that match, whenever one of them has changed; one file can be written."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from connectors.files.config import FileConfig, FilesConfig
from connectors.files.disk import Examined, examine, matching, replacing, settled, state
from connectors.files.rows import guarded, header, rows
from landbridge.connector import Account, Checkpoint, Complete, Configured, Failure, Item, Stream
from landbridge.connector.items import Native
from landbridge.errors import ExpiredCursor, LandbridgeError, NotFound, RecordError, TransientError

# What becomes of a row: itself, another, or nothing.
Change = Callable[[Native], Native | None]


class Files(Configured):
    """One folder."""

    system = "files"
    Config = FilesConfig
    config: FilesConfig

    def define(self) -> Mapping[str, Stream]:
        return {name: Stream(one.files, one.key, one.kind, name=name) for name, one in self.config.streams.items()}

    def operations(self, stream: str) -> tuple[str, ...]:
        return self.config.streams[stream].writes

    @property
    def folder(self) -> Path:
        return Path(self.config.host)

    def check(self) -> Account:
        missing = []
        for name, config in self.config.streams.items():
            try:
                for path in matching(self.folder, config):
                    examine(path, config, self.config.max_size)
            except LandbridgeError as error:
                missing.append(f"{name}: {error}")
        return Account(self.config.host, tuple(missing), f"{len(self.config.streams)} streams configured.")

    # Reading

    def read_stream(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """Nothing where all is as it was, also where files were only written again; else everything."""
        config = self.config.streams[stream.name]
        paths = matching(self.folder, config)
        before = state(paths)
        if cursor is not None and not (isinstance(cursor, dict) and cursor.get("of") == _mark(config)):
            raise ExpiredCursor("The stored cursor belongs to another way of reading these files.")
        if cursor and (cursor.get("state") == before or not settled(paths, self.config.settle)):
            return
        if not settled(paths, self.config.settle):
            raise TransientError(f"{stream.name}: a file was changed a moment ago and may not be whole.")
        found = [examine(path, config, self.config.max_size) for path in paths]
        now = {"state": before, "sha256": _joined(found), "of": _mark(config)}
        if cursor and cursor.get("sha256") == now["sha256"]:
            yield Checkpoint(now)
            return
        if cursor:
            raise ExpiredCursor("The files have changed.")
        yield from self._in_full(stream, config, found)
        if state(paths) != before:
            yield Failure(None, RecordError("A file was changed while it was read."))
        yield Checkpoint(now)
        yield Complete()

    def _in_full(self, stream: Stream, config: FileConfig, found: list[Examined]) -> Iterator[Item]:
        for one in found:
            for line, row in rows(one, config):
                if isinstance(row, RecordError):
                    yield Failure(f"{one.path.name}:{line}", RecordError(f"{one.path.name}: {row}"))
                else:
                    item = self.item(stream, row)
                    yield Failure(f"{one.path.name}:{line}", item.error) if isinstance(item, Failure) else item

    # Writing

    def create(self, stream: Stream, native: Native, marker: str) -> Native:
        if any(native.get(name) is None for name in stream.key):
            raise RecordError(f"{stream.name}: a row needs its key; a file gives none.")
        key = stream.key_of(native)

        def none_has_it(row: Native) -> Native:
            if stream.key_of(row) == key:
                raise RecordError(
                    f"{stream.name}: there is a row with this key already.", remedy="Link it, or drop this."
                )
            return row

        self._rewrite(stream, none_has_it, native)
        return self._read_back(stream, key)

    def update(self, stream: Stream, key: str, changes: Native, marker: str) -> Native:
        self._read_back(stream, key)
        self._rewrite(stream, lambda row: row | changes if stream.key_of(row) == key else row)
        return self._read_back(stream, key)

    def delete(self, stream: Stream, key: str, marker: str) -> None:
        if self._one(stream, key) is not None:
            self._rewrite(stream, lambda row: None if stream.key_of(row) == key else row)

    def find(self, stream: str, native: Native, marker: str) -> Native | None:
        """By its key, which is not the file's to give."""
        found = self._streams[stream]
        return None if any(native.get(name) is None for name in found.key) else self._one(found, found.key_of(native))

    # Steps of the above

    def _examined(self, stream: Stream) -> Examined:
        config = self.config.streams[stream.name]
        return examine(matching(self.folder, config)[0], config, self.config.max_size)

    def _one(self, stream: Stream, key: str) -> Native | None:
        found = rows(self._examined(stream), self.config.streams[stream.name])
        return next((row for _, row in found if isinstance(row, dict) and stream.key_of(row) == key), None)

    def _read_back(self, stream: Stream, key: str) -> Native:
        row = self._one(stream, key)
        if row is None:
            raise NotFound(f"{stream.name}: the row is not there (any more).")
        return row

    def _rewrite(self, stream: Stream, change: Change, added: Native | None = None) -> None:
        """The whole file anew. Raises RecordError where a row of it could not be read: it would be lost."""
        config = self.config.streams[stream.name]
        with replacing(self.folder / config.files) as file:
            found = self._examined(stream)
            kept = (change(_whole(row)) for _, row in rows(found, config))
            lines = (
                (row for row in (*kept, added) if row is not None)
                if added
                else (row for row in kept if row is not None)
            )
            (_write_csv if config.form == "csv" else _write_jsonl)(file, found, config, lines)


def _whole(row: Native | RecordError) -> Native:
    if isinstance(row, RecordError):
        raise RecordError(f"The file is not rewritten, since {row}", remedy="Mend the line.")
    return row


def _write_csv(file: BinaryIO, found: Examined, config: FileConfig, lines: Iterator[Native]) -> None:
    names, delimiter = header(found, config)
    text = io.TextIOWrapper(file, found.encoding, newline="", write_through=True)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(names)
    for row in lines:
        if unknown := [name for name in row if name not in names]:
            raise RecordError(f"{found.path.name} has no column {unknown[0]!r}.")
        try:
            writer.writerow([guarded(row.get(name)) for name in names])
        except UnicodeEncodeError:
            raise RecordError(f"{found.path.name} is in {found.encoding}, which lacks a letter of the row.") from None
    text.detach()


def _write_jsonl(file: BinaryIO, found: Examined, config: FileConfig, lines: Iterator[Native]) -> None:
    for row in lines:
        file.write(orjson.dumps(row) + b"\n")


def _joined(found: list[Examined]) -> str:
    return hashlib.sha256("".join(f"{one.path.name}:{one.sha256};" for one in found).encode()).hexdigest()[:32]


def _mark(config: FileConfig) -> str:
    """Of all that tells how the same bytes are read."""
    return hashlib.sha256(config.model_dump_json(exclude={"writes"}).encode()).hexdigest()[:16]
