"""ABIDE: the binomial estimator, each point with the largest neighbourhood whose density is constant."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.stats import chi2

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import MIN_POINTS, error_of_pairs, verdict, why_none
from dimscope.errors import UsageError
from dimscope.estimates import Estimate, no_estimate
from dimscope.knn.base import Neighbors

FIRST_TESTED = 3
"""The smallest neighbourhood; it is taken as constant without a test."""
BEST_SHARE = 0.2032
"""Inner share ratio^d with the smallest variance of the binomial estimate: the root of log p = 2 (p - 1)."""
RELATIVE_TOLERANCE = 1e-12
CEILING = 1e6
"""No dimension above this is looked for: distances that differ by less than one part in a million are ties."""


class _Fit(NamedTuple):
    """The dimension, and k* and the number of inner neighbours of each point (0 where r1 = 0)."""

    value: float
    sizes: IntArray
    inside: IntArray


@dataclass(frozen=True)
class Abide:
    """The dimension between r_k* and ratio r_k*, with k* chosen per point and consistent with the dimension itself.

    k* of point i is the largest k for which none of the likelihood-ratio tests at 3, ..., k finds that the density around i
    differs from that around its (k + 1)-th neighbour j,
    D_k = 4 k log cosh(d log(r_{i,k} / r_{j,k}) / 2) < the 1 - alpha quantile of chi^2 with one degree of freedom
    [Rodriguez et al. 2018, doi:10.1021/acs.jctc.7b00916]. The binomial estimate over these neighbourhoods is
    log(sum m_i / sum (k*_i - 1)) / log(ratio), with m_i the neighbours of i within ratio r_{k*_i} and ratio = 0.2032^(1/d),
    the choice with the smallest variance. Both depend on d: the value is the d that they give back, where the share
    sum m_i / sum (k*_i - 1) crosses 0.2032. It is found by bisection from the likelihood value of TwoNN.

    Standard error: of the share sum m_i / sum (k*_i - 1), allowing for shared neighbours, over share |log ratio|, but not
    below the Fisher error sqrt((1 / share - 1) / sum (k*_i - 1)) / |log ratio| for independent points. `scale` is (3,
    median k*); `local` holds one likelihood value per point over its k* neighbours, (k* - 2) / sum log(r_k* / r_j).
    Where many k* reach `k` the neighbourhood is cut by the table and not by the test. Dimensionless, positive. Cost O(n k) per
    step.

    Attributes:
        k: the largest neighbourhood, at least 5.
        alpha: level of each test, in (0, 1).
    """

    k: int = 100
    alpha: float = 0.01

    summary: ClassVar[str] = "binomial estimate over the largest neighbourhoods of constant density"
    source: ClassVar[str] = "Di Noia, Macocco, Glielmo, Laio, Mira 2024, arXiv 2405.15132"

    def __post_init__(self) -> None:
        if self.k < FIRST_TESTED + 2:
            raise UsageError(f"k={self.k} was asked for; abide needs at least {FIRST_TESTED + 2} neighbours.")
        if not 0 < self.alpha < 1:
            raise UsageError(f"alpha={self.alpha} was asked for; a test level lies between 0 and 1.")

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "Abide"]:
        """One column with all neighbours up to the default k."""
        return {"abide": cls(min(k, cls.k))} if k >= 20 else {}

    @property
    def min_k(self) -> int:
        """The largest neighbourhood."""
        return self.k

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension at the scale that the density allows."""
        neighbors.require(self.k, "abide")
        usable = neighbors.distances[:, 0] > 0
        scale, used = (FIRST_TESTED, self.k), int(usable.sum())
        dropped = neighbors.n - used
        if used < MIN_POINTS:
            return no_estimate(scale, used, why_none(neighbors, 1), dropped)
        found = self._fit(neighbors)
        if not np.isfinite(found.value):
            return no_estimate(scale, used, verdict(neighbors, 1, neighbors.n), dropped)
        scale = (FIRST_TESTED, int(np.median(found.sizes[usable])))
        radius = float(neighbors.distances[np.arange(neighbors.n), found.sizes - 1].mean())
        local = _local(neighbors, found.sizes)
        status = verdict(neighbors, 1, dropped)
        return Estimate(found.value, _error(neighbors, found), scale, used, dropped, status, radius, local=local)

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`, with the neighbourhoods found for all points."""
        neighbors.require(self.k, "abide")
        found = self._fit(neighbors)
        outside = np.where(neighbors.distances[:, 0] > 0, found.sizes - 1, 0)
        shares = np.array([found.inside[draw].sum() / max(outside[draw].sum(), 1) for draw in draws])
        with np.errstate(divide="ignore"):
            values = found.value * np.log(shares) / np.log(BEST_SHARE)
        return np.where((shares > 0) & (shares < 1), values, np.nan)

    def _fit(self, neighbors: Neighbors) -> _Fit:
        distances = neighbors.distances[:, : self.k]
        usable = distances[:, 0] > 0
        if not usable.any():
            none = np.zeros(neighbors.n, dtype=np.int64)
            return _Fit(float("nan"), none, none)
        contrasts = _contrasts(neighbors, distances, float(chi2.isf(self.alpha, 1)))

        def read(value: float) -> _Fit:
            sizes = _sizes(contrasts, value)
            reach = BEST_SHARE ** (1 / value) * distances[np.arange(len(distances)), sizes - 1]
            return _Fit(value, sizes, np.where(usable, (distances <= reach[:, None]).sum(axis=1), 0))

        def excess(value: float) -> float:
            found = read(value)
            return float(found.inside.sum() - BEST_SHARE * (found.sizes - 1)[usable].sum())

        return read(_crossing(excess, _start(distances[usable])))


def constant_density_sizes(neighbors: Neighbors, value: float, alpha: float) -> IntArray:
    """Shape (n,): k* of each point at a given dimension, from 3 to k - 1 of the table."""
    neighbors.require(FIRST_TESTED + 2, "neighbourhoods of constant density")
    return _sizes(_contrasts(neighbors, neighbors.distances, float(chi2.isf(alpha, 1))), value)


def _sizes(contrasts: FloatArray, value: float) -> IntArray:
    return np.asarray(FIRST_TESTED + np.maximum((contrasts * value < 1).sum(axis=1) - 1, 0))


def _start(distances: FloatArray) -> float:
    total = float(np.log(distances[:, 1] / distances[:, 0]).sum())
    return len(distances) / total if total > 0 else 1.0


def _crossing(excess: Callable[[float], float], start: float) -> float:
    """A dimension at which the inner share crosses `BEST_SHARE` from below; NaN above the ceiling."""
    low = high = start
    while excess(low) >= 0:
        low /= 2
    while excess(high) < 0:
        if high > CEILING:
            return float("nan")
        high *= 2
    while high - low > RELATIVE_TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if excess(middle) >= 0 else (middle, high)
    return high


def _contrasts(neighbors: Neighbors, distances: FloatArray, limit: float) -> FloatArray:
    """Shape (n, k - 3): the inverse of the dimension from which the test at some rank 3, ..., k - 1 rejects.

    D_k >= limit means d |log(r_{i,k} / r_{j,k})| >= 2 arccosh(exp(limit / (4 k))); the running maximum over the ranks turns
    "no test rejected up to here" into one comparison.
    """
    ranks = np.arange(FIRST_TESTED, distances.shape[1])
    theirs = distances[neighbors.indices[:, ranks], ranks - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        differences = np.abs(np.log(distances[:, ranks - 1] / theirs))
    known = np.where(np.isfinite(differences), differences, 0.0)
    return np.maximum.accumulate(known / (2 * np.arccosh(np.exp(limit / (4 * ranks)))), axis=1)


def _error(neighbors: Neighbors, found: _Fit) -> float:
    outside = np.where(neighbors.distances[:, 0] > 0, found.sizes - 1, 0)
    share = found.inside.sum() / outside.sum()
    deviations = (found.inside - share * outside) / outside.sum()
    width = int(found.sizes.max())
    within = np.where(np.arange(width) < found.sizes[:, None], neighbors.indices[:, :width], -1)
    shared = error_of_pairs(deviations, within) / share
    fisher = np.sqrt((1 / share - 1) / outside.sum())
    return float(max(shared, fisher) * found.value / -np.log(BEST_SHARE))


def _local(neighbors: Neighbors, sizes: IntArray) -> FloatArray:
    width = int(sizes.max())
    outer = neighbors.distances[np.arange(neighbors.n), sizes - 1]
    inner = np.arange(width) < (sizes - 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(inner, np.log(outer[:, None] / neighbors.distances[:, :width]), 0.0).sum(axis=1)
        values = (sizes - 2) / logs
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)
