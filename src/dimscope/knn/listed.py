"""Candidates on their way between processes: which rows may be near, and how near they are at least, four bytes each.

A lower bound of a distance, in units of the filter, is kept as 16 bits of its float32 number, cut off below: 5 of the exponent
(from 2^-20, the median norm being about 1, to 2^12) and 11 of the fraction. Cut off, it is a lower bound still, and at most
one part in 2048 smaller.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.compiled import compiled
from dimscope.knn.filters import Rows
from dimscope.knn.join import Lists
from dimscope.knn.kernels import bounds, differences
from dimscope.knn.rounding import CERTAIN
from dimscope.knn.smallest import select, take_smallest

HIGHEST = 1 << 16
"""Rows of a stretch at most: a candidate is named by its place in its stretch, in 16 bits."""
CUT = 12
LOWEST = (127 - 20) << 11
SHRINK = 1 - 2.0**-22
"""Covers the rounding of a bound to float32."""


class Listed(NamedTuple):
    """The candidates of some rows among the rows of one stretch.

    Attributes:
        counts: uint16 (rows,): candidates of each row.
        members: uint16 (sum of counts,): their places in the stretch.
        lowers: uint16 (sum of counts,): lower bounds of their distances, cut off.
    """

    counts: np.ndarray
    members: np.ndarray
    lowers: np.ndarray


class Merged(NamedTuple):
    """The candidates of some rows among all rows; those of row l in part s stand at starts[s, l] to starts[s, l + 1].

    Attributes:
        starts: int64 (parts, rows + 1).
        members: int32: rows in the order of the search.
        lowers: float32: lower bounds of their distances.
    """

    starts: IntArray
    members: np.ndarray
    lowers: np.ndarray


def listed(start: int, stop: int, shift: int, lists: Lists, rows: Rows) -> Listed:
    """What the lists hold of rows start to stop within their radii; candidates are numbered from `shift` on."""
    size = int(lists.counts[start - lists.base : stop - lists.base].sum())
    counts, members, lowers = np.empty(stop - start, np.uint16), np.empty(size, np.uint16), np.empty(size, np.float32)
    size = _take(start, stop, shift, lists, rows, counts, members, lowers)
    return Listed(counts, members[:size], cut_off(lowers[:size]))


def cut_off(lowers: np.ndarray) -> np.ndarray:
    """16 bits of float32 numbers, which stand for numbers that are not larger."""
    bits = (np.maximum(lowers, 0, dtype=np.float32).view(np.int32) >> CUT) - LOWEST
    return np.asarray(np.clip(bits, 0, HIGHEST - 1), dtype=np.uint16)


def filled_up(codes: np.ndarray) -> np.ndarray:
    """The float32 numbers that `cut_off` stands for."""
    found: np.ndarray = ((codes.astype(np.int32) + LOWEST) << CUT).view(np.float32)
    found[codes == 0] = 0
    return found


def merged(parts: Sequence[tuple[int, Listed]]) -> Merged:
    """All candidates of the same rows; each part comes with the row of the search at which its stretch begins."""
    ends = np.zeros((len(parts), len(parts[0][1].counts) + 1), np.int64)
    for end, (_, part) in zip(ends, parts, strict=True):
        np.cumsum(part.counts, out=end[1:])
    ends += np.cumsum([0, *(len(part.members) for _, part in parts[:-1])])[:, None]
    members = np.concatenate([part.members.astype(np.int32) + np.int32(first) for first, part in parts])
    return Merged(ends, members, filled_up(np.concatenate([part.lowers for _, part in parts])))


def decide(
    points: Points, chosen: IntArray, places: IntArray, names: IntArray, found: Merged, radii: FloatArray, scale: float, k: int
) -> tuple[FloatArray, IntArray, np.ndarray]:
    """The k nearest of the candidates by float64 differences.

    Args:
        points: shape (n_rows, d).
        chosen: the row of `points` behind each row that is decided.
        places, names: the row of `points`, and the number in results, behind each row of the search.
        found: the candidates.
        radii: every point within this radius of a row is among its candidates.
        scale: of the filter, in whose units radii and bounds are.
        k: neighbours.

    Returns:
        Squared distances (rows, k), numbers (rows, k), and for each row whether they are proven to be the nearest.
    """
    squares, indices = np.full((len(chosen), k), np.inf), np.full((len(chosen), k), -1, np.int64)
    certified = np.zeros(len(chosen), np.bool_)
    order = np.argsort(_closest(found.starts[0], found.members, found.lowers), kind="stable")
    room = int((found.starts[:, 1:] - found.starts[:, :-1]).sum(axis=0).max(initial=0))
    _decide(order, points, chosen, places, names, *found, room, radii, scale, squares, indices, certified)
    return squares, indices, certified


@compiled
def _take(start: Any, stop: Any, shift: Any, lists: Any, rows: Any, counts: Any, members: Any, lowers: Any) -> Any:
    lower, upper = np.empty(lists.members.shape[1]), np.empty(lists.members.shape[1])
    taken: Any = 0
    for i in range(start, stop):
        line, before = i - lists.base, taken
        n = lists.counts[line]
        bounds(i, lists, rows, rows, lower, upper)
        for p in range(n):
            if lower[p] <= lists.radii[line]:
                members[taken] = lists.members[line, p] - shift
                lowers[taken] = lower[p] * SHRINK
                taken += 1
        counts[i - start] = taken - before
    return taken


@compiled
def _closest(starts: Any, members: Any, lowers: Any) -> Any:
    """For each row the candidate with the lowest bound in the first part, -1 without one."""
    found = np.full(starts.shape[0] - 1, -1, np.int64)
    for row in range(found.shape[0]):
        lowest = np.inf
        for p in range(starts[row], starts[row + 1]):
            if lowers[p] < lowest:
                lowest, found[row] = lowers[p], members[p]
    return found


@compiled
def _gather(row: Any, starts: Any, members: Any, lowers: Any, here: Any, bounds: Any) -> Any:
    """Candidates and bounds of one row from all parts; how many they are."""
    n: Any = 0
    for part in range(starts.shape[0]):
        for p in range(starts[part, row], starts[part, row + 1]):
            here[n], bounds[n] = members[p], lowers[p]
            n += 1
    return n


@compiled
def _decide(
    order: Any, points: Any, chosen: Any, places: Any, names: Any, starts: Any, members: Any, lowers: Any, room: Any,
    radii: Any, scale: Any, squares: Any, indices: Any, certified: Any,
) -> None:  # fmt: skip
    """As `dimscope.knn.kernels.decide`, for lower bounds alone: the k lowest give the reach of the others.

    Rows with the same candidate in front follow each other (`order`): what they share is still in the cache.
    """
    k, here, bounds, spare = squares.shape[1], np.empty(room, np.int64), np.empty(room), np.empty(room)
    near, labels, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    for row in order:
        n = _gather(row, starts, members, lowers, here, bounds)
        if n < k:
            continue
        x = points[chosen[row]].astype(np.float64)
        spare[:n] = bounds[:n]
        limit = select(spare, n, k - 1)
        taken: Any = 0
        for p in range(n):
            if bounds[p] <= limit:
                near[taken], labels[taken] = places[here[p]], names[here[p]]
                taken += 1
        differences(x, points, near, taken, values)
        reach = np.sqrt(values[:taken].max()) * CERTAIN * scale
        first = taken
        for p in range(n):
            if bounds[p] > limit and bounds[p] <= reach:
                near[taken], labels[taken] = places[here[p]], names[here[p]]
                taken += 1
        differences(x, points, near[first:], taken - first, values[first:])
        take_smallest(values[:taken], labels[:taken], squares[row], indices[row])
        certified[row] = np.sqrt(squares[row, k - 1]) * CERTAIN * scale <= radii[row]
