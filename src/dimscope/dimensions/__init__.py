"""Intrinsic dimension: one estimator per file, all reading the one neighbour table."""

from dataclasses import fields
from typing import Any

from numpy.typing import ArrayLike

from dimscope.arrays import as_points
from dimscope.dimensions.base import Estimator, as_declared, with_lengths
from dimscope.dimensions.gride import Gride
from dimscope.dimensions.plateau import Scale, choose_scale
from dimscope.dimensions.scaling import Decimation, decimate, gride_scaling, gride_table, split_options
from dimscope.errors import UsageError, unknown_name
from dimscope.estimates import Estimate, Status
from dimscope.knn import neighbors, search_distinct
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
    group="dimscope.estimators",
)


def dimension(source: Neighbors | ArrayLike, estimator: str = "twonn", **options: Any) -> Estimate:
    """The intrinsic dimension of points, with its error and status.

    Args:
        source: a neighbour table, or points of shape (n, d) (their table is computed with the k that is needed; for `gride`
            beyond rank 128 without the lists). A table of metric `cosine` is read as chords of the unit sphere,
            sqrt(2 (1 - cos)).
        estimator: a name of `dimscope list estimators`.
        **options: the fields of that estimator, for example `method="ml", fraction=0.98` for `twonn`, `ranks=64` for
            `gride`; checked against them.

    Returns:
        `Estimate`; a number that cannot be given is NaN with a status that says why.

    Raises:
        UsageError: unknown estimator or option, or the table holds too few neighbours, or inner products.
        InputError: the points cannot be used.

    Examples:
        >>> import numpy as np
        >>> cube = np.random.default_rng(0).random((2000, 3))
        >>> found = dimension(cube, "twonn")
        >>> abs(found.value - 3) < 3 * found.stderr
        True
    """
    chosen = make_estimator(estimator, options)
    if isinstance(source, Neighbors):
        return chosen.estimate(with_lengths(source))
    if isinstance(chosen, Gride) and chosen.convention is None:
        return chosen.estimate(gride_table(source, chosen.nearer, chosen.ranks))
    is_merged = options.get("convention") is None  # no convention merges equal rows
    found = chosen.estimate(neighbors(source, chosen.min_k, duplicates="merge" if is_merged else "keep"))
    return _widened(source, chosen, is_merged) if found.status is Status.LISTS_END else found


def _widened(source: ArrayLike, estimator: Estimator, is_merged: bool) -> Estimate:
    """The estimate from the first table, doubling k each time, that holds every neighbour it needs."""
    points = as_points(source)
    duplicates = find_duplicates(points)
    most = (duplicates.n_unique if is_merged else len(points)) - 1
    k = estimator.min_k
    while True:
        k = min(2 * k, most)
        table = search_distinct(points, k, duplicates) if is_merged else neighbors(points, k, duplicates="keep")
        found = estimator.estimate(table)
        if found.status is not Status.LISTS_END:
            return found


def make_estimator(name: str, options: dict[str, Any]) -> Estimator:
    """The estimator of that name with these options.

    Raises:
        UsageError: unknown name, unknown option (the nearest is named), or a value out of range or of another kind.
    """
    maker = ESTIMATORS.load(name)
    allowed = [field.name for field in fields(maker)]
    for option in options:
        if option not in allowed:
            raise unknown_name(f"option of {name}", option, allowed)
    estimator: Estimator = maker(**as_declared(maker, options))
    return estimator


def dimension_scaling(
    source: Neighbors | ArrayLike, estimator: str = "gride", *, max_rank: int = 64, **options: Any
) -> list[Estimate]:
    """The dimension at growing scales, one `Estimate` per scale.

    `gride` reads ranks 2, 4, 8, ... up to `max_rank` (or the width of the table). Every other estimator is decimated: it reads
    all points, then random subsets of 1/2, 1/4, ... of them, whose estimates are averaged; that needs the points.

    Args:
        source: a neighbour table, or points of shape (n, d).
        estimator: a name of `dimscope list estimators`.
        max_rank: the farthest rank that `gride` reads, at least 2.
        **options: of the decimation (`subsets="disjoint"` or `"independent"`, `repeats`, `smallest`, `seed`,
            `convention="dadapy"`; see `dimensions.scaling.Decimation`), and fields of the estimator, such as `fraction`.

    Raises:
        UsageError: an unknown estimator or option, decimation with a neighbour table only, or no rank to read.

    Examples:
        >>> import numpy as np
        >>> plane = np.random.default_rng(0).random((400, 2))
        >>> [found.scale[1] for found in dimension_scaling(plane, max_rank=16)]
        [2, 4, 8, 16]
        >>> [found.n_used for found in dimension_scaling(plane, "twonn", repeats=2, smallest=100)]
        [360, 180, 90]
    """
    if estimator == "gride":
        if not options.keys() <= {"errors"}:
            raise unknown_name("option of gride over scales", min(options.keys() - {"errors"}), ["max_rank", "errors"])
        return [dimension(table, "gride", ranks=rank, **options) for rank, table in gride_scaling(source, max_rank)]
    own, rest = split_options(options)
    chosen, how = make_estimator(estimator, rest), Decimation(**as_declared(Decimation, own))
    if isinstance(source, Neighbors):
        raise UsageError(f'decimation with "{estimator}" needs the points; a neighbour table gives the scale by "gride".')
    return decimate(source, chosen, how)


__all__ = [
    "ESTIMATORS",
    "Decimation",
    "Estimate",
    "Estimator",
    "Scale",
    "Status",
    "choose_scale",
    "decimate",
    "dimension",
    "dimension_scaling",
    "make_estimator",
]
