"""Saddle points between density peaks, and the merging of peaks that do not stand out of them."""

from typing import TypeAlias

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.knn.base import Neighbors

Saddles: TypeAlias = dict[tuple[int, int], int]
"""(smaller, larger cluster number) -> the point of the saddle between them."""


def find_saddles(table: Neighbors, assigned: IntArray, sizes: IntArray, rank: IntArray, n_clusters: int) -> Saddles:
    """The border point of largest g (smallest rank) for each pair of clusters that touch.

    A point i of cluster c is on the border to c' when its nearest point j of c' lies among its first `sizes[i]` neighbours
    and i is the first of c in the list of j.
    """
    saddles: Saddles = {}
    if n_clusters < 2:
        return saddles
    theirs = assigned[table.indices]
    within = np.arange(table.k) < sizes[:, None]
    foreign = within & (theirs != assigned[:, None])
    for point in np.flatnonzero(foreign.any(axis=1)):
        mine = int(assigned[point])
        columns = np.flatnonzero(foreign[point])
        clusters, where = np.unique(theirs[point, columns], return_index=True)
        for cluster, column in zip(clusters.tolist(), columns[where].tolist(), strict=True):
            if not _is_nearest(table, theirs, int(table.indices[point, column]), int(point), mine):
                continue
            pair = (min(mine, cluster), max(mine, cluster))
            if pair not in saddles or rank[point] < rank[saddles[pair]]:
                saddles[pair] = int(point)
    return saddles


def _is_nearest(table: Neighbors, theirs: IntArray, other: int, point: int, cluster: int) -> bool:
    """Whether `point` is the first of its cluster in the list of `other`."""
    members = theirs[other] == cluster
    return bool(members.any()) and int(table.indices[other, members.argmax()]) == point


def merge_peaks(
    peaks: IntArray, saddles: Saddles, log_density: FloatArray, error: FloatArray, rank: IntArray, z: float
) -> tuple[IntArray, Saddles]:
    """For each cluster the one it ends in, and the saddles that are left; peaks stand by falling g.

    The highest saddle whose density is not exceeded by either peak by z times the sum of their errors goes first; the
    cluster of the lower peak joins the other, and of two saddles with a third cluster the higher stays.
    """
    into = np.arange(len(peaks))
    open_saddles = dict(saddles)
    while True:
        weak = [pair for pair, point in open_saddles.items() if _is_weak(peaks, pair, point, log_density, error, z)]
        if not weak:
            return into, open_saddles
        keep, drop = min(weak, key=lambda pair: int(rank[open_saddles[pair]]))
        into[into == drop] = keep
        open_saddles = _redirected(open_saddles, keep, drop, rank)


def _is_weak(peaks: IntArray, pair: tuple[int, int], point: int, log_density: FloatArray, error: FloatArray, z: float) -> bool:
    return any(
        log_density[peaks[cluster]] - log_density[point] < z * (error[peaks[cluster]] + error[point]) for cluster in pair
    )


def _redirected(saddles: Saddles, keep: int, drop: int, rank: IntArray) -> Saddles:
    found: Saddles = {}
    for (one, other), point in saddles.items():
        first, second = (keep if one == drop else one), (keep if other == drop else other)
        if first == second:
            continue
        pair = (min(first, second), max(first, second))
        if pair not in found or rank[point] < rank[found[pair]]:
            found[pair] = point
    return found
