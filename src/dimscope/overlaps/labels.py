"""Overlap of neighbourhoods with labels, and the vote of the neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from dimscope.arrays import FloatArray, IntArray, as_points, label_codes
from dimscope.errors import InputError
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn import as_neighbors, search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.knn.graph import neighbor_graph
from dimscope.overlaps.base import FirstNeighbors, among, first_allowed
from dimscope.overlaps.null import PermutationNull, permuted_labels
from dimscope.uncertainty import errors_of_means

VOTE_ENTRIES = 4_000_000
"""Entries of one block of votes, points times classes (32 MB)."""


class LabelOverlap:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "mean fraction of the k neighbours with the point's own label; plain or mean of class means"
    source: ClassVar[str] = "Doimo, Glielmo, Ansuini, Laio 2020, arXiv 2007.03506"


class KnnAccuracy:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "share of points whose label wins the vote of its k neighbours, itself left out"
    source: ClassVar[str] = "Cover, Hart 1967, doi:10.1109/TIT.1967.1053964"


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Label codes of the table's points and the k neighbours that are allowed to count."""

    codes: IntArray
    near: FirstNeighbors
    n_classes: int
    chance: FloatArray

    @property
    def own(self) -> IntArray:
        return self.codes[self.near.points]

    @cached_property
    def graph(self) -> csr_array:
        return neighbor_graph(among(self.near.points, self.near.neighbors, len(self.codes)))


def label_overlap(
    source: Neighbors | ArrayLike,
    labels: ArrayLike,
    k: int = 30,
    *,
    balanced: bool = False,
    exclude: ArrayLike | None = None,
) -> Estimate:
    """Mean fraction of the k nearest neighbours that carry the point's own label.

    Plain: the mean over points. Balanced: the mean over classes of the mean within the class, so that a large class does
    not decide. From 0 to 1. Chance is exact for labels dealt at random: (n_c - 1) / (n - 1) for a point of class c,
    averaged in the same way. The standard error allows for the correlation between neighbours (`uncertainty.error_of_mean`).

    Args:
        source: neighbour table or points.
        labels: one label per input row; of merged rows the representative's counts.
        k: neighbours compared.
        balanced: average over classes instead of points.
        exclude: one group per input row; neighbours of the same group are skipped and the next ones move up (for example
            proteins of the same family when the label is the superfamily).

    Raises:
        InputError: the number of labels or groups differs from the number of examples, or there is only one label.
        UsageError: the table holds fewer than k neighbours.

    Examples:
        >>> import numpy as np
        >>> points = np.r_[np.random.default_rng(0).random((40, 2)), 9 + np.random.default_rng(1).random((40, 2))]
        >>> label_overlap(points, ["a"] * 40 + ["b"] * 40, k=5).value
        1.0
    """
    return _overlap(_labelled(_table(source, k, exclude), labels, k, exclude), k, balanced)


def label_measures(
    table: Neighbors, labels: ArrayLike, k: int = 30, *, exclude: ArrayLike | None = None
) -> Mapping[str, Estimate]:
    """`label_overlap`, the same balanced, and `knn_accuracy` of one table, by the names of their columns.

    The same values as the three functions, with the labels coded and the graph of neighbours built once.

    Raises:
        InputError, UsageError: as `label_overlap`.
    """
    found = _labelled(table, labels, k, exclude)
    return {
        "label_overlap": _overlap(found, k, balanced=False),
        "label_overlap_balanced": _overlap(found, k, balanced=True),
        "knn_accuracy": _accuracy(found, k),
    }


def _overlap(found: _Labelled, k: int, balanced: bool) -> Estimate:
    if len(found.near.points) < 2:
        return no_estimate((k, k), len(found.near.points), Status.TOO_FEW, found.near.n_dropped)
    local = (found.codes[found.near.neighbors] == found.own[:, None]).mean(axis=1)
    value, error = _mean(local, found, balanced)
    chance, _ = _mean(found.chance, found, balanced)
    status = Status.SHORT_LISTS if found.near.n_dropped else Status.OK
    return Estimate(value, error, (k, k), len(local), found.near.n_dropped, status, chance=chance, local=local)


def knn_accuracy(
    source: Neighbors | ArrayLike, labels: ArrayLike, k: int = 30, *, exclude: ArrayLike | None = None
) -> Estimate:
    """Share of the points whose label has most votes among the k nearest neighbours; from 0 to 1.

    A tie goes to the tied label whose member is nearest. The standard error allows for the correlation between
    neighbours. Chance: the share of the largest class, which the best constant answer reaches.

    Raises:
        InputError, UsageError: as `label_overlap`.
    """
    return _accuracy(_labelled(_table(source, k, exclude), labels, k, exclude), k)


