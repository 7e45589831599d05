"""TwoNN: the dimension from the ratio of the second to the first neighbour distance."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import ERRORS, MIN_POINTS, log_ratios, mean_radius, shared_inflation, verdict, why_none
from dimscope.dimensions.conventions import CONVENTIONS, Convention, Ratios
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn.base import Neighbors

METHODS = ("fit", "ml", "bayes")


@dataclass(frozen=True)
class TwoNN:
    """Dimension from mu = r2 / r1, which follows a Pareto law with exponent d where the density is constant up to r2.

    `fit`: with x_i the ascending log mu, N of them and n = floor(fraction N), the slope through the origin of
    y_i = -log(1 - i/N) against x_i, i <= n:  d = sum x_i y_i / sum x_i^2.
    `ml`: the maximum likelihood when only the n smallest are observed (type-II censoring):
    d = (n - 1) / (sum_{i<=n} x_i + (N - n) x_n). With fraction = 1 this is (N - 1) / sum log mu.

    `bayes`: the posterior mean (a + n) / (b + sum_{i<=n} x_i + (N - n) x_n) under a Gamma(a, b) prior.

    Standard errors for independent points: `ml` d / sqrt(n - 2), exact for the censored exponential; `bayes` the posterior
    standard deviation; `fit` the linear expansion in the spacings of exponential order statistics,
    d sqrt(sum_j (W_j / (N - j + 1))^2) / sum_i y_i^2, with W_j = sum_{i=j..n} y_i. But two points that are each other's nearest
    neighbour share r1: on a periodic cube the scatter of 600 data sets of 500 points was 1.2 (d = 1 and 8) to 1.4 (d = 2) times
    these. The stated error is theirs times the factor by which neighbours inflate the error of the censored score
    1[x_i <= x_n] - d min(x_i, x_n) (`base.shared_inflation`).

    Dimensionless, positive. Biased low when the dimension is large for the number of points. Cost O(n log n).

    Attributes:
        method: `fit`, `ml` or `bayes`.
        fraction: share of the ratios that is read, in (0, 1]; `fit` needs less than 1.
        prior: (a, b), shape and rate of the Gamma prior of `bayes`.
        convention: None, or whose value is wanted to the digit: `dadapy` (points with r1 = 0 count as infinite ratios; `ml` and
            `bayes` read all points; `fit` with fraction 1 becomes `ml`), `skdim` (as None: points with r1 = 0 are left out),
            `paper` (the code of Valeriani et al. 2023: r1 = 0 becomes 10 machine epsilons, `ml` reads all points). These differ
            only on tables made with duplicates="keep", or in the meaning of the fraction. The others have the line fit only:
            `torchid` (y_i = -log(1 - (i-1)/N), which is lower by about 1 %; r1 = 0 becomes the smallest normal number),
            `ansuini` (IntrinsicDimDeep: points with r1 = 0 or r1 = r2 are left out, and the last two ratios), `tdhook` (the two
            nearest beyond 1e-5; all ratios but the last). All state errors for independent points.
        errors: `neighbors`, or `independent` for the errors of independent points.

    Raises:
        UsageError: unknown method or convention, a fraction out of range, or a negative prior.
    """

    method: Literal["fit", "ml", "bayes"] = "fit"
    fraction: float = 0.9
    prior: tuple[float, float] = (2.0, 5.0)
    convention: str | None = None
    errors: Literal["neighbors", "independent"] = "neighbors"

    summary: ClassVar[str] = "ratio of second to first neighbour distance; line fit or censored likelihood"
    source: ClassVar[str] = "Facco, d'Errico, Rodriguez, Laio 2017, doi:10.1038/s41598-017-11873-y"
    min_k: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise unknown_name("twonn method", self.method, METHODS)
        if self.convention is not None and self.convention not in CONVENTIONS:
            raise unknown_name("convention", self.convention, CONVENTIONS)
        if self.errors not in ERRORS:
            raise unknown_name("kind of errors", self.errors, ERRORS)
        if self._theirs is not None and self._theirs.is_line_only and self.method != "fit":
            raise UsageError(f'method="{self.method}" was asked for; the convention "{self.convention}" has the line fit only.')
        if not 0 < self.fraction <= 1:
            raise UsageError(f"fraction={self.fraction} was asked for; it must lie in (0, 1].")
        if len(self.prior) != 2 or not min(self.prior) >= 0:
            raise UsageError(f"prior={self.prior} was asked for; shape and rate are two numbers that are not negative.")
        spares_the_last = self.convention == "dadapy" or (self._theirs is not None and self._theirs.spare > 0)
        if self.method == "fit" and self.fraction == 1 and not spares_the_last:
            raise UsageError('fraction=1 leaves the line fit without a last point; take less, or method="ml".')

    @property
    def _theirs(self) -> Convention | None:
        return None if self.convention is None else CONVENTIONS[self.convention]

    @classmethod
    def readings(cls, k: int) -> Mapping[str, "TwoNN"]:
        """One column, the line fit on the lowest 90 % of the ratios."""
        return {"twonn": cls()} if k >= cls.min_k else {}

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension at the scale of the first two neighbours."""
        if self._theirs is None or self.convention == "skdim":
            return self.estimate_ratios(neighbors, *log_ratios(neighbors, 1, 2))
        ratios = self._theirs.read(neighbors)
        if ratios is None:
            return no_estimate((1, 2), 0, Status.LISTS_END)
        return self._as_they_do().estimate_ratios(neighbors, ratios.values[ratios.used], int((~ratios.used).sum()))

    def estimate_ratios(self, neighbors: Neighbors, ratios: FloatArray, dropped: int) -> Estimate:
        """The estimate from log ratios in any order; `dropped` points had none."""
        total, kept = len(ratios), self._kept(len(ratios))
        if kept < MIN_POINTS:
            return no_estimate((1, 2), kept, why_none(neighbors, 1, self.fraction), dropped)
        ordered = np.sort(ratios)
        if ordered[kept - 1] == 0:
            return no_estimate((1, 2), kept, Status.NO_SPREAD, dropped)
        value = float(self._values(ordered[None, :])[0])
        status = verdict(neighbors, 1, dropped)
        if not np.isfinite(value):  # a convention read infinite ratios
            return no_estimate((1, 2), kept, status, dropped)
        relative = self._relative_error(total, kept)
        if self.errors == "neighbors" and self.convention is None:
            relative *= _inflation(neighbors, ratios, value, ordered[kept - 1])
        return Estimate(value, value * relative, (1, 2), kept, dropped, status, mean_radius(neighbors, 1, 2))

    def _kept(self, total: int) -> int:
        """How many of so many ratios are read."""
        if self._theirs is None:
            return int(total * self.fraction)
        return min(int(total * (1.0 if self._theirs.reads_all else self.fraction)), total - self._theirs.spare)

    def _relative_error(self, total: int, kept: int) -> float:
        if self.method == "fit":
            return _fit_error(total, kept)
        return float((kept - 2 if self.method == "ml" else self.prior[0] + kept) ** -0.5)

    def _as_they_do(self) -> "TwoNN":
        """The same request in our terms: likelihoods of these conventions read all ratios."""
        if self._theirs is not None and self._theirs.is_line_only:
            return replace(self, errors="independent")
        if self.method == "fit" and self.fraction < 1:
            return replace(self, convention=None, errors="independent")
        method = "ml" if self.method == "fit" else self.method
        return replace(self, convention=None, method=method, fraction=1.0, errors="independent")

    def replicate(self, neighbors: Neighbors, draws: Iterable[IntArray]) -> FloatArray:
        """Bootstrap values of `estimate` over the rows in `draws`; a replicate without spread is NaN."""
        if self._theirs is None or self.convention == "skdim":
            return self._replicate_ratios(CONVENTIONS["skdim"].read(neighbors), draws)
        return self._as_they_do()._replicate_ratios(self._theirs.read(neighbors), draws)

    def _replicate_ratios(self, ratios: Ratios | None, draws: Iterable[IntArray]) -> FloatArray:
        if ratios is None:
            return np.array([np.nan for _ in draws])
        order = np.argsort(ratios.values, kind="stable")
        ordered, readable = ratios.values[order], ratios.used[order]
        enough = 2 / self.fraction
        values = []
        for draw in draws:  # sorted once: a draw is how often each point occurs
            times = np.bincount(draw, minlength=len(order))[order] * readable
            chosen = _repeated(ordered, times)
            values.append(float(self._values(chosen[None, :])[0]) if len(chosen) >= enough else np.nan)
        return np.where(np.isfinite(values), values, np.nan)

    def _values(self, ordered: FloatArray) -> FloatArray:
        total = ordered.shape[1]
        kept = self._kept(total)
        x = ordered[:, :kept]
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.method != "fit":
                observed = x.sum(axis=1) + ((total - kept) * x[:, -1] if kept < total else 0.0)
                shape, rate = self.prior if self.method == "bayes" else (-1.0, 0.0)
                return np.where(observed > 0, (shape + kept) / (rate + observed), np.nan)
            first = 1 if self._theirs is None else self._theirs.first
            return np.asarray((x @ _log_survival(total, kept, first)) / (x * x).sum(axis=1))


