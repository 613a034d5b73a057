"""favicon.ico for readers and old browsers: the seal of favicon.svg, drawn on its 32 by 32 grid."""

from __future__ import annotations

import struct
import zlib

_SIZE = 32
_RED, _WHITE = (0xB3, 0x26, 0x1E), (0xFF, 0xFF, 0xFF)


def favicon_ico() -> bytes:
    """An icon file with one PNG of two colours. The same bytes on every machine: nothing is compressed."""
    png = _png()
    header = struct.pack("<HHH", 0, 1, 1)
    place = struct.pack("<BBBBHHII", _SIZE, _SIZE, 2, 0, 1, 1, len(png), len(header) + 16)
    return header + place + png


def _is_white(x: int, y: int) -> bool:
    """The strokes of 日: a frame of 16 by 22, three wide, and the bar across it."""
    if not (8 <= x < 24 and 5 <= y < 27):
        return False
    return not (11 <= x < 21 and (8 <= y < 14 or 17 <= y < 24))


def _png() -> bytes:
    rows = b"".join(b"\0" + _packed_row(y) for y in range(_SIZE))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", _SIZE, _SIZE, 1, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(_RED + _WHITE)),
            _chunk(b"IDAT", _stored(rows)),
            _chunk(b"IEND", b""),
        )
    )


def _packed_row(y: int) -> bytes:
    bits = sum(1 << (_SIZE - 1 - x) for x in range(_SIZE) if _is_white(x, y))
    return bits.to_bytes(_SIZE // 8, "big")


def _stored(data: bytes) -> bytes:
    """A zlib stream of one stored block: libraries differ in how they compress, not in this."""
    block = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    return b"\x78\x01" + block + struct.pack(">I", zlib.adler32(data))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
