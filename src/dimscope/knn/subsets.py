"""Neighbours within a subset of the points, read off the table of all as far as it proves enough."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.errors import InputError, UsageError
from dimscope.knn.base import Duplicates, Neighbors


class FirstNeighbors(NamedTuple):
    """The k nearest members of a chosen set, for those points of the set that have k of them in the table.

    Attributes:
        points: shape (m,): positions of the usable points within the set.
        neighbors: shape (m, k): their neighbours, as positions within the set.
        n_dropped: points of the set whose list held fewer than k members.
    """

    points: IntArray
    neighbors: IntArray
    n_dropped: int


def first_members(table: Neighbors, members: IntArray, k: int) -> FirstNeighbors:
    """The k nearest neighbours within `members` (distinct rows of the table), exact for every point that is returned.

    A neighbour outside the set is skipped and the next one moves up, which is the table that a search among the members
    alone would have found, as long as k of the stored neighbours are members.
    """
    if np.array_equal(members, np.arange(table.n)):
        return FirstNeighbors(np.arange(table.n), table.indices[:, :k], 0)
    inside = _within(table, members)
    return first_allowed(inside, inside >= 0, k)


def first_allowed(neighbors: IntArray, allowed: np.ndarray, k: int) -> FirstNeighbors:
    """The first k allowed entries of each row, for the rows that have k of them; order is kept."""
    usable, front = _front(allowed, k)
    chosen = np.take_along_axis(neighbors[usable], front, axis=1)
    return FirstNeighbors(usable, chosen, len(neighbors) - len(usable))


def search_subset(table: Neighbors, points: Points, chosen: IntArray, k: int) -> Neighbors:
    """See `dimscope.knn.subset_neighbors`."""
    if table.metric != "euclidean":
        raise UsageError(f'subsets need a table of metric "euclidean", found "{table.metric}".')
    if len(points) != table.duplicates.n_rows:
        raise InputError(f"{len(points)} points were given for a table of {table.duplicates.n_rows} rows.")
    if not 1 <= k <= len(chosen) - 1:
        raise InputError(
            f"k={k} neighbours were asked for in a subset of {len(chosen)} points; k may be 1 to {len(chosen) - 1}."
        )
    if (np.diff(chosen) <= 0).any() or not np.isin(chosen, table.duplicates.rows).all():
        raise InputError("the rows of a subset must ascend, and none may repeat another point (see Duplicates.rows).")
    members = np.searchsorted(table.duplicates.rows, chosen)
    indices, distances = np.empty((len(chosen), k), np.int64), np.empty((len(chosen), k))
    missing = np.setdiff1d(np.arange(len(chosen)), _read_off(table, members, k, indices, distances))
    if len(missing):
        indices[missing], distances[missing] = search_rows(points, chosen, missing, k)
    n = len(chosen)
    own = Duplicates(np.arange(n), np.ones(n, dtype=np.int64), table.duplicates.policy)
    return replace(table, indices=indices, distances=distances, duplicates=own, ranks={}, sample=None, _validated=True)


def _read_off(table: Neighbors, members: IntArray, k: int, indices: IntArray, distances: FloatArray) -> IntArray:
    """Fill the lines for which the table holds k members of the subset, and say which they are."""
    inside = _within(table, members)
    known, front = _front(inside >= 0, k)
    indices[known] = np.take_along_axis(inside[known], front, axis=1)
    distances[known] = np.take_along_axis(table.distances[members[known]], front, axis=1)
    return known


def _within(table: Neighbors, members: IntArray) -> IntArray:
    """The neighbours of the members as positions within `members`; -1 where a neighbour is not one of them."""
    position = np.full(table.n, -1, dtype=np.int64)
    position[members] = np.arange(len(members))
    return np.asarray(position[table.indices[members]])


def _front(allowed: np.ndarray, k: int) -> tuple[IntArray, IntArray]:
    """The rows with k allowed entries, and the columns of the first k of each."""
    usable = np.flatnonzero(allowed.sum(axis=1) >= k)
    columns = np.tile(np.arange(k), (len(usable), 1))
    gaps = np.flatnonzero(~allowed[usable, :k].all(axis=1))  # of the others the first k columns serve
    columns[gaps] = np.argsort(~allowed[usable[gaps]], axis=1, kind="stable")[:, :k]
    return usable, columns


def search_rows(points: Points, chosen: IntArray, missing: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k nearest others among the rows `chosen`, for some positions in it."""
    from dimscope.knn.on_tiles import search_between

    found, far = search_between(points, points, k + 1, query_rows=chosen[missing], base_rows=chosen)
    others = found != missing[:, None]
    others[others.all(axis=1), -1] = False  # the point itself is not listed when k + 1 equal ones come before it
    shape = (len(missing), k)
    return found[others].reshape(shape), far[others].reshape(shape)
