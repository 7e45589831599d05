"""Compiled: listed candidates decided by float64 differences; why that is exact stands in `dimscope.knn.on_tiles`."""

from typing import Any

import numpy as np

from dimscope.compiled import compiled
from dimscope.knn.kernels import TINY, bounds, differences
from dimscope.knn.rounding import CERTAIN
from dimscope.knn.smallest import select, select_float32, take_smallest


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
    here, rest, far = np.empty(room + 1, np.int32), np.empty(room + 1, np.int32), np.empty(room + 1, np.float32)
    near, values = np.empty(room, np.int64), np.empty(room)
    for i in chosen:
        line, name, n = i - lists.base, rows.labels[i], lists.counts[i - lists.base]
        certified[name] = False
        if n < k:
            continue
        x = points[places[i]].astype(np.float64)
        first = _take_nearest(lists.members[line], lists.far[line], n, k, here, rest, far)
        largest = square_members(x, others, other_places, here, 0, first, near, values)
        reach = np.sqrt(largest) * CERTAIN * rows.scale
        taken = first + _take_within(i, reach, rest, far, n - first, rows, columns, here[first:])
        square_members(x, others, other_places, here, first, taken, near, values)
        take_nearest_members(columns.labels, here, taken, near, values, distances[name], indices[name])
        certified[name] = np.sqrt(distances[name, k - 1]) * CERTAIN * rows.scale <= lists.radii[line]


@compiled
def square_members(x: Any, points: Any, places: Any, here: Any, start: Any, stop: Any, near: Any, values: Any) -> Any:
    """Squared distances of the row x to the members `here` from start to stop; returns the largest. `near` is overwritten."""
    for p in range(start, stop):
        near[p] = places[here[p]]
    differences(x, points, near[start:], stop - start, values[start:])
    largest = 0.0
    for p in range(start, stop):
        largest = max(largest, values[p])
    return largest


@compiled
def take_nearest_members(
    labels: Any, here: Any, n: Any, near: Any, values: Any, distances: Any, indices: Any
) -> None:  # fmt: skip
    """Squared distances and labels of the nearest of the first n members; `near` is overwritten."""
    for p in range(n):
        near[p] = labels[here[p]]
    take_smallest(values[:n], near[:n], distances, indices)


@compiled
def _take_nearest(members: Any, far: Any, n: Any, k: Any, here: Any, rest: Any, rest_far: Any) -> Any:
    """Fill `here` with the k of the first n members nearest in the filter (more, if equal), and `rest` with the others."""
    limit = select_float32(far, n, k - 1)
    taken: Any = 0
    left: Any = 0
    for p in range(n):
        here[taken], rest[left], rest_far[left] = members[p], members[p], far[p]
        is_near = np.int64(far[p] <= limit)
        taken += is_near
        left += 1 - is_near
    return taken


@compiled
def _take_within(i: Any, reach: Any, members: Any, far: Any, n: Any, rows: Any, columns: Any, here: Any) -> Any:
    """Fill `here` with those of n members whose lower bound is within reach: D^2 - blur (n_i + n_j) <= (r + e_i + e_j)^2."""
    reach, norm, blur, errors, norms = reach + rows.errors[i], rows.norms[i], rows.blur, columns.errors, columns.norms
    taken: Any = 0
    for p in range(n):
        j = members[p]
        here[taken] = j
        taken += np.int64(far[p] <= (reach + errors[j]) ** 2 + blur * (norm + norms[j]) + TINY)
    return taken


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
    lower, upper = np.empty(room), np.empty(room)
    starts, nearer = np.zeros(m + 1, np.int64), np.empty(m, np.int64)
    for i in chosen:
        line, name, n = i - lists.base, rows.labels[i], lists.counts[i - lists.base]
        if n < top:
            certified[name] = False
            continue
        x = points[places[i]].astype(np.float64)
        bounds(i, lists, rows, columns, lower, upper)
        for p in range(n):
            kept[p] = other_places[lists.members[line, p]]
        for step in range(m):  # from the last rank to the first
            rank = ranks[m - 1 - step]
            least = select(lower, n, rank - 1)
            most = _largest_of_nearest(lower, upper, n, least) * CERTAIN
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
    bits, largest = upper.view(np.int64), np.int64(0)
    for p in range(n):
        largest = max(largest, bits[p] & -np.int64(lower[p] <= least))
    return np.int64(largest).view(np.float64)


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
