"""Working copies of points: in memory, or in temporary files when the points themselves are a file."""

import tempfile
from contextlib import ExitStack
from math import prod
from typing import Any

import numpy as np

from dimscope.arrays import Points

CHUNK_ROWS = 4096
EXTREME = 1e140
"""Float64 numbers beyond this, or all below its inverse, are brought near 1 before they are squared."""


class Scratch:
    """Allocates working arrays; those of a memory map are memory maps of temporary files, so that the system can page them.

    Args:
        points: what will be copied.
    """

    def __init__(self, points: Points) -> None:
        self.is_mapped = is_mapped(points)
        self._files = ExitStack()

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *problem: Any) -> None:
        self._files.close()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        """An array with unspecified content."""
        if not self.is_mapped or prod(shape) == 0:
            return np.empty(shape, dtype)
        file = self._files.enter_context(tempfile.TemporaryFile(prefix="dimscope-"))  # noqa: SIM115
        return np.memmap(file, dtype, "w+", shape=shape).view(np.ndarray)

    def searchable(self, points: Points, exponent: int = 0) -> Points:
        """The points over 2^exponent as rows that compiled loops can read.

        float32 and float64 pass as they are; other types are widened without loss, and rows are made contiguous. The result
        is read-only, so that loops are compiled once for arrays and for files.
        """
        wanted = np.float64 if points.dtype.itemsize > 4 else np.float32
        if points.dtype == wanted and points.dtype.isnative and points.flags.c_contiguous and not exponent:
            return _read_only(points)
        copy = self.empty(points.shape, wanted)
        for start in range(0, len(points), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            copy[part] = np.ldexp(points[part].astype(np.float64), -exponent) if exponent else points[part]
        return _read_only(copy)

    def normalized(self, points: Points) -> Points:
        """The rows over their norms, float64."""
        copy = self.empty(points.shape, np.float64)
        for start in range(0, len(points), CHUNK_ROWS):
            block = points[start : start + CHUNK_ROWS].astype(np.float64)
            block /= np.abs(block).max(axis=1, keepdims=True)
            copy[start : start + CHUNK_ROWS] = block / np.sqrt(np.einsum("ij,ij->i", block, block))[:, None]
        return copy


def _read_only(points: Points) -> Points:
    view = points.view(np.ndarray)
    view.flags.writeable = False
    return view


def is_mapped(points: Points) -> bool:
    """True when the numbers are those of a file."""
    base: Any = points
    while base is not None:
        if isinstance(base, np.memmap):
            return True
        base = getattr(base, "base", None)
    return False


def extreme_exponent(*arrays: Points) -> int:
    """The power of two that brings float64 points near 1, or 0 when their squares are harmless."""
    if all(points.dtype.itemsize <= 4 for points in arrays):
        return 0
    peak = max(
        float(np.abs(points[start : start + CHUNK_ROWS]).max())
        for points in arrays
        for start in range(0, len(points), CHUNK_ROWS)
    )
    harmless = peak == 0 or 1 / EXTREME < peak < EXTREME
    return 0 if harmless else int(np.frexp(peak)[1])
