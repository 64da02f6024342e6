"""What one pass over a file tells, before any of its rows is believed."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

from connectors.files.config import FileConfig
from connectors.files.folder import CHUNK, Folder, Found
from landbridge.errors import ConfigError, ScopeError, TransientError

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Examined:
    """`name` is its name in the folder, `path` where it can be read as long as the folder is open."""

    name: str
    path: Path
    sha256: str
    encoding: str
    ended: bool


def examine(folder: Folder, found: Found, config: FileConfig, max_size: int) -> Examined:
    """Reads it once. Raises TransientError for an empty file, or one whose last line has no end though it should."""
    if found.size > max_size:
        raise ConfigError(f"{found.name} is larger than {max_size} bytes.", remedy="Raise max_size.")
    path = folder.local(found)
    digest, decoder, beginning, last = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), b"", b""
    encoding = config.encoding or ""
    try:
        with open(path, "rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                beginning, last = beginning or piece[:4], piece[-1:]
                marked = next((name for mark, name in MARKS if beginning.startswith(mark)), "")
                encoding = encoding or marked or _unless_utf_8(decoder, piece)
    except PermissionError:
        remedy = "Give the user that Landbridge runs as the right."
        raise ScopeError(f"{found.name} may not be read.", remedy=remedy) from None
    except FileNotFoundError:
        raise TransientError(f"{found.name} was taken away meanwhile.") from None
    if not beginning or (config.final_newline and config.form != "excel" and last != b"\n"):
        raise TransientError(f"{found.name} is empty or not whole.", remedy="Wait until it is written.")
    return Examined(found.name, path, digest.hexdigest(), encoding or "utf-8", last in (b"\n", b"\x00"))


def _unless_utf_8(decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
    try:
        decoder.decode(piece)
    except UnicodeDecodeError:
        return "cp1252"
    return ""
