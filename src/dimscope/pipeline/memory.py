"""Memory of this process, and what a measuring needs beside it."""

import sys
from pathlib import Path
from typing import NamedTuple

from dimscope.knn import FEW_POINTS
from dimscope.knn.join import BLOCK, LIST_BYTES, room_for
from dimscope.knn.workers import available_threads

TABLES = 5
"""Arrays of the size of a table's indices or distances that are held at once: two tables and their copies in float64."""
ENTRY_BYTES = 8
"""Of one candidate in a list: its row and its squared distance."""

COPY_BYTES, SCORE_BYTES = 12, 100 << 20
"""Of the search of few points (`dimscope.knn.on_blas`): of each number, and beside it."""

TILE_BYTES = 20 << 20
"""Of each thread of the search of many points: a tile of products, and what is made of it."""


class Need(NamedTuple):
    """Bytes: what is allocated, and pages of files, which the system can take back."""

    allocated: int
    mapped: int


def process_memory() -> int:
    """Bytes of memory that this process uses now, where the system tells, otherwise at its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return peak_memory()
    import resource

    return pages * resource.getpagesize()


def peak_memory() -> int:
    """Bytes of memory that this process used at most so far; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # pragma: no cover - other systems
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def search_memory(n: int, d: int, k: int) -> Need:
    """What one layer needs while it is searched and measured: candidates, tables, covariance; points and filter are mapped.

    Args:
        n: points.
        d: features.
        k: neighbours of each.
    """
    tables = TABLES * 8 * n * k + 2 * 8 * d * d
    if n <= FEW_POINTS:
        return Need(tables + COPY_BYTES * n * d + SCORE_BYTES, 4 * n * d)
    lists = min(n * room_for(k, n) * ENTRY_BYTES, max(LIST_BYTES, BLOCK * room_for(k, n) * ENTRY_BYTES))
    return Need(lists + tables + TILE_BYTES * available_threads(), 2 * 4 * n * d)
