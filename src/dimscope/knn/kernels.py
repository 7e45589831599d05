"""Compiled loops of the exact search; what they compute and why it is exact stands in `dimscope.knn.on_tiles`.

Every function works on one tile or one block of rows. (numba counts references to each array that is passed to a function, so
calls per pair are avoided.)
"""

from typing import Any

import numpy as np

from dimscope.compiled import compiled, compiled_sum
from dimscope.knn.rounding import CERTAIN

ROW_HIT = np.uint8(1)
COLUMN_HIT = np.uint8(2)
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
def take_smallest(values: Any, indices: Any, best: Any, best_indices: Any) -> None:
    """The k smallest values with their indices, ascending; equal values by index. `values` may hold infinity, but no NaN."""
    k, n = best.shape[0], 0
    limit = select(values.copy(), values.shape[0], k - 1)
    kept, names = np.empty(values.shape[0]), np.empty(values.shape[0], np.int64)
    for p in range(values.shape[0]):
        if values[p] <= limit:
            kept[n], names[n] = values[p], indices[p]
            n += 1
    _sort_pairs(kept, names, n)
    for p in range(k):
        best[p], best_indices[p] = kept[p], names[p]


@compiled
def select(values: Any, n: Any, k: Any) -> Any:
    """The k-th smallest (from 0) of the first n values, which are reordered so that it stands at k and none before is larger.

    Quickselect [Hoare 1961, doi:10.1145/366622.366647] whose inner loop has no branch to mispredict.
    (numpy's own function takes numba fifteen seconds to compile.)
    """
    low: Any = 0
    high = n - 1
    while low < high:
        middle = (low + high) // 2
        pivot = max(min(values[low], values[middle]), min(max(values[low], values[middle]), values[high]))
        first = low
        for p in range(low, high + 1):
            value = values[p]
            values[p], values[first] = values[first], value
            first += np.int64(value < pivot)
        if k < first:
            high = first - 1
            continue
        if first > low:
            low = first
            continue
        for p in range(low, high + 1):  # nothing is smaller: those equal to the pivot come first
            value = values[p]
            values[p], values[first] = values[first], value
            first += np.int64(value == pivot)
        if k < first:
            break
        low = first
    return values[k]


@compiled
def _sort_pairs(values: Any, indices: Any, n: Any) -> None:
    """Sort the first n pairs by value, then index [Shell 1959, doi:10.1145/368370.368387, with gaps falling by 2.25]."""
    gap = 1
    while gap < n // 3:
        gap = int(2.25 * gap) + 1
    while gap > 0:
        for p in range(gap, n):
            value, index, q = values[p], indices[p], p
            while q >= gap and (values[q - gap] > value or (values[q - gap] == value and indices[q - gap] > index)):
                values[q], indices[q] = values[q - gap], indices[q - gap]
                q -= gap
            values[q], indices[q] = value, index
        gap = int(gap / 2.25)


@compiled
def bound(line: Any, sign: Any, members: Any, far: Any, n: Any, rows: Any, columns: Any, i: Any, out: Any) -> None:
    """Upper (`sign` = 1) or lower (-1) bounds of the first n listed distances of row i; a lower bound may be negative."""
    errors, norms = columns.errors, columns.norms
    error, norm, blur = rows.errors[i], rows.norms[i], rows.blur
    for p in range(n):
        j = members[line, p]
        blurred = far[line, p] + sign * (blur * (norm + norms[j]) + TINY)
        out[p] = np.sqrt(max(blurred, 0.0)) + sign * (error + errors[j])


