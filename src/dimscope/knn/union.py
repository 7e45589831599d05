"""Compiled: which points list each other, from lists of neighbours."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dimscope.compiled import compiled

Positions: TypeAlias = NDArray[np.int32]


@compiled
def listed_by(neighbors: Positions) -> tuple[Positions, Positions]:
    """Who lists each point: `sources[starts[j] : starts[j + 1]]` are the rows that hold j, ascending; -1 stands for none."""
    n, k = neighbors.shape
    starts = np.zeros(n + 1, np.int32)
    for row in range(n):
        for column in range(k):
            if neighbors[row, column] >= 0:
                starts[neighbors[row, column] + 1] += 1
    for row in range(n):
        starts[row + 1] += starts[row]
    place = starts[:-1].copy()
    sources = np.empty(starts[n], np.int32)
    for row in range(n):
        for column in range(k):
            point = neighbors[row, column]
            if point >= 0:
                sources[place[point]] = row
                place[point] += 1
    return starts, sources


@compiled
def linked(neighbors: Positions, starts: Positions, sources: Positions) -> tuple[Positions, Positions]:
    """Row pointers and columns of the graph in which two points are linked when one of them lists the other."""
    n, k = neighbors.shape
    ends, columns = np.zeros(n + 1, np.int32), np.empty(2 * len(sources), np.int32)
    seen_by = np.full(n, -1, np.int32)
    filled = 0
    for row in range(n):
        for column in range(k):
            point = neighbors[row, column]
            if point >= 0:
                seen_by[point] = row
                columns[filled] = point
                filled += 1
        for position in range(starts[row], starts[row + 1]):
            if seen_by[sources[position]] != row:
                columns[filled] = sources[position]
                filled += 1
        ends[row + 1] = filled
    return ends, columns[:filled]
