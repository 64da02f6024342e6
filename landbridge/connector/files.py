"""Attachments on their way from one system to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO

from landbridge.errors import RecordError

IN_MEMORY = 2**20


@contextmanager
def spooled(pieces: Iterable[bytes], limit: int) -> Iterator[tuple[IO[bytes], int]]:
    """The bytes as a file and how many they are, for systems that want to know in advance: on disk from 1 MB on.

    Raises RecordError beyond `limit` bytes.
    """
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise RecordError(f"An attachment of at most {limit // 2**20} MB was expected.")
            file.write(piece)
        file.seek(0)
        yield file, size
