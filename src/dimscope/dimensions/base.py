"""What an estimator must offer, and the ratios that they share."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import UnionType
from typing import Any, ClassVar, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from dimscope.arrays import FloatArray, IntArray, real_number, whole_number
from dimscope.errors import UsageError
from dimscope.estimates import Estimate, Status
from dimscope.knn.base import Neighbors
from dimscope.uncertainty import error_from_sample, error_of_mean

ERRORS = ("neighbors", "independent")
"""Whether a standard error allows for neighbours that read the same distances."""
READ_TWICE = float(np.sqrt(2))
"""A distance that each of two points reads counts twice, which doubles the variance of a sum over points. On periodic boxes
(n = 1000, d = 1, 2, 4, k = 3 to 80, 200 data sets each) the scatter of MLE was 1.20 to 1.47 times the error for independent
points, that of the binomial estimate 1.13 to 1.53 times."""
MIN_POINTS = 10
"""Fewer ratios than this give an error bar of more than a third of the value; no estimate is returned."""


class Estimator(Protocol):
    """An intrinsic-dimension estimator: a frozen dataclass whose fields are its options."""

    summary: ClassVar[str]
    """One line: what it reads and assumes."""
    source: ClassVar[str]
    """Authors, year, DOI."""

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "Estimator"]:
        """Every column that this estimator fills from a table of k neighbours, the finest scale first."""
        ...

    @property
    def min_k(self) -> int:
        """Neighbours per point that the estimator reads."""
        ...

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension of the points behind the table."""
        ...

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """The estimate for each draw, shape (replicates,); a draw is an array of table rows, taken with replacement."""
        ...


def as_declared(kind: type[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a dataclass, whole numbers where its fields are `int` and numbers where they are `float`.

    Raises:
        UsageError: an option is of another kind.
    """
    declared = {
        field.name: get_args(field.type) if isinstance(field.type, UnionType) else (field.type,) for field in fields(kind)
    }
    found = dict(options)
    for name, value in options.items():
        kinds = declared.get(name, ())
        if value is None and type(None) in kinds:
            continue
        if int in kinds:
            found[name] = whole_number(value, name)
        elif float in kinds:
            found[name] = real_number(value, name)
    return found


def log_ratios(neighbors: Neighbors, near: int, far: int) -> tuple[FloatArray, int]:
    """log(r_far / r_near) of the points with r_near > 0, in the order of the table, and how many had r_near = 0."""
    if far not in neighbors.ranks:
        neighbors.require(far, f"a ratio of ranks {near} and {far}")
    inner, outer = neighbors.at_rank(near), neighbors.at_rank(far)
    usable = inner > 0
    return np.log(outer[usable] / inner[usable]), int((~usable).sum())


def shared_inflation(scores: FloatArray, used: NDArray[np.bool_], neighbors: Neighbors, rank: int) -> float:
    """How many times the error for independent points the error is, at least 1.

    Points that are neighbours read the same distances, so their scores (derivatives of their log likelihoods) agree. The
    factor is the standard error of the sum of scores that allows for this (`uncertainty.error_of_mean`, neighbours up to the
    farther rank) over the one that does not.

    Args:
        scores: shape (n,), one per table row; anything where not used.
        used: shape (n,): the points that entered.
        neighbors: the table.
        rank: the farther rank that was read.

    Raises:
        UsageError: neither the table nor its sample reaches that rank.
    """
    deviations = np.where(used, scores - scores[used].mean(), 0.0)
    alone = float(np.sqrt(deviations @ deviations))
    if alone == 0:
        return 1.0
    if rank <= neighbors.k:
        return error_of_mean(deviations, neighbors.indices[:, :rank]) / alone
    sample = neighbors.sample
    if sample is None or sample.indices.shape[1] < rank:
        raise UsageError(
            f"the error at rank {rank} needs neighbours up to that rank, the table holds {neighbors.k}. "
            f'Compute it with ranks=({rank // 2}, {rank}), or ask for errors="independent".'
        )
    indices = sample.indices[:, :rank]
    is_mutual = sample.distances[:, :rank] <= neighbors.at_rank(rank)[indices]
    return error_from_sample(deviations, sample.rows, indices, is_mutual) / alone


def error_of_pairs(deviations: FloatArray, indices: IntArray) -> float:
    """`error_of_mean` of statistics of neighbour distances: not below that of independent points times sqrt(2)."""
    return max(error_of_mean(deviations, indices), READ_TWICE * float(np.sqrt(deviations @ deviations)))


def verdict(neighbors: Neighbors, near: int, dropped: int) -> Status:
    """What limits an estimate that reads distances from rank `near` outwards and could not use `dropped` of the points."""
    if (neighbors.at_rank(near) == 0).any():
        return Status.ZERO_DISTANCES
    return Status.NO_SPREAD if dropped else Status.OK


def why_none(neighbors: Neighbors, near: int, share: float = 1.0) -> Status:
    """Why fewer than `MIN_POINTS` values were left, where the share that is read of all points has a value."""
    return Status.TOO_FEW if int(neighbors.n * share) < MIN_POINTS else verdict(neighbors, near, neighbors.n)


def mean_radius(neighbors: Neighbors, near: int, far: int) -> float:
    """Mean of the distances at both ranks over all points."""
    return float((neighbors.at_rank(near).mean() + neighbors.at_rank(far).mean()) / 2)


def with_lengths(table: Neighbors) -> Neighbors:
    """The table with distances that estimators can read: Euclidean ones, or the chords sqrt(2 (1 - cos)) of the unit sphere.

    Raises:
        UsageError: a table of inner products, which are no distances.
    """
    if table.metric == "inner_product":
        raise UsageError('a table of metric "inner_product" holds no distances; dimensions are read from euclidean or cosine.')
    if table.metric != "cosine":
        return table
    ranks = {rank: np.sqrt(2 * far) for rank, far in table.ranks.items()}
    sample = replace(table.sample, distances=np.sqrt(2 * table.sample.distances)) if table.sample else None
    chords = np.sqrt(2 * table.distances)
    return replace(table, distances=chords, metric="euclidean", ranks=ranks, sample=sample, _validated=True)
