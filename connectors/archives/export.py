"""What the exports of all tools have in common: one archive, read whole when it is new, and files inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pydantic import Field

from connectors.archives.archive import Archive, opened, stamp
from landbridge.connector import Account, ConnectionConfig, Connector, Failure, Item, Stream, ended
from landbridge.connector.items import Native
from landbridge.errors import ConfigError, ExpiredCursor, NotFound, RecordError

MEGABYTE = 2**20


class ExportConfig(ConnectionConfig):
    """The archive lies on the machine that reads it; it has no login."""

    host: str = Field(
        title="Archive",
        description="absolute path of the zip file, or of the folder that it was unpacked to",
        pattern=r"^/",
        examples=["/srv/archives/chat-2026.zip"],
    )
    login: None = None
    password: None = None
    private: bool = Field(False, description="read private channels too")
    direct: bool = Field(False, description="read direct messages too; people did not expect it")
    max_size: int = Field(512 * MEGABYTE, gt=0, description="bytes of one file of the archive, at most")


class Export(Connector):
    """Read only: nothing is written to a tool that is being left."""

    Config = ExportConfig
    config: ExportConfig

    def check(self) -> Account:
        with opened(self.config.host, self.config.max_size) as archive:
            counts = {
                name: sum(1 for _ in self._natives(name, archive)) for name in self.streams() if name != "messages"
            }
        return Account(self.config.host, detail=", ".join(f"{count} {name}" for name, count in counts.items()) + ".")

    def natives(self, archive: Archive) -> Mapping[str, Iterator[Native | Failure]]:
        """By stream, lazily; messages oldest first, and roots before their replies."""
        raise ConfigError(f"{type(self).__name__} reads nothing.")

    def _reader(self, stream: Stream) -> Callable[[Any], Iterator[Item]]:
        return partial(self._read_export, stream)

    def _read_export(self, stream: Stream, cursor: Any) -> Iterator[Item]:
        """In full when the archive is another one, else nothing."""
        now = {"stamp": stamp(self.config.host), "private": self.config.private, "direct": self.config.direct}
        if cursor is None:
            yield from self._in_full(stream, now)
        elif cursor != now:
            raise ExpiredCursor("The archive is another one than at the last read.")

    def open(self, locator: str) -> Iterator[bytes]:
        """A file inside the archive."""
        with opened(self.config.host, self.config.max_size) as archive:
            yield from archive.pieces(locator)

    def _in_full(self, stream: Stream, now: dict[str, Any]) -> Iterator[Item]:
        with opened(self.config.host, self.config.max_size) as archive:
            for native in self._natives(stream.name, archive):
                yield native if isinstance(native, Failure) else self.item(stream, native)
        if stamp(self.config.host) != now["stamp"]:
            yield Failure(None, RecordError("The archive was changed while it was read."))
        yield from ended(None, now)

    def _natives(self, stream: str, archive: Archive) -> Iterator[Native | Failure]:
        return iter(self.natives(archive)[stream])


def part(archive: Archive, name: str, kind: type[Any]) -> Any:
    """A JSON file of the archive, empty where it has none. Raises RecordError where it is no `kind`."""
    try:
        found = archive.json(name)
    except NotFound:
        return kind()
    if not isinstance(found, kind):
        raise RecordError(f"{name} is no JSON {'list' if kind is list else 'object'}.")
    return found
