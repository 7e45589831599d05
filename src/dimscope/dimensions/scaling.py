"""The dimension against the scale: by ranks of one table, or on ever fewer points."""

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import IntArray, Points, as_points, whole_number
from dimscope.dimensions.base import Estimator, with_lengths
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, Status
from dimscope.knn import neighbors
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates

Subsets: TypeAlias = Literal["disjoint", "independent"]
LONGEST_LIST = 128
"""Neighbours kept for `gride`; of higher ranks the distances alone (2 KB per point here, 16 KB for lists up to rank 1024)."""
MIN_SUBSET = 20
"""Decimation stops above this many points per subset."""
DADAPY_SMALLEST = 10
DADAPY_SEED = 42


@dataclass(frozen=True)
class Decimation:
    """How the points are thinned out.

    Attributes:
        subsets: `disjoint` parts of one random order, which are independent of each other; or `independent` draws, each
            without replacement, which may share points.
        repeats: subsets per scale; default: as many as make up the data. Disjoint ones cannot be more.
        smallest: no subset has fewer points than this.
        seed: of the order or the draws.
        convention: `dadapy` draws as that code does (independent, one stream of random numbers for all scales), and states
            its error, std / sqrt(repeats) with ddof 0, also where subsets share points.

    Raises:
        UsageError: unknown words, or numbers out of range.
    """

    subsets: Subsets = "disjoint"
    repeats: int | None = None
    smallest: int = MIN_SUBSET
    seed: int = 0
    convention: str | None = None

    def __post_init__(self) -> None:
        if self.subsets not in ("disjoint", "independent"):
            raise unknown_name("kind of subsets", self.subsets, ("disjoint", "independent"))
        if self.convention not in (None, "dadapy"):
            raise unknown_name("convention of decimation", str(self.convention), ("dadapy",))
        if (self.repeats is not None and self.repeats < 2) or self.smallest < 2:
            raise UsageError(f"repeats={self.repeats}, smallest={self.smallest} were asked for; both must be at least 2.")


def gride_scaling(source: Neighbors | ArrayLike, max_rank: int) -> list[tuple[int, Neighbors]]:
    """The farther ranks 2, 4, 8, ... up to `max_rank` or the width of the table, each with the table to read.

    Raises:
        UsageError: `max_rank` is no whole number or below 2, or a table of one neighbour.
    """
    max_rank = whole_number(max_rank, "max_rank")
    if max_rank < 2:
        raise UsageError(f"max_rank={max_rank} was asked for; gride compares rank 1 with rank 2 at the least.")
    ranks = [2**j for j in range(1, max_rank.bit_length())]
    if isinstance(source, Neighbors):
        table = with_lengths(source)
        table.require(2, "gride")
    else:
        table = neighbors(source, min(max_rank, LONGEST_LIST), ranks=[rank for rank in ranks if rank > LONGEST_LIST])
    known = {*range(1, table.k + 1), *table.ranks}
    return [(rank, table) for rank in ranks if {rank // 2, rank} <= known]


def gride_table(source: ArrayLike, near: int, far: int) -> Neighbors:
    """The table from which `gride` reads these ranks; of high ranks the distances alone."""
    return neighbors(source, far) if far <= LONGEST_LIST else neighbors(source, 2, ranks=(near, far))


def decimate(source: ArrayLike, estimator: Estimator, how: Decimation) -> list[Estimate]:
    """The estimate on all points, then the mean over subsets of a half, a quarter, ... of them.

    Duplicates are merged before. The standard error of a mean over R disjoint subsets is s / sqrt(R). Independent draws of a
    share p of the points share points, so their estimates are correlated, by r, and their mean has s sqrt(1 / R + r / (1 - r))
    [Nadeau, Bengio 2003, doi:10.1023/A:1024068626366]. r = p^2 is taken: a distance is shared when both of its points are
    (measured on 400 points in a square for p = 1/2: 0.11 for TwoNN, 0.20 for MLE with k = 5, 0.26 with k = 20). `scale` is that
    of the subsets, `n_used` their mean number of ratios, `radius` the mean distance that was read.
    """
    points = as_points(source)
    points = points[find_duplicates(points).rows]
    full = estimator.estimate(neighbors(points, estimator.min_k))
    if how.convention == "dadapy":
        return _as_dadapy(points, estimator, replace(full, stderr=0.0), how)
    rng = np.random.default_rng(how.seed)
    order = rng.permutation(len(points))
    scales = [full]
    parts = 2
    while len(points) // parts >= max(how.smallest, estimator.min_k + 1):
        repeats = how.repeats or parts
        if how.subsets == "disjoint":
            if repeats > parts:
                raise UsageError(
                    f"repeats={repeats} disjoint subsets of 1/{parts} of the points were asked for; there are {parts}. "
                    'Ask for fewer, or subsets="independent".'
                )
            chosen = np.array_split(order, parts)[:repeats]
            variance = 1 / repeats
        else:
            size, correlation = len(points) // parts, parts**-2
            chosen = [rng.choice(len(points), size, replace=False) for _ in range(repeats)]
            variance = 1 / repeats + correlation / (1 - correlation)
        scales.append(_mean(points, estimator, chosen, variance, ddof=1))
        parts *= 2
    return scales


def _as_dadapy(points: Points, estimator: Estimator, full: Estimate, how: Decimation) -> list[Estimate]:
    rng = np.random.default_rng(DADAPY_SEED)
    n, smallest = len(points), min(how.smallest, DADAPY_SMALLEST)
    scales = [full]
    for step in range(1, int(np.log2(n)) - 1):
        size = round(n / 2**step)
        if size <= smallest:
            break
        repeats = how.repeats or int(np.rint(n / size))
        chosen = [rng.choice(n, size, replace=False) for _ in range(repeats)]
        scales.append(_mean(points, estimator, chosen, 1 / repeats, ddof=0))
    return scales


def _mean(points: Points, estimator: Estimator, subsets: list[IntArray], variance: float, ddof: int) -> Estimate:
    found = [estimator.estimate(neighbors(points[np.sort(rows)], estimator.min_k)) for rows in subsets]
    values = np.array([part.value for part in found])
    status = next((part.status for part in found if not part.status.is_ok), Status.OK)
    size = int(np.mean([part.n_used for part in found]))
    radius = float(np.mean([part.radius for part in found]))
    error = float(values.std(ddof=ddof) * np.sqrt(variance))
    return Estimate(float(values.mean()), error, found[0].scale, size, 0, status, radius)


def split_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of the decimation, and those that are left for the estimator; a convention is for both."""
    own = {name: value for name, value in options.items() if name in Decimation.__dataclass_fields__}
    return own, {name: value for name, value in options.items() if name not in own}
