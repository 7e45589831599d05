"""Compiled loops of the exact search; what they compute and why it is exact stands in `dimscope.knn.on_tiles`.

Every function works on one tile or one block of rows. (numba counts references to each array that is passed to a function, so
calls per pair are avoided.)
"""

from typing import Any

import numpy as np

from dimscope.compiled import compiled, compiled_sum
from dimscope.knn.smallest import select, select_float32, take_smallest

ROW_HIT = np.uint8(1)
COLUMN_HIT = np.uint8(2)
USED = 0.5
"""Part of the error e_i of a row that a guess allows for. Of the bound e_i + e_j on the error of a distance at most 0.16 was
used (measured: 8 bits, real and real-like points), so 0.25 of it is enough, and little where many distances are equal."""
TINY = 1e-37
"""Covers what float32 loses to underflow, in units of the filter (the median row has a norm near 1)."""


@compiled_sum
def differences(x: Any, points: Any, places: Any, n: Any, out: Any) -> None:
    """Squared distances of the row x (float64) to n rows of `points`, four at a time to keep the memory busy.

    A short last round repeats its last row, so that one and the same loop computes every pair.
    """
    for p in range(0, n, 4):
        p1, p2, p3 = min(p + 1, n - 1), min(p + 2, n - 1), min(p + 3, n - 1)
        j0, j1, j2, j3 = places[p], places[p1], places[p2], places[p3]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for t in range(x.shape[0]):
            v = x[t]
            z = v - np.float64(points[j0, t])
            s0 += z * z
            z = v - np.float64(points[j1, t])
            s1 += z * z
            z = v - np.float64(points[j2, t])
            s2 += z * z
            z = v - np.float64(points[j3, t])
            s3 += z * z
        out[p], out[p1], out[p2], out[p3] = s0, s1, s2, s3


@compiled
def nearest_of_row(x: Any, points: Any, places: Any, skip: Any, distances: Any, indices: Any) -> None:
    """The k nearest of all points[places] to the row x; `skip` is the position of x itself, or -1."""
    n = places.shape[0]
    values = np.empty(n)
    differences(x, points, places, n, values)
    if skip >= 0:
        values[skip] = np.inf
    take_smallest(values, np.arange(n), distances, indices)


@compiled
def bounds(i: Any, lists: Any, rows: Any, columns: Any, lower: Any, upper: Any) -> None:
    """Lower and upper bounds of the distances that the list of row i holds; first what they need is brought together."""
    line, blur = i - lists.base, rows.blur
    members, far, n = lists.members[line], lists.far[line], lists.counts[line]
    error, norm, errors, norms = rows.errors[i], rows.norms[i], columns.errors, columns.norms
    for p in range(n):
        j = members[p]
        lower[p], upper[p] = blur * (norm + norms[j]) + TINY, error + errors[j]
    for p in range(n):
        square, blurred, spread = np.float64(far[p]), lower[p], upper[p]
        lower[p] = max(np.sqrt(max(square - blurred, 0.0)) - spread, 0.0)
        upper[p] = np.sqrt(square + blurred) + spread


