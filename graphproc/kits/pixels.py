"""Make the pixels of a kit's images, the same on every machine, and write them as PNG files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from hashlib import shake_256
from typing import Any

import numpy as np

from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]


def noise(height: int, width: int) -> Array:
    """Return bytes that a hash function gives, uint8 [height, width, 3]."""
    seed = f"{height} x {width}".encode()
    return np.frombuffer(shake_256(seed).digest(height * width * 3), np.uint8).reshape(height, width, 3)


def squares(height: int, width: int) -> Array:
    """Return black and white squares, rows and columns, one in each channel: filters overshoot at their edges."""
    rows, columns = np.mgrid[:height, :width] // 2
    return np.asarray(np.stack([rows + columns, rows, columns + 1], axis=-1) % 2 * 255, np.uint8)


def ramp(height: int, width: int) -> Array:
    """Return slow ramps, in each channel others: sums of products come close to the middle between two bytes."""
    rows, columns, channels = np.ogrid[:height, :width, :3]
    return np.asarray((7 * rows + 3 * columns + 85 * channels) % 256, np.uint8)


def photo(height: int, width: int) -> Array:
    """Return the middle of the photograph that ships with the package; of it on its side, if it is higher than wide."""
    whole = photograph() if height <= width else photograph().transpose(1, 0, 2)
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return np.ascontiguousarray(whole[top : top + height, left : left + width])


def page(height: int, width: int) -> Array:
    """Return a white page with a dark block: classes that cut margins off find it."""
    pixels = np.full((height, width, 3), 250, np.uint8)
    pixels[height // 4 : height - height // 3, width // 3 : width - width // 5] = noise(height, width)[0, 0] // 8
    return pixels


def blank(height: int, width: int) -> Array:
    """Return a white page with nothing on it."""
    return np.full((height, width, 3), 255, np.uint8)


SMALL: Mapping[str, Callable[[int, int], Array]] = {"noise": noise, "squares": squares, "ramp": ramp}
"""What small images show, in turns."""
PAGES: Mapping[str, Callable[[int, int], Array]] = {"page": page, "blank": blank}
"""What images show for classes that find sizes in pixels."""

STORED = 65535
"""The longest stored block of a deflate stream, in bytes."""


def png(pixels: Array) -> bytes:
    """Return uint8 [height, width, 3] as a PNG file.

    Its pixels are stored, not compressed: compressed bytes would depend on the version of zlib.

    Source: W3C, Portable Network Graphics; RFC 1950 and 1951.
    """
    height, width = pixels.shape[:2]
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)  # a 0 in front of each line: no filter
    blocks = [lines[start : start + STORED] for start in range(0, len(lines), STORED)]
    stored = b"".join(
        struct.pack("<BHH", index == len(blocks) - 1, len(block), len(block) ^ STORED) + block
        for index, block in enumerate(blocks)
    )
    stream = b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(lines))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", stream) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