def _accuracy(found: _Labelled, k: int) -> Estimate:
    n_used = len(found.near.points)
    if n_used < 2:
        return no_estimate((k, k), n_used, Status.TOO_FEW, found.near.n_dropped)
    correct = (_vote(found.codes[found.near.neighbors], found.n_classes) == found.own).astype(float)
    value, error = _mean(correct, found, balanced=False)
    chance = float(np.bincount(found.codes).max() / len(found.codes))
    status = Status.SHORT_LISTS if found.near.n_dropped else Status.OK
    return Estimate(value, error, (k, k), n_used, found.near.n_dropped, status, chance=chance, local=correct)


def permuted_label_overlap(
    table: Neighbors, labels: ArrayLike, k: int = 30, *, exclude: ArrayLike | None = None, repeats: int = 100, seed: int = 0
) -> PermutationNull:
    """What `label_overlap` (plain) gives when the labels are dealt anew to the distinct points; mean and spread of that.

    The mean is the chance level that `label_overlap` states in closed form (without `exclude`), the spread has none: points
    share neighbours. Cost O(repeats n k).

    Raises:
        InputError, UsageError: as `label_overlap`; also fewer than 2 repeats.
    """
    found = _labelled(table, labels, k, exclude)

    def value(codes: ArrayLike) -> float:
        dealt = np.asarray(codes)
        return float((dealt[found.near.neighbors] == dealt[found.near.points][:, None]).mean())

    return permuted_labels(value, found.codes, repeats=repeats, seed=seed)


def label_conflicts(table: Neighbors, labels: ArrayLike) -> int:
    """Input rows that were merged with an earlier row although their label differs."""
    codes = label_codes(labels, "labels", table.duplicates.n_rows)
    return int((codes != codes[table.duplicates.representative]).sum())


def _labelled(table: Neighbors, labels: ArrayLike, k: int, exclude: ArrayLike | None) -> _Labelled:
    table.require(k, "label overlap")
    codes = label_codes(labels, "labels", table.duplicates.n_rows)[table.duplicates.rows]
    counts = np.bincount(codes)
    if (counts > 0).sum() < 2:
        raise InputError("all labels are equal; a label overlap needs at least two different labels.")
    same, n_others = counts[codes] - 1, np.full(table.n, table.n - 1)
    if exclude is None:
        near = FirstNeighbors(np.arange(table.n), table.indices[:, :k], 0)
    else:
        groups = label_codes(exclude, "groups", table.duplicates.n_rows)[table.duplicates.rows]
        near = first_allowed(table.indices, groups[table.indices] != groups[:, None], k)
        _, pair, sizes = np.unique(np.stack([codes, groups]), axis=1, return_inverse=True, return_counts=True)
        same = counts[codes] - sizes[pair.ravel()]
        n_others = table.n - np.bincount(groups)[groups]
    chance = same / np.maximum(n_others, 1)
    return _Labelled(codes, near, len(counts), chance[near.points])


def _table(source: Neighbors | ArrayLike, k: int, exclude: ArrayLike | None) -> Neighbors:
    """The table itself, or one of the points with enough neighbours that k of them are left outside each group."""
    if isinstance(source, Neighbors) or exclude is None:
        return as_neighbors(source, k)
    points = as_points(source)
    found = find_duplicates(points)
    groups = np.bincount(label_codes(exclude, "groups", len(points))[found.rows])
    return search_distinct(points, max(k, min(k + int(groups.max()) - 1, found.n_unique - 1)), found)


def _mean(local: FloatArray, found: _Labelled, balanced: bool) -> tuple[float, float]:
    """Mean over points or over class means, with the error that allows for correlated neighbours."""
    codes = found.own
    counts = np.bincount(codes)
    weights = 1 / (counts[codes] * (counts > 0).sum()) if balanced else np.full(len(codes), 1 / len(codes))
    value = float(weights @ local)
    centre = (np.bincount(codes, local) / np.maximum(counts, 1))[codes] if balanced else value
    return value, float(errors_of_means((weights * (local - centre))[:, None], found.graph)[0])


def _vote(neighbor_codes: IntArray, n_classes: int) -> IntArray:
    n = len(neighbor_codes)
    winners = np.empty(n, dtype=np.int64)
    step = max(1, VOTE_ENTRIES // n_classes)
    for start in range(0, n, step):
        block = neighbor_codes[start : start + step]
        flat = block + np.arange(len(block))[:, None] * n_classes
        votes = np.bincount(flat.ravel(), minlength=len(block) * n_classes).reshape(len(block), n_classes)
        is_top = np.take_along_axis(votes, block, axis=1) == votes.max(axis=1, keepdims=True)
        winners[start : start + step] = block[np.arange(len(block)), is_top.argmax(axis=1)]
    return winners
