"""MLE: the dimension from the distances to the k nearest neighbours of each point."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import MIN_POINTS, error_of_pairs, verdict, why_none
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, no_estimate
from dimscope.knn.base import Neighbors
from dimscope.uncertainty import error_of_mean

COMBINATIONS = ("harmonic", "mean", "median")


@dataclass(frozen=True)
class MLE:
    """Maximum likelihood per point, combined over points.

    With the k nearest distances of a point, m_i = (k - 1) / sum_{j < k} log(r_k / r_j); the unbiased form has k - 2 in place
    of k - 1. `harmonic` is 1 / mean(1 / m_i), the likelihood of all points together [MacKay, Ghahramani 2005]; `mean` and
    `median` are those of the m_i [Levina, Bickel 2004].

    Standard error: of `harmonic`, m^2 times that of mean(1 / m_i), allowing for shared neighbours; of `mean`, that of
    mean(m_i); of `median`, that of the mean times sqrt(pi / 2), its ratio for a normal law. Dimensionless, positive. Reads a
    larger scale than TwoNN: biased low where the density varies over k neighbours. Cost O(n k).

    Attributes:
        k: neighbours read, at least 3.
        combine: `harmonic`, `mean` or `median`.
        unbiased: use k - 2.
    """

    k: int = 20
    combine: str = "harmonic"
    unbiased: bool = False

    summary: ClassVar[str] = "likelihood of the k nearest distances; harmonic mean over points"
    source: ClassVar[str] = "Levina, Bickel 2004, NeurIPS 17; MacKay, Ghahramani 2005, comment on it"

    def __post_init__(self) -> None:
        if self.combine not in COMBINATIONS:
            raise unknown_name("combination of mle", self.combine, COMBINATIONS)
        if self.k < 3:
            raise UsageError(f"k={self.k} was asked for; mle needs at least 3 neighbours.")

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "MLE"]:
        """One column at the default k."""
        return {"mle": cls()} if k >= cls.k else {}

    @property
    def min_k(self) -> int:
        """The neighbours read."""
        return self.k

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension at the scale of k neighbours, with one value per point in `local` (NaN where r1 = 0 or r1 = r_k)."""
        inverse = self._inverse(neighbors)
        usable = np.isfinite(inverse) & (inverse > 0)
        dropped = int((~usable).sum())
        if usable.sum() < MIN_POINTS:
            return no_estimate((1, self.k), int(usable.sum()), why_none(neighbors, 1), dropped)
        local = np.where(usable, 1 / np.where(usable, inverse, 1.0), np.nan)
        value = self._combined(inverse[usable])
        terms = inverse if self.combine == "harmonic" else local
        deviations = np.where(usable, terms - terms[usable].mean(), 0.0) / usable.sum()
        factor = {"harmonic": value**2, "mean": 1.0, "median": np.sqrt(np.pi / 2)}[self.combine]
        shared = error_of_pairs if self.combine == "harmonic" else error_of_mean
        error = factor * shared(deviations, neighbors.indices[:, : self.k])
        status = verdict(neighbors, 1, dropped)
        radius = float(neighbors.distances[:, self.k - 1].mean())
        used = int(usable.sum())
        return Estimate(value, float(error), (1, self.k), used, dropped, status, radius, local=local)

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`."""
        inverse = self._inverse(neighbors)
        chosen = (inverse[draw] for draw in draws)
        return np.array([self._combined(values[np.isfinite(values) & (values > 0)]) for values in chosen])

    def _inverse(self, neighbors: Neighbors) -> FloatArray:
        neighbors.require(self.k, "mle")
        distances = neighbors.distances[:, : self.k]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(distances[:, -1:] / distances[:, :-1]).sum(axis=1)
        return np.asarray(logs / (self.k - 2 if self.unbiased else self.k - 1))

    def _combined(self, inverse: FloatArray) -> float:
        if len(inverse) == 0:
            return float("nan")
        if self.combine == "harmonic":
            return float(1 / inverse.mean())
        return float(np.mean(1 / inverse) if self.combine == "mean" else np.median(1 / inverse))