@compiled
def tighten_rows(start: Any, stop: Any, want: Any, limit: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Lower the radius of rows start to stop to what is likely to bound the distance of their `want`-th candidate.

    What lies outside is dropped. The radius is a guess, which the certificate must confirm later. Where more than `limit`
    entries are left it falls further.
    """
    for i in range(start, stop):
        line = i - lists.base
        n, radius = lists.counts[line], lists.radii[line]
        if n >= want:
            square = np.float64(select_float32(lists.far[line], n, want - 1))
            radius = min(radius, _likely_bound(i, square, rows))
        _cut(i, radius, limit, lists, rows, columns)


@compiled
def _likely_bound(i: Any, square: Any, rows: Any) -> Any:
    """A distance from row i that points at this squared distance in the filter hardly ever exceed."""
    return np.sqrt(square + 2 * rows.blur * rows.norms[i]) + USED * rows.errors[i]


@compiled
def _cut(i: Any, radius: Any, limit: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Drop what lies outside of the radius of row i, and where that leaves more than `limit` entries, the farthest of them."""
    line = i - lists.base
    _keep_within(i, radius, lists, rows, columns)
    if lists.counts[line] > limit:
        lower, upper = np.empty(lists.counts[line]), np.empty(lists.counts[line])
        bounds(i, lists, rows, columns, lower, upper)
        radius = select(lower, lower.shape[0], limit - 1)
        _keep_within(i, radius, lists, rows, columns)
    lists.radii[line] = radius
    set_limit(i, lists, rows)


@compiled
def _keep_within(i: Any, radius: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Drop the entries of row i whose lower bounds exceed the radius: D^2 - blur (n_i + n_j) > (R + e_i + e_j)^2."""
    line, blur, errors, norms = i - lists.base, rows.blur, columns.errors, columns.norms
    members, far, reach, norm = lists.members[line], lists.far[line], radius + rows.errors[i], rows.norms[i]
    kept: Any = 0
    for p in range(lists.counts[line]):
        j, square = members[p], far[p]
        members[kept], far[kept] = j, square
        kept += np.int64(square <= (reach + errors[j]) ** 2 + blur * (norm + norms[j]) + TINY)
    lists.counts[line] = kept


@compiled
def set_limit(i: Any, lists: Any, rows: Any) -> None:
    """The row's side of the tile test: a_i = (n_i - (1 + mix)(R_i + e_i)^2) / 2, less what rounding can hide."""
    if lists.radii[i - lists.base] < 0:  # given up: nothing more is kept
        lists.limits[i - lists.base] = np.inf
        return
    reach = (1 + rows.mix) * (lists.radii[i - lists.base] + rows.errors[i]) ** 2
    lists.limits[i - lists.base] = (rows.norms[i] - reach) / 2 - rows.blur * (rows.norms[i] + reach) - TINY


@compiled
def fill_squares(tile: Any, scales: Any, factors: Any, here: Any, there: Any, squares: Any) -> None:
    """squares_ij = tile_ij factors_j scales_i + there_j + here_i in float32, in one pass."""
    for i in range(tile.shape[0]):
        scale, norm = scales[i], here[i]
        for j in range(tile.shape[1]):
            squares[i, j] = np.float32(tile[i, j]) * factors[j] * scale + there[j] + norm


@compiled
def guess_radii(start: Any, stop: Any, distances: Any, lists: Any, rows: Any) -> None:
    """First radii of rows start to stop, from distances in the filter."""
    for i in range(start, stop):
        lists.radii[i - lists.base] = _likely_bound(i, distances[i - start] ** 2, rows)
        set_limit(i, lists, rows)


@compiled
def set_radii(start: Any, stop: Any, radii: Any, lists: Any, rows: Any) -> None:
    """First radii of rows start to stop."""
    for i in range(start, stop):
        lists.radii[i - lists.base] = radii[i - start]
        set_limit(i, lists, rows)


@compiled
def make_room(i: Any, k: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Cut the full list of row i to the k-th smallest upper bound; k points lie within it for certain.

    When equal bounds keep it full, give the row up: its certificate will fail.
    """
    line, room = i - lists.base, lists.members.shape[1]
    lower, upper = np.empty(room), np.empty(room)
    bounds(i, lists, rows, columns, lower, upper)
    _cut(i, min(lists.radii[line], select(upper, room, k - 1)), room - (room - k) // 4, lists, rows, columns)
    if lists.counts[line] == room:
        lists.counts[line] = 0
        lists.radii[line] = -1.0
        set_limit(i, lists, rows)


@compiled
def collect(tile: Any, i0: Any, j0: Any, same: Any, both: Any, k: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Append each pair of the tile that may lie within a radius to the list of its row and, with `both`, of its column.

    One loop, because a call per pair would cost more than the pair. With f the factors, pair (i, j) is kept for row i when
    v = tile_ij f_i f_j >= a_i + b_j, for row j when v >= a_j + b_i.
    """
    height, width = tile.shape
    flags = np.zeros(-(-width // 8) * 8, np.uint8)
    products = np.empty(flags.shape[0], np.float32)
    row_hits, column_hits = np.empty(flags.shape[0] + 1, np.int64), np.empty(flags.shape[0] + 1, np.int64)
    words = flags.view(np.uint64)
    base, counts, members, far, bounds = lists.base, lists.counts, lists.members, lists.far, lists.limits
    offsets, norms, factors = columns.offsets[j0 : j0 + width], columns.norms, columns.factors[j0 : j0 + width]
    limits = bounds[j0 - base : j0 - base + width] if both else offsets
    room = members.shape[1]
    for line in range(height):
        i = i0 + line
        own, b, norm = i - base, rows.offsets[i], rows.norms[i]
        if not _flag_hits(tile[line], rows.factors[i], factors, offsets, limits, bounds[own], b, both, products, flags):
            continue
        if same:
            flags[line] = 0
        n_row, n_column = _find_hits(flags, words, row_hits, column_hits)
        for c in row_hits[:n_row]:
            if counts[own] == room:
                make_room(i, k, lists, rows, columns)
            if products[c] >= bounds[own] + offsets[c]:
                square = max(norm + norms[j0 + c] - 2.0 * products[c], 0.0)
                members[own, counts[own]], far[own, counts[own]] = j0 + c, square
                counts[own] += 1
        for c in column_hits[:n_column]:
            other = j0 + c - base
            if counts[other] == room:
                make_room(j0 + c, k, lists, columns, rows)
            if products[c] >= bounds[other] + b:
                square = max(norm + norms[j0 + c] - 2.0 * products[c], 0.0)
                members[other, counts[other]], far[other, counts[other]] = i, square
                counts[other] += 1


@compiled
def _find_hits(flags: Any, words: Any, row_hits: Any, column_hits: Any) -> Any:
    """Columns flagged for the row and columns flagged for themselves, and how many they are; no branch depends on one flag."""
    n_row: Any = 0
    n_column: Any = 0
    for w in range(words.shape[0]):
        if words[w] == 0:
            continue
        for c in range(8 * w, 8 * w + 8):
            row_hits[n_row] = c
            n_row += np.int64(flags[c] & ROW_HIT)
            column_hits[n_column] = c
            n_column += np.int64((flags[c] & COLUMN_HIT) >> np.uint8(1))
    return n_row, n_column


@compiled
def _flag_hits(
    entries: Any, factor: Any, factors: Any, offsets: Any, limits: Any, a: Any, b: Any, both: Any, products: Any, flags: Any
) -> Any:
    hits = np.uint8(0)
    if both:
        for c in range(entries.shape[0]):
            v = np.float32(entries[c]) * factors[c] * factor
            products[c] = v
            flag = np.uint8(v >= a + offsets[c]) | np.uint8(v >= limits[c] + b) << np.uint8(1)
            flags[c] = flag
            hits |= flag
    else:
        for c in range(entries.shape[0]):
            v = np.float32(entries[c]) * factors[c] * factor
            products[c] = v
            flag = np.uint8(v >= a + offsets[c])
            flags[c] = flag
            hits |= flag
    return hits
