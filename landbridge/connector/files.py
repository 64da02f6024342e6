"""Attachments on their way from one system to another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from landbridge.errors import FileError, RecordError, ScopeError

IN_MEMORY = 2**20
Attachment = Mapping[str, Any]
OpenFile = Callable[[Attachment], Iterator[bytes]]


@contextmanager
def carried(open_file: OpenFile, attachment: Attachment, limit: int) -> Iterator[tuple[IO[bytes], int]]:
    """An attachment's bytes as a file, and how many they are, while a system is given them.

    Raises FileError where it has more than `limit` bytes, cannot be fetched or is refused: the record goes without it.
    """
    with ExitStack() as stack:
        with left_behind(attachment, "it could not be fetched"):
            pieces = capped(open_file, attachment, limit)
            found = stack.enter_context(spooled(pieces, limit, attachment.get("sha256")))
        with left_behind(attachment, "it is not taken here"):
            yield found


@contextmanager
def left_behind(attachment: Attachment, reason: str) -> Iterator[None]:
    """Whatever is refused inside concerns this file only."""
    try:
        yield
    except FileError:
        raise
    except (RecordError, ScopeError) as error:
        raise FileError(reason, attachment, error) from error


def capped(open_file: OpenFile, attachment: Attachment, limit: int, most: int | None = None) -> Iterator[bytes]:
    """The pieces of a file, as long as they are within `limit` bytes; people are told of `most`. Raises FileError beyond."""
    size = attachment.get("size")
    taken = size if isinstance(size, int) and size > limit else 0
    for piece in open_file(attachment) if not taken else ():
        taken += len(piece)
        if taken > limit:
            break
        yield piece
    if taken > limit:
        raise FileError(f"it is too large, at most {shown_size(most or limit)} are taken here", attachment)


@contextmanager
def spooled(pieces: Iterable[bytes], limit: int, sha256: str | None = None) -> Iterator[tuple[IO[bytes], int]]:
    """The bytes as a file and how many they are, for systems that want to know in advance: on disk from 1 MB on.

    Raises RecordError beyond `limit` bytes, or where their checksum is not `sha256`.
    """
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        size, digest = 0, hashlib.sha256()
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise RecordError(f"An attachment of at most {limit // 2**20} MB was expected.")
            file.write(piece)
            digest.update(piece)
        if sha256 not in (None, digest.hexdigest()):
            raise RecordError("A file changed on its way: its checksum is another.")
        file.seek(0)
        yield file, size


def shown_size(size: int) -> str:
    """A number of bytes as people read it."""
    for unit, name in ((2**30, "GB"), (2**20, "MB"), (2**10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
