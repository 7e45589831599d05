"""MADA: the dimension from the growth of the distance between rank k / 2 and rank k."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from scipy.integrate import quad
from scipy.stats import beta

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.pointwise import mean_of_points, replicate_mean
from dimscope.errors import UsageError
from dimscope.estimates import Estimate
from dimscope.knn.base import Neighbors


@dataclass(frozen=True)
class MADA:
    """Mean over points of log 2 / log(r_k / r_{k/2}).

    Error: of the mean over points, allowing for shared neighbours. Dimensionless, positive; its mean is pulled up by points
    whose two distances are nearly equal: under constant density (r_{k/2} / r_k)^d follows a Beta(k/2, k/2) law, and the mean is
    d E[log 2 / -log Beta(k/2, k/2)], 7.7 % above d for k = 20 and any d. `unbiased` divides by that factor. Cost O(n).

    Attributes:
        k: the farther rank, an even number of at least 2.
        unbiased: divide by the factor; needs k of at least 4, below which it is infinite.
    """

    k: int = 20
    unbiased: bool = False

    summary: ClassVar[str] = "growth of the distance from rank k/2 to rank k, averaged over points"
    source: ClassVar[str] = "Farahmand, Szepesvari, Audibert 2007, doi:10.1145/1273496.1273530"

    def __post_init__(self) -> None:
        if self.k < 2 or self.k % 2:
            raise UsageError(f"k={self.k} was asked for; mada compares rank k/2 with rank k: an even number >= 2.")
        if self.unbiased and self.k < 4:
            raise UsageError(f"k={self.k}, unbiased=True were asked for; the mean of mada is infinite below k=4.")

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "MADA"]:
        """One column at the default k."""
        return {"mada": cls()} if k >= cls.k else {}

    @property
    def min_k(self) -> int:
        """The farther rank."""
        return self.k

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension between the two ranks, with one value per point."""
        return mean_of_points(neighbors, self._local(neighbors), (self.k // 2, self.k))

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`."""
        return replicate_mean(self._local(neighbors), draws)

    def _local(self, neighbors: Neighbors) -> FloatArray:
        neighbors.require(self.k, "mada")
        near, far = neighbors.distances[:, self.k // 2 - 1], neighbors.distances[:, self.k - 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            local = np.log(2) / np.log(far / near) / (_mean_factor(self.k) if self.unbiased else 1.0)
        return np.where(near > 0, local, np.nan)


@cache
def _mean_factor(k: int) -> float:
    """E[log 2 / -log B] with B ~ Beta(k/2, k/2)."""
    half = k / 2
    return float(quad(lambda share: beta.pdf(share, half, half) * np.log(2) / -np.log(share), 0, 1)[0])
