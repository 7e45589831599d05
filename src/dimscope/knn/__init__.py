"""Exact nearest neighbours of points in one layer."""

from dataclasses import replace
from operator import index

from numpy.typing import ArrayLike

from dimscope.arrays import DuplicatePolicy, Points, as_points
from dimscope.errors import InputError, UsageError, unknown_name
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.knn.duplicates import find_duplicates, with_near_duplicates
from dimscope.registry import Registry

BACKENDS = Registry("neighbour backend", {"blas": "dimscope.knn.on_blas:search"}, "dimscope list engines")
METRICS = ("euclidean",)


def neighbors(
    points: ArrayLike,
    k: int = 100,
    *,
    metric: str = "euclidean",
    duplicates: DuplicatePolicy = "merge",
    device: str = "auto",
) -> Neighbors:
    """The k nearest other points of every point, exact.

    Distances are float64 differences of the points as given; a lower precision is used only to propose candidates, and each
    row carries a proof that none was missed (see `dimscope.knn.on_blas`). Equal distances are ordered by index.

    Args:
        points: shape (n_rows, d), any real dtype.
        k: neighbours per point, 1 to n - 1, self never counted.
        metric: `euclidean`.
        duplicates: `merge` keeps one row per distinct point in the order of first appearance, with `.duplicates` as the map;
            `keep` treats equal rows as neighbours at distance 0.
        device: `auto` or `cpu`.

    Returns:
        `Neighbors` with n = number of distinct points (`merge`) or of rows (`keep`).

    Raises:
        InputError: wrong shape, NaN or Inf, all points equal, or fewer than k + 1 points.
        UsageError: unknown metric, policy or device.

    Example:
        >>> import numpy as np
        >>> neighbors(np.array([[0.0], [1.0], [3.0]]), k=2).distances
        array([[1., 3.],
               [1., 2.],
               [2., 3.]])
    """
    array = as_points(points)
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    if device not in ("auto", "cpu"):
        raise UsageError(f'device "{device}" was asked for; neighbours are computed on: auto, cpu.')
    found = find_duplicates(array, duplicates)
    return search_distinct(array, k, found, metric=metric)


def search_distinct(array: Points, k: int, found: Duplicates, *, metric: str = "euclidean") -> Neighbors:
    """The table of `array` whose equal rows are already known as `found`.

    Raises:
        InputError: one point, all points equal, or fewer than k + 1 points.
        UsageError: k is no whole number.
    """
    if found.n_rows == 1:
        raise InputError("1 point was given; a nearest neighbour needs at least 2.")
    if found.n_unique == 1:
        raise InputError(f"all {found.n_rows} points are equal: there is no nearest neighbour to measure.")
    rows = found.rows
    k = _allowed_k(k, found)
    kept = array if len(rows) == len(array) else array[rows]
    indices, distances = BACKENDS.load("blas")(kept, k, metric=metric)
    found = with_near_duplicates(found, kept, distances[:, 0])
    return Neighbors(indices, distances, found, metric, str(array.dtype), "blas")


def _allowed_k(k: int, found: Duplicates) -> int:
    try:
        k = int(index(k))
    except TypeError:
        raise UsageError(f"k={k!r} was asked for; the number of neighbours is a whole number.") from None
    n = len(found.rows)
    if not 1 <= k <= n - 1:
        n_merged = found.n_rows - n
        merged = f"distinct points were found ({n_merged} of {found.n_rows} rows repeat another)"
        points = merged if n_merged else "points were found"
        raise InputError(f"k={k} neighbours were asked for, {n} {points}; k may be 1 to {n - 1}.")
    return k


def as_neighbors(source: "Neighbors | ArrayLike", k: int) -> Neighbors:
    """The table itself, or the table of these points with k neighbours (more than n - 1 is an error, never cut silently)."""
    if isinstance(source, Neighbors):
        return source
    return neighbors(source, k)


def keep_nearest(table: Neighbors, k: int) -> Neighbors:
    """The same table with only the k nearest neighbours of each point."""
    table.require(k, "a smaller table")
    return replace(table, indices=table.indices[:, :k], distances=table.distances[:, :k], _validated=True)


__all__ = ["BACKENDS", "METRICS", "Duplicates", "Neighbors", "as_neighbors", "keep_nearest", "neighbors"]
