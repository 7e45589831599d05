"""What an estimator must offer, and the ratios that they share."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.estimates import Estimate, Status
from dimscope.knn.base import Neighbors

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


def log_ratios(neighbors: Neighbors, near: int, far: int) -> tuple[FloatArray, int]:
    """log(r_far / r_near) of the points with r_near > 0, in the order of the table, and how many had r_near = 0."""
    neighbors.require(far, f"a ratio of ranks {near} and {far}")
    inner, outer = neighbors.distances[:, near - 1], neighbors.distances[:, far - 1]
    usable = inner > 0
    return np.log(outer[usable] / inner[usable]), int((~usable).sum())


def verdict(neighbors: Neighbors, near: int, dropped: int) -> Status:
    """What limits an estimate that reads distances from rank `near` outwards and could not use `dropped` of the points."""
    if (neighbors.distances[:, near - 1] == 0).any():
        return Status.ZERO_DISTANCES
    return Status.NO_SPREAD if dropped else Status.OK


def why_none(neighbors: Neighbors, near: int, share: float = 1.0) -> Status:
    """Why fewer than `MIN_POINTS` values were left, where the share that is read of all points has a value."""
    return Status.TOO_FEW if int(neighbors.n * share) < MIN_POINTS else verdict(neighbors, near, neighbors.n)


def mean_radius(neighbors: Neighbors, near: int, far: int) -> float:
    """Mean of the distances at both ranks over all points."""
    return float(neighbors.distances[:, [near - 1, far - 1]].mean())
