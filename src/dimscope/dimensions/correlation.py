"""The correlation dimension: how the number of pairs nearer than a radius grows with the radius."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import MIN_POINTS, verdict, why_none
from dimscope.errors import UsageError
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn.base import Neighbors
from dimscope.uncertainty import error_of_mean


@dataclass(frozen=True)
class Correlation:
    """d = log(C(R2) / C(R1)) / log(R2 / R1), with C(R) the share of pairs of points nearer than R.

    R1 and R2 are the medians over points of the distances to the `near`-th and `far`-th neighbour; equal to R does not count.
    C is a mean over pairs, so dense regions, which hold most pairs, decide: where the density varies the value is lower than
    that of estimators that adapt the radius to each point. The count is exact or not given: a table that ends before R2 for
    some point gives no estimate (`Status.LISTS_END`); from points, the table is widened until it suffices.

    Standard error: of the log of the ratio of counts, allowing for shared neighbours, over log(R2 / R1). Dimensionless,
    positive. Cost O(n k), with k as many neighbours as the densest point has within R2.

    Attributes:
        near: rank of the smaller radius, at least 1.
        far: rank of the larger radius, more than `near`.
    """

    near: int = 10
    far: int = 20

    summary: ClassVar[str] = "growth of the number of pairs between two radii, the medians of r_10 and r_20"
    source: ClassVar[str] = "Grassberger, Procaccia 1983, doi:10.1016/0167-2789(83)90298-1"

    def __post_init__(self) -> None:
        if not 1 <= self.near < self.far:
            raise UsageError(f"near={self.near}, far={self.far} were asked for; correlation needs 1 <= near < far.")

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "Correlation"]:
        """One column at the default ranks."""
        return {"correlation": cls()} if k >= cls.far else {}

    @property
    def min_k(self) -> int:
        """The farther rank; more neighbours are read where points have more of them within R2."""
        return self.far

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension between the two radii."""
        scale = (self.near, self.far)
        small, large = self._radii(neighbors)
        if neighbors.n < MIN_POINTS:
            return no_estimate(scale, neighbors.n, why_none(neighbors, 1))
        if neighbors.k < neighbors.n - 1 and (neighbors.distances[:, -1] < large).any():
            return no_estimate(scale, neighbors.n, Status.LISTS_END)
        inner, outer = self._counts(neighbors)
        value = self._value(inner, outer, small, large)
        if np.isnan(value):
            return no_estimate(scale, neighbors.n, verdict(neighbors, self.near, neighbors.n))
        within = np.where(neighbors.distances < large, neighbors.indices, -1)
        error = error_of_mean(outer / outer.sum() - inner / inner.sum(), within) / np.log(large / small)
        status = verdict(neighbors, 1, 0)
        return Estimate(value, float(error), scale, neighbors.n, 0, status, float((small + large) / 2))

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`, at the radii of all points."""
        radii, (inner, outer) = self._radii(neighbors), self._counts(neighbors)
        return np.array([self._value(inner[draw], outer[draw], *radii) for draw in draws])

    def _radii(self, neighbors: Neighbors) -> tuple[float, float]:
        neighbors.require(self.far, "correlation")
        middle = np.median(neighbors.distances[:, [self.near - 1, self.far - 1]], axis=0)
        return float(middle[0]), float(middle[1])

    def _counts(self, neighbors: Neighbors) -> tuple[IntArray, IntArray]:
        small, large = self._radii(neighbors)
        return (neighbors.distances < small).sum(axis=1), (neighbors.distances < large).sum(axis=1)

    def _value(self, inner: IntArray, outer: IntArray, small: float, large: float) -> float:
        if not 0 < small < large or inner.sum() == 0:
            return float("nan")
        return float(np.log(outer.sum() / inner.sum()) / np.log(large / small))
