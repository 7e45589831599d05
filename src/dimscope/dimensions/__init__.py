"""Intrinsic dimension: one estimator per file, all reading the one neighbour table."""

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import as_points
from dimscope.dimensions.base import Estimator
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, Status
from dimscope.knn import as_neighbors, neighbors, search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.registry import Registry

ESTIMATORS = Registry(
    "estimator",
    {
        "abide": "dimscope.dimensions.abide:Abide",
        "binomial": "dimscope.dimensions.binomial:Binomial",
        "correlation": "dimscope.dimensions.correlation:Correlation",
        "gride": "dimscope.dimensions.gride:Gride",
        "mada": "dimscope.dimensions.mada:MADA",
        "mle": "dimscope.dimensions.mle:MLE",
        "mom": "dimscope.dimensions.mom:MOM",
        "twonn": "dimscope.dimensions.twonn:TwoNN",
    },
    "dimscope list estimators",
)
MIN_SUBSET = 20
"""Decimation stops above this many points per subset."""


def dimension(source: Neighbors | ArrayLike, estimator: str = "twonn", **options: Any) -> Estimate:
    """The intrinsic dimension of points, with its error and status.

    Args:
        source: a neighbour table, or points of shape (n, d) (their table is computed with the k that is needed).
        estimator: a name of `dimscope list estimators`.
        **options: the fields of that estimator, for example `method="ml", fraction=0.98` for `twonn`, `ranks=64` for
            `gride`; checked against them.

    Returns:
        `Estimate`; a number that cannot be given is NaN with a status that says why.

    Raises:
        UsageError: unknown estimator or option, or the table holds too few neighbours.
        InputError: the points cannot be used.

    Example:
        >>> import numpy as np
        >>> cube = np.random.default_rng(0).random((2000, 3))
        >>> found = dimension(cube, "twonn")
        >>> abs(found.value - 3) < 3 * found.stderr
        True
    """
    chosen = make_estimator(estimator, options)
    if options.get("convention") is not None and not isinstance(source, Neighbors):
        return chosen.estimate(neighbors(source, chosen.min_k, duplicates="keep"))  # none of them merges equal rows
    found = chosen.estimate(as_neighbors(source, chosen.min_k))
    return _widened(source, chosen) if found.status is Status.LISTS_END and not isinstance(source, Neighbors) else found


def _widened(source: ArrayLike, estimator: Estimator) -> Estimate:
    """The estimate from the first table, doubling k each time, that holds every neighbour it needs."""
    points = as_points(source)
    duplicates = find_duplicates(points)
    k = estimator.min_k
    while True:
        k = min(2 * k, duplicates.n_unique - 1)
        found = estimator.estimate(search_distinct(points, k, duplicates))
        if found.status is not Status.LISTS_END:
            return found


def make_estimator(name: str, options: dict[str, Any]) -> Estimator:
    """The estimator of that name with these options.

    Raises:
        UsageError: unknown name, unknown option (the nearest is named) or a value out of range.
    """
    maker = ESTIMATORS.load(name)
    allowed = [field.name for field in fields(maker)]
    for option in options:
        if option not in allowed:
            raise unknown_name(f"option of {name}", option, allowed)
    estimator: Estimator = maker(**options)
    return estimator


def dimension_scaling(
    source: Neighbors | ArrayLike, estimator: str = "gride", *, max_rank: int = 64, seed: int = 0
) -> list[Estimate]:
    """The dimension at growing scales, one `Estimate` per scale.

    `gride` reads ranks 2, 4, 8, ... up to `max_rank` (or the width of the table). `twonn` is decimated: the points are
    split at random into 1, 2, 4, ... disjoint parts, the estimate of each part is averaged, and its error is the standard
    error over the parts; it needs the points.

    Args:
        source: a neighbour table, or points of shape (n, d).
        estimator: `gride` or `twonn`.
        max_rank: the farthest rank that `gride` reads, at least 2.
        seed: of the random parts of `twonn`.

    Raises:
        UsageError: an estimator without a scale, `twonn` with a neighbour table only, or no rank to read.
    """
    if estimator == "gride":
        if max_rank < 2:
            raise UsageError(f"max_rank={max_rank} was asked for; gride compares rank 1 with rank 2 at the least.")
        table = as_neighbors(source, max_rank)
        table.require(2, "gride")
        top = min(max_rank, table.k)
        return [dimension(table, "gride", ranks=2**j) for j in range(1, top.bit_length()) if 2**j <= top]
    if estimator == "twonn":
        if isinstance(source, Neighbors):
            raise UsageError('decimation with "twonn" needs the points; a neighbour table gives the scale by "gride".')
        return _decimate(source, seed)
    raise unknown_name("estimator with a scale", estimator, ["gride", "twonn"])


def _decimate(source: ArrayLike, seed: int) -> list[Estimate]:
    points = as_points(source)
    points = points[find_duplicates(points).rows]
    order = np.random.default_rng(seed).permutation(len(points))
    scales = [dimension(points, "twonn")]
    parts = 2
    while len(points) // parts >= MIN_SUBSET:
        found = [dimension(neighbors(points[np.sort(part)], 2), "twonn") for part in np.array_split(order, parts)]
        values = np.array([part.value for part in found])
        error = float(values.std(ddof=1) / np.sqrt(parts))
        size = int(np.mean([part.n_used for part in found]))
        radius = float(np.mean([part.radius for part in found]))
        status = next((part.status for part in found if not part.status.is_ok), Status.OK)
        scales.append(Estimate(float(values.mean()), error, (1, 2), size, 0, status, radius))
        parts *= 2
    return scales


__all__ = ["ESTIMATORS", "Estimate", "Estimator", "Status", "dimension", "dimension_scaling"]