@compiled
def tighten(i: Any, want: Any, limit: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Lower the radius of row i to its `want`-th smallest upper bound and drop what lies outside.

    When more than `limit` entries are left the radius falls further, to a value that the certificate must confirm later.
    """
    line = i - lists.base
    members, far, n = lists.members, lists.far, lists.counts[line]
    bounds = np.empty(n)
    radius = lists.radii[line]
    if n >= want:
        bound(line, 1.0, members, far, n, rows, columns, i, bounds)
        radius = min(radius, select(bounds, n, want - 1))
    bound(line, -1.0, members, far, n, rows, columns, i, bounds)
    kept: Any = 0
    for p in range(n):
        kept += np.int64(bounds[p] <= radius)
    if kept > limit:
        radius = select(bounds.copy(), n, limit - 1)
    kept = 0
    for p in range(n):
        members[line, kept], far[line, kept] = members[line, p], far[line, p]
        kept += np.int64(bounds[p] <= radius)
    lists.counts[line], lists.radii[line] = kept, radius
    set_limit(i, lists, rows)


@compiled
def tighten_rows(start: Any, stop: Any, want: Any, limit: Any, lists: Any, rows: Any, columns: Any) -> None:
    """`tighten` for rows start to stop."""
    for i in range(start, stop):
        tighten(i, want, limit, lists, rows, columns)


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
def set_radii(start: Any, stop: Any, radii: Any, lists: Any, rows: Any) -> None:
    """First radii of rows start to stop."""
    for i in range(start, stop):
        lists.radii[i - lists.base] = radii[i - start]
        set_limit(i, lists, rows)


@compiled
def make_room(i: Any, k: Any, lists: Any, rows: Any, columns: Any) -> None:
    """Cut the full list of row i; when equal bounds keep it full, give the row up: its certificate will fail."""
    line, room = i - lists.base, lists.members.shape[1]
    tighten(i, k, room - (room - k) // 4, lists, rows, columns)
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


@compiled
def decide(
    chosen: Any, points: Any, others: Any, places: Any, other_places: Any, lists: Any, rows: Any, columns: Any,
    distances: Any, indices: Any, certified: Any,
) -> None:  # fmt: skip
    """The k nearest of the listed candidates by float64 differences, for the chosen rows.

    First the k candidates that the filter puts nearest; their largest distance r bounds the k-th one. Then every candidate
    whose lower bound is at most r. A row is certified when its k-th distance is at most its radius.
    """
    k, room = distances.shape[1], lists.members.shape[1]
    names, near, values, bounds = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room), np.empty(room)
    for i in chosen:
        line, name, n = i - lists.base, rows.labels[i], lists.counts[i - lists.base]
        certified[name] = False
        if n < k:
            continue
        x = points[places[i]].astype(np.float64)
        for p in range(n):
            bounds[p] = lists.far[line, p]
        limit = select(bounds, n, k - 1)
        taken = 0
        for p in range(n):
            if lists.far[line, p] <= limit:
                near[taken] = other_places[lists.members[line, p]]
                names[taken] = columns.labels[lists.members[line, p]]
                taken += 1
        differences(x, others, near, taken, values)
        reach = 0.0
        for p in range(taken):
            reach = max(reach, np.sqrt(values[p]) * CERTAIN * rows.scale)
        bound(line, -1.0, lists.members, lists.far, n, rows, columns, i, bounds)
        first = taken
        for p in range(n):
            if lists.far[line, p] > limit and bounds[p] <= reach:
                near[taken] = other_places[lists.members[line, p]]
                names[taken] = columns.labels[lists.members[line, p]]
                taken += 1
        differences(x, others, near[first:], taken - first, values[first:])
        take_smallest(values[:taken], names[:taken], distances[name], indices[name])
        certified[name] = np.sqrt(distances[name, k - 1]) * CERTAIN * rows.scale <= lists.radii[line]


@compiled
def decide_ranks(
    chosen: Any, points: Any, others: Any, places: Any, other_places: Any, lists: Any, rows: Any, columns: Any,
    ranks: Any, at_ranks: Any, certified: Any,
) -> None:  # fmt: skip
    """Squared distances at a few ranks (ascending) for the chosen rows, without the neighbours between them.

    The r-th distance lies between the r-th smallest lower bound in the list and the largest upper bound of those r. Candidates
    whose upper bound is below the former are nearer for sure and only counted, those whose lower bound is above the latter are
    farther; the others are decided by float64 differences. A row is certified when its last distance is at most its radius.
    """
    room, top, m = lists.members.shape[1], ranks[-1], ranks.shape[0]
    near, kept, values = np.empty(m * room + 1, np.int64), np.empty(room, np.int64), np.empty(m * room)
    lower, upper, lows = np.empty(room), np.empty(room), np.empty(room)
    starts, nearer = np.zeros(m + 1, np.int64), np.empty(m, np.int64)
    for i in chosen:
        line, name, n = i - lists.base, rows.labels[i], lists.counts[i - lists.base]
        if n < top:
            certified[name] = False
            continue
        x = points[places[i]].astype(np.float64)
        bound(line, -1.0, lists.members, lists.far, n, rows, columns, i, lower)
        bound(line, 1.0, lists.members, lists.far, n, rows, columns, i, upper)
        lows[:n] = lower[:n]
        for p in range(n):
            kept[p] = other_places[lists.members[line, p]]
        end = n
        for step in range(m):  # from the last rank to the first
            rank = ranks[m - 1 - step]
            least = select(lows, end, rank - 1)
            most = _largest_of_nearest(lower, upper, n, least) * CERTAIN
            end = rank
            n, taken = _split_at_rank(least, most, lower, upper, kept, n, near[starts[step] :])
            starts[step + 1], nearer[step] = starts[step] + taken, n - taken
        differences(x, others, near, starts[m], values)
        for step in range(m):
            found = values[starts[step] : starts[step + 1]]
            at_ranks[name, m - 1 - step] = select(found, found.shape[0], ranks[m - 1 - step] - 1 - nearer[step])
        if np.sqrt(at_ranks[name, m - 1]) * CERTAIN * rows.scale > lists.radii[line]:
            certified[name] = False


@compiled
def _largest_of_nearest(lower: Any, upper: Any, n: Any, least: Any) -> Any:
    """The largest upper bound among the first n candidates whose lower bound is at most `least`.

    Positive floats have the order of their bits, and a maximum of integers runs in many lanes.
    """
    bits, largest = upper.view(np.int64), np.zeros(1, np.int64)
    top = np.int64(0)
    for p in range(n):
        top = max(top, bits[p] & -np.int64(lower[p] <= least))
    largest[0] = top
    return largest.view(np.float64)[0]


@compiled
def _split_at_rank(least: Any, most: Any, lower: Any, upper: Any, kept: Any, n: Any, near: Any) -> Any:
    """Drop the farther ones of the first n candidates, and list in `near` those of the rest that are not nearer for sure.

    Returns how many are left and how many of them are listed. Lower ranks need only those that are left.
    """
    left: Any = 0
    taken: Any = 0
    for p in range(n):
        low, high, place = lower[p], upper[p], kept[p]
        lower[left], upper[left], kept[left], near[taken] = low, high, place, place
        is_left = low <= most
        left += np.int64(is_left)
        taken += np.int64(is_left and high * CERTAIN >= least)
    return left, taken
