"""Retrieval: does a point find another one of its label among its k nearest neighbours?"""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from dimscope.arrays import FloatArray, label_codes
from dimscope.errors import InputError
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn import as_neighbors
from dimscope.knn.base import Neighbors
from dimscope.overlaps.base import FirstNeighbors, among, first_allowed
from dimscope.uncertainty import error_of_mean


class Retrieval:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "share of points with one of their label among the k nearest (recall at k); k=1: 1-NN accuracy"
    source: ClassVar[str] = "Jegou, Douze, Schmid 2011, doi:10.1109/TPAMI.2010.57 (recall at k)"


def retrieval_accuracy(
    source: Neighbors | ArrayLike, labels: ArrayLike, k: int = 1, *, exclude: ArrayLike | None = None
) -> Estimate:
    """Share of the points that find a point of their own label among their k nearest neighbours; from 0 to 1.

    With k=1 the accuracy of the nearest neighbour, leave-one-out; with more, recall at k. Points that no other point could
    match (the only ones of their label, or all others of it in their group) are not asked. Chance is exact for labels dealt at
    random: 1 - C(m - s, k) / C(m, k), with s matching points among m candidates, averaged over the asked points. The error
    allows for shared neighbours. Cost O(n k).

    Args:
        source: neighbour table or points.
        labels: one label per input row.
        k: neighbours read.
        exclude: one group per input row; neighbours of the same group are skipped and the next ones move up.

    Raises:
        InputError: another number of labels or groups than examples, or only one label.
        UsageError: the table holds fewer than k neighbours.

    Examples:
        >>> import numpy as np
        >>> points = np.r_[np.random.default_rng(0).random((40, 2)), 9 + np.random.default_rng(1).random((40, 2))]
        >>> retrieval_accuracy(points, ["a"] * 40 + ["b"] * 40).value
        1.0
    """
    table = as_neighbors(source, k)
    table.require(k, "retrieval")
    rows = table.duplicates.rows
    codes = label_codes(labels, "labels", table.duplicates.n_rows)[rows]
    if len(np.unique(codes)) < 2:
        raise InputError("all labels are equal; retrieval needs at least two different labels.")
    groups = np.arange(table.n) if exclude is None else label_codes(exclude, "groups", table.duplicates.n_rows)[rows]
    if exclude is None:
        near = FirstNeighbors(np.arange(table.n), table.indices[:, :k], 0)
    else:
        near = first_allowed(table.indices, groups[table.indices] != groups[:, None], k)
    matching, candidates = _pool(codes, groups)
    asked = matching[near.points] > 0
    points, lists = near.points[asked], near.neighbors[asked]
    dropped = table.n - len(points)
    if len(points) < 2:
        return no_estimate((1, k), len(points), Status.TOO_FEW, dropped)
    local = (codes[lists] == codes[points][:, None]).any(axis=1).astype(float)
    error = error_of_mean((local - local.mean()) / len(points), among(points, lists, table.n))
    chance = float(_chance(matching[points], candidates[points], k).mean())
    status = Status.SHORT_LISTS if near.n_dropped else Status.ALONE if dropped else Status.OK
    return Estimate(float(local.mean()), error, (1, k), len(points), dropped, status, chance=chance, local=local)


def _pool(codes: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per point: the points of its label outside its group, and all points outside its group."""
    _, pair, sizes = np.unique(np.stack([codes, groups]), axis=1, return_inverse=True, return_counts=True)
    matching = np.bincount(codes)[codes] - sizes[pair.ravel()]
    return matching, len(codes) - np.bincount(groups)[groups]


def _chance(matching: np.ndarray, candidates: np.ndarray, k: int) -> FloatArray:
    """1 - C(m - s, k) / C(m, k)."""
    others = candidates - matching
    rest, all_rest = np.maximum(others - k, 0), np.maximum(candidates - k, 0)
    log_miss = gammaln(others + 1) - gammaln(rest + 1) - gammaln(candidates + 1) + gammaln(all_rest + 1)
    return np.asarray(np.where(others >= k, 1 - np.exp(log_miss), 1.0))
