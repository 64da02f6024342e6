"""A file in a form (RFC 7578), sent as it is read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO
from uuid import uuid4

_QUOTED = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}


class Multipart(io.RawIOBase):
    """What `data` of a call takes, with `content_type` as its header; nothing of the file is held."""

    def __init__(
        self,
        file: IO[bytes],
        size: int,
        name: str,
        media_type: str | None,
        fields: Mapping[str, str],
        part: str = "file",
    ) -> None:
        super().__init__()
        boundary = uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = "".join(f"--{boundary}\r\n{_named(key)}\r\n\r\n{value}\r\n" for key, value in fields.items())
        head += f'--{boundary}\r\n{_named(part)}; filename="{name.translate(_QUOTED)}"\r\n'
        head += f"Content-Type: {media_type or 'application/octet-stream'}\r\n\r\n"
        self._parts: tuple[tuple[IO[bytes], int], ...] = tuple(
            (io.BytesIO(data), len(data)) if data is not None else (file, size)
            for data in (head.encode(), None, f"\r\n--{boundary}--\r\n".encode())
        )
        self._at = 0

    def __len__(self) -> int:
        return sum(size for _, size in self._parts)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, len(self))[whence]
        return self._at

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        begin = 0
        for part, size in self._parts:
            if self._at < begin + size:
                part.seek(self._at - begin)
                piece = part.read(min(len(buffer), begin + size - self._at))
                if not piece:
                    raise OSError("The file is shorter than was said.")
                buffer[: len(piece)] = piece
                self._at += len(piece)
                return len(piece)
            begin += size
        return 0


def _named(field: str) -> str:
    return f'Content-Disposition: form-data; name="{field}"'
