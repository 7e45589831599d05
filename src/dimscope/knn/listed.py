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
from dimscope.knn.handover import Laid, take
from dimscope.knn.join import Lists
from dimscope.knn.kernels import bounds, differences
from dimscope.knn.opened import Span
from dimscope.knn.rounding import CERTAIN
from dimscope.knn.smallest import select_float32, take_smallest

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


class Candidates(NamedTuple):
    """The candidates of some rows among others.

    Attributes:
        rows: the rows.
        columns: spans of the others; candidates are numbered through them, one span after the other.
        lists: the candidates, or the file in which they lie.
    """

    rows: Span
    columns: tuple[Span, ...]
    lists: Listed | Laid

    def of(self, chosen: IntArray) -> Listed | None:
        """Lists of the chosen rows, empty for those that are not among `rows`; None where the file cannot be read here."""
        lists = take(self.lists) if isinstance(self.lists, Laid) else self.lists
        if lists is None:
            return None
        counts, members, lowers = lists
        ends, lines = np.zeros(len(counts) + 1, np.int64), chosen - self.rows[0]
        np.cumsum(counts, out=ends[1:])
        inside = (lines >= 0) & (lines < len(counts))
        found = np.zeros(len(chosen), np.uint16)
        found[inside] = counts[lines[inside]]
        size = int(found.sum(dtype=np.int64))
        picked = Listed(found, np.empty(size, np.uint16), np.empty(size, np.uint16))
        _pick(lines[inside], ends, members, lowers, picked.members, picked.lowers)
        return picked


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


def merged(parts: Sequence[tuple[tuple[Span, ...], Listed]]) -> Merged:
    """All candidates of the same rows; each part comes with the spans through which its candidates are numbered."""
    starts = np.zeros((len(parts), len(parts[0][1].counts) + 1), np.int64)
    for line, (_, lists) in zip(starts, parts, strict=True):
        np.cumsum(lists.counts, out=line[1:])
    starts += np.cumsum([0, *(len(lists.members) for _, lists in parts[:-1])])[:, None]
    members = [np.concatenate([np.arange(*span, dtype=np.int32) for span in spans])[lists.members] for spans, lists in parts]
    return Merged(starts, np.concatenate(members), filled_up(np.concatenate([lists.lowers for _, lists in parts])))


def decide(
    points: Points,
    chosen: IntArray,
    places: IntArray,
    names: IntArray,
    found: Merged,
    radii: FloatArray,
    scale: float,
    k: int,
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
    room = int((found.starts[:, 1:] - found.starts[:, :-1]).sum(axis=0).max(initial=0))
    _decide(points, chosen, places, names, *found, room, radii, scale, squares, indices, certified)
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
def _pick(lines: Any, ends: Any, members: Any, lowers: Any, out_members: Any, out_lowers: Any) -> None:
    taken: Any = 0
    for line in lines:
        for p in range(ends[line], ends[line + 1]):
            out_members[taken], out_lowers[taken] = members[p], lowers[p]
            taken += 1


@compiled
def _gather(row: Any, starts: Any, members: Any, lowers: Any, here: Any, lower: Any) -> Any:
    """Candidates and bounds of one row from all parts; how many they are."""
    n: Any = 0
    for part in range(starts.shape[0]):
        for p in range(starts[part, row], starts[part, row + 1]):
            here[n], lower[n] = members[p], lowers[p]
            n += 1
    return n


@compiled
def _split(reach: Any, here: Any, lower: Any, n: Any, near: Any) -> Any:
    """Move those of n candidates whose bounds are at most `reach` to `near`; how many they are. No branch depends on one."""
    taken: Any = 0
    left: Any = 0
    for p in range(n):
        member, value = here[p], lower[p]
        near[taken], here[left], lower[left] = member, member, value
        is_near = np.int64(value <= reach)
        taken += is_near
        left += 1 - is_near
    return taken


@compiled
def _decide(
    points: Any, chosen: Any, places: Any, names: Any, starts: Any, members: Any, lowers: Any, room: Any,
    radii: Any, scale: Any, squares: Any, indices: Any, certified: Any,
) -> None:  # fmt: skip
    """As `dimscope.knn.decisions.decide`, for lower bounds alone: the k lowest give the reach of the others."""
    k, here, lower = squares.shape[1], np.empty(room + 1, np.int32), np.empty(room + 1, np.float32)
    near, labels, values = np.empty(room + 1, np.int32), np.empty(room, np.int64), np.empty(room)
    for row in range(chosen.shape[0]):
        n = _gather(row, starts, members, lowers, here, lower)
        if n < k:
            continue
        x = points[chosen[row]].astype(np.float64)
        first = _split(select_float32(lower, n, k - 1), here, lower, n, near)
        for p in range(first):
            labels[p] = places[near[p]]
        differences(x, points, labels, first, values)
        reach = 0.0
        for p in range(first):
            reach = max(reach, values[p])
        taken = first + _split(np.sqrt(reach) * CERTAIN * scale, here, lower, n - first, near[first:])
        for p in range(first, taken):
            labels[p] = places[near[p]]
        differences(x, points, labels[first:], taken - first, values[first:])
        for p in range(taken):
            labels[p] = names[near[p]]
        take_smallest(values[:taken], labels[:taken], squares[row], indices[row])
        certified[row] = np.sqrt(squares[row, k - 1]) * CERTAIN * scale <= radii[row]
