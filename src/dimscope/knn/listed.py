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
from dimscope.knn.decisions import square_members, take_nearest_members
from dimscope.knn.filters import Rows
from dimscope.knn.handover import Laid, take
from dimscope.knn.join import Lists
from dimscope.knn.kernels import TINY
from dimscope.knn.opened import Span
from dimscope.knn.rounding import CERTAIN
from dimscope.knn.smallest import select_float32

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
        rows: the rows; None for those of whoever has the lists, in their order.
        columns: spans of the others; candidates are numbered through them, one span after the other.
        lists: the candidates, or the file in which they lie.
    """

    rows: Span | None
    columns: tuple[Span, ...]
    lists: Listed | Laid

    def read(self) -> "Candidates | None":
        """The same with the lists in memory; None where their file cannot be read here."""
        if isinstance(self.lists, Listed):
            return self
        arrays = take(self.lists)
        return self._replace(lists=Listed(*arrays)) if arrays else None

    def of(self, chosen: IntArray) -> "Candidates":
        """The lists of these rows alone, which must be in memory; empty for rows that have none."""
        lists, lines = self.lists, self.lines(chosen)
        assert isinstance(lists, Listed)
        ends, inside = _ends(lists.counts), lines >= 0
        counts = np.zeros(len(chosen), np.uint16)
        counts[inside] = lists.counts[lines[inside]]
        firsts, taken = ends[:-1][lines[inside]], counts[inside].astype(np.int64)
        places = np.repeat(firsts - _ends(taken)[:-1], taken) + np.arange(taken.sum())
        return Candidates(None, self.columns, Listed(counts, lists.members[places], lists.lowers[places]))

    def lines(self, chosen: IntArray) -> IntArray:
        """Which list belongs to each of these rows, -1 without one."""
        if self.rows is None:
            return np.arange(len(chosen))
        inside = (chosen >= self.rows[0]) & (chosen < self.rows[1])
        return np.where(inside, chosen - self.rows[0], -1)


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
    counts, members, lowers = np.empty(stop - start, np.uint16), np.empty(size + 1, np.uint16), np.empty(size + 1, np.uint16)
    size = _take(start, stop, shift, lists, rows, counts, members, lowers)
    return Listed(counts, members[:size], lowers[:size])


def merged(rows: IntArray, parts: Sequence[Candidates]) -> Merged:
    """All candidates of the rows; the lists of each part must be in memory."""
    lines, starts, total = [part.lines(rows) for part in parts], np.zeros((len(parts), len(rows) + 1), np.int64), 0
    for line, own, (_, _, lists) in zip(starts, lines, parts, strict=True):
        assert isinstance(lists, Listed)
        np.cumsum(np.where(own >= 0, lists.counts[own], 0), out=line[1:])
        line += total
        total = int(line[-1])
    members, lowers = np.empty(total, np.int32), np.empty(total, np.float32)
    for line, own, (_, columns, lists) in zip(starts, lines, parts, strict=True):
        assert isinstance(lists, Listed)
        names = np.concatenate([np.arange(*span, dtype=np.int32) for span in columns])
        _pick(
            own, _ends(lists.counts), lists.members, lists.lowers, names, members[line[0] :], lowers[line[0] :].view(np.int32)
        )
    return Merged(starts, members, lowers)


def _ends(counts: np.ndarray) -> IntArray:
    ends = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=ends[1:])
    return ends


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
    """Fill the lists with what lies within the radii; no branch depends on one candidate."""
    room, norms, errors, blur = lists.members.shape[1], rows.norms, rows.errors, rows.blur
    blurred, spread, lower = np.empty(room), np.empty(room), np.empty(room, np.float32)
    bits = lower.view(np.int32)
    taken: Any = 0
    for i in range(start, stop):
        line, before = i - lists.base, taken
        norm, error, radius, own, far = norms[i], errors[i], lists.radii[line], lists.members[line], lists.far[line]
        n = lists.counts[line]
        for p in range(n):
            blurred[p], spread[p] = blur * (norm + norms[own[p]]) + TINY, error + errors[own[p]]
        for p in range(n):
            lower[p] = max(np.sqrt(max(np.float64(far[p]) - blurred[p], 0.0)) - spread[p], 0.0) * SHRINK
        for p in range(n):
            members[taken], lowers[taken] = own[p] - shift, min(max((bits[p] >> CUT) - LOWEST, 0), HIGHEST - 1)
            taken += np.int64(lower[p] <= radius)
        counts[i - start] = taken - before
    return taken


@compiled
def _pick(lines: Any, ends: Any, members: Any, lowers: Any, names: Any, out_members: Any, out_bits: Any) -> None:
    """Names and bits of the lower bounds of all candidates of the lists `lines`."""
    taken: Any = 0
    for line in lines:
        if line < 0:
            continue
        for p in range(ends[line], ends[line + 1]):
            code = np.int32(lowers[p])
            out_members[taken], out_bits[taken] = names[members[p]], ((code + LOWEST) << CUT) * np.int32(code > 0)
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
        largest = square_members(x, points, places, near, 0, first, labels, values)
        taken = first + _split(np.sqrt(largest) * CERTAIN * scale, here, lower, n - first, near[first:])
        square_members(x, points, places, near, first, taken, labels, values)
        take_nearest_members(names, near, taken, labels, values, squares[row], indices[row])
        certified[row] = np.sqrt(squares[row, k - 1]) * CERTAIN * scale <= radii[row]
