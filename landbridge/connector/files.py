"""Attachments on their way from one system to another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from landbridge.errors import RecordError

IN_MEMORY = 2**20


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