def _inflation(neighbors: Neighbors, ratios: FloatArray, value: float, last: float) -> float:
    """From the scores of the censored exponential; `ratios` are those of the points with r1 > 0, in the order of the table."""
    used = neighbors.distances[:, 0] > 0
    scores = np.zeros(neighbors.n)
    scores[used] = (ratios <= last) - value * np.minimum(ratios, last)
    return shared_inflation(scores, used, neighbors, 2)


def _repeated(ordered: FloatArray, times: IntArray) -> FloatArray:
    """`np.repeat(ordered, times)` in half its time (20 000 numbers, 0 to 7 times each)."""
    ends = np.cumsum(times)
    total = int(ends[-1])
    places = np.cumsum(np.bincount(ends[:-1], minlength=total)[:total])
    return np.asarray(ordered[places])


def _log_survival(total: int, kept: int, first: int = 1) -> FloatArray:
    """-log(1 - i / total) for `kept` numbers i from `first`, from logarithms of whole numbers that all replicates share."""
    logs = _logs(total.bit_length())
    return np.asarray(logs[total] - logs[total - first - kept + 1 : total - first + 1][::-1])


@lru_cache(maxsize=4)
def _logs(bits: int) -> FloatArray:
    """log 0 to log(2^bits - 1)."""
    with np.errstate(divide="ignore"):
        return np.log(np.arange(2**bits))


def _fit_error(total: int, kept: int) -> float:
    rank, y = np.arange(1, kept + 1), _log_survival(total, kept)
    tail = np.cumsum(y[::-1])[::-1]
    return float(np.sqrt(((tail / (total - rank + 1)) ** 2).sum()) / (y * y).sum())
