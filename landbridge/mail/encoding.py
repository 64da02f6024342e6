"""The bytes of a file in a mail, decoded while they come."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email import message_from_bytes

from landbridge.errors import RecordError

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")


def decoded(pieces: Iterator[bytes], mime_header: bytes, cap: int) -> Iterator[bytes]:
    """`mime_header`: the part's own header, which says how it is encoded. Raises RecordError beyond `cap` bytes."""
    encoding = str(message_from_bytes(mime_header).get("Content-Transfer-Encoding") or "").strip().lower()
    decode = {"base64": _base64, "quoted-printable": _quoted_printable}.get(encoding)
    total = 0
    for piece in decode(pieces) if decode else pieces:
        total += len(piece)
        if total > cap:
            raise RecordError(
                f"A file of at most {cap} bytes was expected.", remedy="Raise max_size in the connection."
            )
        yield piece


def _base64(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """In whole groups of four; what follows the padding is no part of it."""
    left = b""
    for piece in pieces:
        left += _NOT_BASE64.sub(b"", piece)
        if b"=" in left:
            break
        whole = len(left) // 4 * 4
        if whole:
            yield base64.b64decode(left[:whole])
        left = left[whole:]
    left = left.partition(b"=")[0]
    if len(left) % 4 == 1:
        left = left[:-1]
    try:
        if left:
            yield base64.b64decode(left + b"=" * (-len(left) % 4))
    except binascii.Error:
        raise RecordError("A file in a mail is not encoded as it says.") from None


def _quoted_printable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """In whole lines."""
    left = b""
    for piece in pieces:
        lines, newline, left = (left + piece).rpartition(b"\n")
        if newline:
            yield quopri.decodestring(lines + newline)
    if left:
        yield quopri.decodestring(left)
