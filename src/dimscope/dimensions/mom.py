"""MOM: the dimension from the mean distance to the k nearest neighbours, by the method of moments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.pointwise import mean_of_points, replicate_mean
from dimscope.errors import UsageError
from dimscope.estimates import Estimate
from dimscope.knn.base import Neighbors


@dataclass(frozen=True)
class MOM:
    """Mean over points of r / (r_k - r), with r the mean of the k nearest distances of the point.

    Under constant density the mean distance inside the ball of radius r_k is r_k d / (d + 1). Biased high: the k-th distance is
    itself in the mean, which alone gives (k d + 1) / (k - 1), and the mean of a ratio exceeds the ratio of means. Error: of
    the mean over points, allowing for shared neighbours. Dimensionless, positive. Cost O(n k).

    Attributes:
        k: neighbours read, at least 2.
    """

    k: int = 100

    summary: ClassVar[str] = "mean of the k nearest distances against the farthest of them"
    source: ClassVar[str] = "Amsaleg et al. 2018, doi:10.1007/s10618-018-0578-6"

    def __post_init__(self) -> None:
        if self.k < 2:
            raise UsageError(f"k={self.k} was asked for; mom needs at least 2 neighbours.")

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "MOM"]:
        """One column at the default k."""
        return {"mom": cls()} if k >= cls.k else {}

    @property
    def min_k(self) -> int:
        """The neighbours read."""
        return self.k

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension at the scale of k neighbours, with one value per point."""
        return mean_of_points(neighbors, self._local(neighbors), (1, self.k))

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`."""
        return replicate_mean(self._local(neighbors), draws)

    def _local(self, neighbors: Neighbors) -> FloatArray:
        neighbors.require(self.k, "mom")
        outer = neighbors.distances[:, self.k - 1]
        gap = (outer[:, None] - neighbors.distances[:, : self.k]).mean(axis=1)  # exactly 0 where all distances are equal
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((outer - gap) / gap)
