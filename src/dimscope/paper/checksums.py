"""CRC-32C (Castagnoli), the checksum of TensorFlow's files."""

from typing import Any

import numpy as np

from dimscope.compiled import compiled

POLYNOMIAL = 0x82F63B78
"""Reflected form of 0x1EDC6F41 (Castagnoli, Brauer, Herrmann 1993, doi:10.1109/26.231911)."""
MASK_DELTA = 0xA282EAD8
"""TensorFlow and LevelDB store a checksum rotated and moved by this constant, so that a checksum of checksums is no trap."""


def crc32c(content: bytes | np.ndarray) -> int:
    """The CRC-32C of the bytes, 0 to 2^32 - 1.

    Examples:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    values = content if isinstance(content, np.ndarray) else np.frombuffer(content, np.uint8)
    return int(_update(values.view(np.uint8).ravel(), _TABLES))


def masked(checksum: int) -> int:
    """The checksum as TensorFlow stores it."""
    rotated = (checksum >> 15) | (checksum << 17)
    return (rotated + MASK_DELTA) & 0xFFFFFFFF


def _make_tables() -> np.ndarray:
    """Eight tables of 256: what a byte does to the register when 0 to 7 more bytes follow."""
    tables = np.zeros((8, 256), np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        tables[0, byte] = value
    for follow in range(1, 8):
        before = tables[follow - 1]
        tables[follow] = (before >> 8) ^ tables[0][before & 0xFF]
    return tables


_TABLES = _make_tables()


@compiled
def _update(content: Any, tables: Any) -> Any:  # pragma: no cover - compiled
    register = np.uint32(0xFFFFFFFF)
    whole = len(content) // 8 * 8
    for start in range(0, whole, 8):
        word = (
            np.uint32(content[start])
            | (np.uint32(content[start + 1]) << np.uint32(8))
            | (np.uint32(content[start + 2]) << np.uint32(16))
            | (np.uint32(content[start + 3]) << np.uint32(24))
        )
        word ^= register
        register = (
            tables[7, word & np.uint32(0xFF)]
            ^ tables[6, (word >> np.uint32(8)) & np.uint32(0xFF)]
            ^ tables[5, (word >> np.uint32(16)) & np.uint32(0xFF)]
            ^ tables[4, word >> np.uint32(24)]
            ^ tables[3, content[start + 4]]
            ^ tables[2, content[start + 5]]
            ^ tables[1, content[start + 6]]
            ^ tables[0, content[start + 7]]
        )
    for place in range(whole, len(content)):
        register = tables[0, (register ^ np.uint32(content[place])) & np.uint32(0xFF)] ^ (register >> np.uint32(8))
    return register ^ np.uint32(0xFFFFFFFF)
