"""What an estimate is, and what an estimator must offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Protocol

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.knn.base import Neighbors


class Status(Enum):
    """The verdict that travels with a number; the value is the sentence for the user, with the remedy."""

    OK = "ok"
    ZERO_DISTANCES = (
        "some points lie at distance 0 from a neighbour and were left out; merge duplicates (duplicates='merge') instead"
    )
    TOO_FEW = "too few distinct points for this estimate; give more examples or a smaller k"
    NO_SPREAD = "all distances that enter the estimate are equal; the data are a lattice or rounded too coarsely"
    SHORT_LISTS = (
        "some points had fewer neighbours left than k after leaving out others, and were not used; compute a larger k"
    )

    @property
    def is_ok(self) -> bool:
        """True when nothing limits the estimate."""
        return self is Status.OK


@dataclass(frozen=True, eq=False)
class Estimate:
    """One number with its error and the circumstances under which it was found.

    Attributes:
        value: the estimate; NaN only together with a status that says why.
        stderr: standard error, same unit as `value`.
        scale: the neighbour ranks (r, s) whose distances were compared, or (k, k) for an overlap.
        n_used: points that entered.
        n_dropped: points that could not enter (the status says why); trimmed tails are not counted here.
        status: the verdict.
        radius: mean distance at which the estimate was read (unit of the points), NaN where it has no meaning.
        chance: the value expected without any structure, NaN where none is defined.
        local: one value per point, shape (n,), or None.
    """

    value: float
    stderr: float
    scale: tuple[int, int]
    n_used: int
    n_dropped: int = 0
    status: Status = Status.OK
    radius: float = float("nan")
    chance: float = float("nan")
    local: FloatArray | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        note = "" if self.status.is_ok else f" ({self.status.value})"
        return f"{self.value:.4g} +- {self.stderr:.2g}{note}"


def no_estimate(scale: tuple[int, int], n_used: int, status: Status, n_dropped: int = 0) -> Estimate:
    """NaN with the reason."""
    return Estimate(float("nan"), float("nan"), scale, n_used, n_dropped, status)


class Estimator(Protocol):
    """An intrinsic-dimension estimator: a frozen dataclass whose fields are its options."""

    summary: ClassVar[str]
    """One line: what it reads and assumes."""
    source: ClassVar[str]
    """Authors, year, DOI."""

    @property
    def min_k(self) -> int:
        """Neighbours per point that the estimator reads."""
        ...

    def estimate(self, neighbors: Neighbors) -> Estimate:
        """The dimension of the points behind the table."""
        ...

    def replicate(self, neighbors: Neighbors, draws: Sequence[IntArray]) -> FloatArray:
        """The estimate for each draw, shape (replicates,); a draw is an array of table rows, taken with replacement."""
        ...


def log_ratios(neighbors: Neighbors, near: int, far: int) -> tuple[FloatArray, int]:
    """log(r_far / r_near) of the points with r_near > 0, in the order of the table, and how many had r_near = 0."""
    neighbors.require(far, f"a ratio of ranks {near} and {far}")
    inner, outer = neighbors.distances[:, near - 1], neighbors.distances[:, far - 1]
    usable = inner > 0
    return np.log(outer[usable] / inner[usable]), int((~usable).sum())


def mean_radius(neighbors: Neighbors, near: int, far: int) -> float:
    """Mean of the distances at both ranks over all points."""
    return float(neighbors.distances[:, [near - 1, far - 1]].mean())
