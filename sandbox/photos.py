"""Draws a small portrait for anyone: a real JPEG of coloured squares, the same for the same name.

Every 8 × 8 block has one colour, so that a block is its mean value alone and the encoder needs no cosine transform.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

BLOCKS = 12  # 96 pixels square
PATTERN = 8  # squares inside a frame of two blocks, mirrored left to right
Colour = tuple[int, int, int]

# The standard's luminance table for mean values: the codes of the categories 0 to 8.
MEAN_CODES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110")
MEAN_TABLE = bytes((0, 1, 5, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) + bytes(range(9))
# One code, a single 0 bit: nothing follows the mean value.
END_OF_BLOCK = "0"
DETAIL_TABLE = bytes((1,)) + bytes(15) + bytes((0,))


def portrait(name: str) -> bytes:
    digest = hashlib.sha256(name.encode()).digest()
    # Brightness, then the two colour differences around 128.
    ink: Colour = (70 + digest[0] % 90, 64 + digest[1] % 128, 64 + digest[2] % 128)
    return jpeg(
        [
            [ink if _is_ink(digest, row, column) else (240, 128, 128) for column in range(BLOCKS)]
            for row in range(BLOCKS)
        ]
    )


def _is_ink(digest: bytes, row: int, column: int) -> bool:
    margin = (BLOCKS - PATTERN) // 2
    inner_row, inner_column = row - margin, min(column, BLOCKS - 1 - column) - margin
    if not 0 <= inner_row < PATTERN or inner_column < 0:
        return False
    return bool(digest[3 + inner_row] >> inner_column & 1)


def jpeg(blocks: list[list[Colour]]) -> bytes:
    """Baseline JPEG (ITU T.81) of blocks of one colour each, given as (Y, Cb, Cr)."""
    height, width = len(blocks) * 8, len(blocks[0]) * 8
    frame = struct.pack(">BHHB", 8, height, width, 3) + bytes((1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, bytes((0,)) + bytes((8,)) * 64),
            _segment(0xC0, frame),
            _segment(0xC4, bytes((0x00,)) + MEAN_TABLE),
            _segment(0xC4, bytes((0x10,)) + DETAIL_TABLE),
            _segment(0xDA, bytes((3, 1, 0, 2, 0, 3, 0, 0, 63, 0))),
            _packed("".join(_codes(blocks))),
            b"\xff\xd9",
        )
    )


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _codes(blocks: list[list[Colour]]) -> Iterator[str]:
    """Mean values as differences to the block before; the quantisation by 8 makes them the plain colour values."""
    before = [128, 128, 128]
    for row in blocks:
        for colour in row:
            for part, value in enumerate(colour):
                difference, before[part] = value - before[part], value
                size = abs(difference).bit_length()
                bits = difference if difference > 0 else difference + (1 << size) - 1
                yield MEAN_CODES[size] + (f"{bits:0{size}b}" if size else "") + END_OF_BLOCK


def _packed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    data = int(padded, 2).to_bytes(len(padded) // 8, "big")
    return data.replace(b"\xff", b"\xff\0")
