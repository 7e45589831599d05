"""Gride: the dimension from the ratio of distances at ranks n and 2n, for larger scales without decimation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import ERRORS, MIN_POINTS, log_ratios, mean_radius, shared_inflation, verdict, why_none
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, no_estimate
from dimscope.knn.base import Neighbors

OUTLIER_SPREAD = 20.0
"""Ratios above q50 + 20 (q95 - q50) are left out, as both published implementations do (percentiles of mu)."""
CONVENTIONS = ("skdim", "dadapy")
SMALLEST = float(np.finfo(np.float64).eps)
"""DADApy takes distances below this for it, whatever the unit of the points."""
MAX_STEPS = 60
RELATIVE_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Gride:
    """Maximum likelihood of mu = r_2n / r_n, whose law depends on the dimension alone where the density is constant.

    With l_i = log mu_i and n1 = near (ranks / 2), n2 = ranks, the estimate is the root d of
    (N - 1) / d + (n2 - n1 - 1) sum l_i / (1 - exp(-d l_i)) - (n2 - 1) sum l_i = 0,
    over the N points left without outliers and, beyond rank 2, without ties (r_2n = r_n, which have no likelihood there).
    Standard error: inverse square root of the Fisher information N / d^2 + (n2 - n1 - 1) sum (l_i / (2 sinh(d l_i / 2)))^2
    for independent points, times the factor by which overlapping neighbourhoods inflate the error of the score
    (`base.shared_inflation`): on a periodic cube the scatter of 600 data sets of 500 points was 1.2 to 1.6 times the Fisher
    error (ranks 4 to 16, d = 1 to 8), and is 0.9 to 1.3 times the stated one.

    Dimensionless, positive. Cost O(n) per step of a safeguarded Newton iteration.

    Attributes:
        ranks: the farther rank n2, an even number of at least 2 where `near` is not given.
        errors: `neighbors`, or `independent` for the Fisher error alone, which other implementations state.
        near: the nearer rank n1, at least 1 and below `ranks`; 0 stands for ranks / 2.
        convention: None, `skdim` (ties are left out at ranks 1 and 2 too) or `dadapy` (distances of 0 become the machine
            epsilon; ties count as points, without a term l / (1 - exp(-d l)), whose denominator that code does not let fall
            below its tolerance; its Fisher error is over the outliers too). Both leave equal rows apart and state errors for
            independent points.

    Raises:
        UsageError: `ranks` is odd or smaller than 2, `near` is not below it, or unknown errors or convention.
    """

    ranks: int = 2
    errors: Literal["neighbors", "independent"] = "neighbors"
    near: int = 0
    convention: Literal["skdim", "dadapy"] | None = None

    summary: ClassVar[str] = "ratio of distances at ranks n and 2n; maximum likelihood"
    source: ClassVar[str] = "Denti, Doimo, Laio, Mira 2022, doi:10.1038/s41598-022-20991-1"

    def __post_init__(self) -> None:
        if self.near and not 1 <= self.near < self.ranks:
            raise UsageError(f"near={self.near}, ranks={self.ranks} were asked for; gride needs 1 <= near < ranks.")
        if not self.near and (self.ranks < 2 or self.ranks % 2):
            raise UsageError(f"ranks={self.ranks} was asked for; gride compares ranks/2 with ranks: an even number >= 2.")
        if self.errors not in ERRORS:
            raise unknown_name("kind of errors", self.errors, ERRORS)
        if self.convention is not None and self.convention not in CONVENTIONS:
            raise unknown_name("convention", self.convention, CONVENTIONS)

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "Gride"]:
        """One column for each power of two up to k."""
        return {f"gride_{2**j}": cls(2**j) for j in range(1, k.bit_length()) if 2**j <= k}

    @property
    def min_k(self) -> int:
        """The farther rank."""
        return self.ranks

    @property
    def nearer(self) -> int:
        """The nearer rank."""
        return self.near or self.ranks // 2

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension at the scale between the two ranks."""
        near, far = self.nearer, self.ranks
        if self.convention == "dadapy":
            return _as_dadapy(neighbors, near, far)
        ratios, dropped = log_ratios(neighbors, near, far)
        if len(ratios) < MIN_POINTS:
            return no_estimate((near, far), len(ratios), why_none(neighbors, near), dropped)
        dropped += int((ratios == 0).sum()) if self._drops_ties else 0
        ratios = self._readable(ratios)
        if len(ratios) < MIN_POINTS:
            return no_estimate((near, far), len(ratios), verdict(neighbors, near, neighbors.n), dropped)
        value = _root(ratios, near, far)
        error = _fisher_error(ratios, near, far, value)
        if self.errors == "neighbors" and self.convention is None:
            error *= _inflation(neighbors, near, far, value, ratios.max())
        status = verdict(neighbors, near, dropped)
        return Estimate(value, error, (near, far), len(ratios), dropped, status, mean_radius(neighbors, near, far))

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`; a replicate without spread is NaN."""
        near, far = self.nearer, self.ranks
        if self.convention == "dadapy":
            ratios = _floored_ratios(neighbors, near, far)
            drawn = (_without_outliers(ratios[draw]) for draw in draws)
            return np.array([_root(chosen, near, far) if chosen.any() else np.nan for chosen in drawn])
        inner, outer = neighbors.at_rank(near), neighbors.at_rank(far)
        usable = inner > 0
        ratios = np.log(np.where(usable, outer, 1.0) / np.where(usable, inner, 1.0))
        drawn = (self._readable(ratios[draw][usable[draw]]) for draw in draws)
        return np.array([_root(chosen, near, far) if len(chosen) > 1 else np.nan for chosen in drawn])

    @property
    def _drops_ties(self) -> bool:
        return self.ranks - self.nearer > 1 or self.convention is not None

    def _readable(self, ratios: FloatArray) -> FloatArray:
        """The log ratios that the likelihood can read: no outliers; no ties beyond rank 2, and none where all are ties."""
        kept = _without_outliers(ratios)
        return kept[kept > 0] if self._drops_ties or not kept.any() else kept


def _as_dadapy(neighbors: Neighbors, near: int, far: int) -> Estimate:
    """The value and the error of that code. Its error of tied points hangs on rounding (0.1 %); here it is the limit."""
    ratios = _floored_ratios(neighbors, near, far)
    kept = _without_outliers(ratios)
    if len(kept) < MIN_POINTS or not kept.any():
        return no_estimate((near, far), len(kept), why_none(neighbors, near), len(ratios) - len(kept))
    value = _root(kept, near, far)
    error = _fisher_error(ratios, near, far, value)
    dropped = len(ratios) - len(kept)
    return Estimate(
        value, error, (near, far), len(kept), dropped, verdict(neighbors, near, dropped), mean_radius(neighbors, near, far)
    )


def _floored_ratios(neighbors: Neighbors, near: int, far: int) -> FloatArray:
    inner, outer = (np.maximum(neighbors.at_rank(rank), SMALLEST) for rank in (near, far))
    return np.asarray(np.log(outer / inner))


def _without_outliers(ratios: FloatArray) -> FloatArray:
    if len(ratios) == 0:
        return ratios
    mu = np.exp(ratios)
    middle, high = np.percentile(mu, [50, 95])
    return ratios[mu < middle + OUTLIER_SPREAD * (high - middle)] if high > middle else ratios


def _root(ratios: FloatArray, near: int, far: int) -> float:
    """The root by Newton steps kept inside a bracket; the left side falls monotonically in d. Ties count, but have no term."""
    n, total, extra = len(ratios), float(ratios.sum()), far - near - 1
    ratios = ratios[ratios > 0]
    if extra == 0:
        return (n - 1) / ((far - 1) * total)
    low, high = 0.0, np.inf
    value = (n - 1) / total
    for _ in range(MAX_STEPS):
        decay = -np.expm1(-value * ratios)
        slope = -(n - 1) / value**2 - extra * float((ratios**2 * (1 - decay) / decay**2).sum())
        excess = (n - 1) / value + extra * float((ratios / decay).sum()) - (far - 1) * total
        low, high = (value, high) if excess > 0 else (low, value)
        step = value - excess / slope
        if not low < step < high:
            step = 2 * value if np.isinf(high) else (low + high) / 2
        if abs(step - value) <= RELATIVE_TOLERANCE * value:
            return float(step)
        value = step
    return float(value)


def _inflation(neighbors: Neighbors, near: int, far: int, value: float, largest: float) -> float:
    """From the scores 1 / d + (n2 - n1 - 1) l / (1 - exp(-d l)) - (n2 - 1) l of the points whose ratios were read."""
    inner, outer = neighbors.at_rank(near), neighbors.at_rank(far)
    usable = inner > 0
    ratios = np.log(np.where(usable, outer, 1.0) / np.where(usable, inner, 1.0))
    used = usable & (ratios <= largest) & ((ratios > 0) if far - near > 1 else True)
    scores = 1 / value - (far - 1) * ratios
    if far - near > 1:
        scores += (far - near - 1) * ratios / -np.expm1(-value * np.where(used, ratios, 1.0))
    return shared_inflation(scores, used, neighbors, far)


def _fisher_error(ratios: FloatArray, near: int, far: int, value: float) -> float:
    if far - near == 1:
        return float(len(ratios) ** -0.5 * value)
    untied = ratios[ratios > 0]
    terms = ((untied / (2 * np.sinh(value * untied / 2))) ** 2).sum() + (len(ratios) - len(untied)) / value**2
    curvature = (far - near - 1) * terms
    return float((len(ratios) / value**2 + curvature) ** -0.5)
