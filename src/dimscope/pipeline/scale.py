"""The scale at which the profile is read, when it is not simply the first column."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray, Points
from dimscope.dimensions import Decimation, decimate
from dimscope.dimensions.gride import Gride
from dimscope.dimensions.plateau import Scale, common_scale
from dimscope.dimensions.twonn import TwoNN
from dimscope.errors import UsageError
from dimscope.estimates import Estimate
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.pipeline.layers import Row
from dimscope.uncertainty import bootstrap_draws, widened

PAPER_FRACTION = 0.98
PAPER_PARTS = 4
"""Share of the ratios and decimation of the profiles in Valeriani et al. 2023, arXiv 2302.00294 (appendix B)."""


def find_scale(rows: Sequence[Row]) -> Scale | None:
    """The common scale of the layers from their columns `gride_2`, `gride_4`, ...; None when they do not reach three ranks."""
    ranks = sorted({int(name[6:]) for row in rows for name in row if name.startswith("gride_") and name[6:].isdigit()})
    values = np.array([[float(row.get(f"gride_{rank}", np.nan)) for rank in ranks] for row in rows])
    errors = np.array([[float(row.get(f"gride_{rank}_err", np.nan)) for rank in ranks] for row in rows])
    try:
        return common_scale(ranks, values, errors)
    except UsageError:
        return None


def require_scale(scale: Scale | None) -> Scale:
    """The scale.

    Raises:
        UsageError: there is none.
    """
    if scale is None:
        raise UsageError(
            "scale=auto was asked for, but no layer has Gride at a rank, at half and at twice of it; give more examples, "
            "--k of at least 8 and the estimator gride, or scale=first."
        )
    return scale


def read_common(table: Neighbors, scale: Scale, replicates: int, seed: int) -> tuple[Row, FloatArray]:
    """The columns of the profile at the common scale, and their bootstrap values."""
    estimator = Gride(scale.rank)
    if table.k < scale.rank:
        return {"dimension": np.nan, "dimension_err": np.nan, "dimension_scale": scale.rank}, np.full(replicates, np.nan)
    estimate = estimator.estimate(table)
    if not np.isfinite(estimate.value):
        return profile_columns(estimate), np.full(replicates, np.nan)
    drawn = estimator.replicate(table, bootstrap_draws(table, replicates, seed))
    return profile_columns(estimate), widened(drawn, estimate.stderr)


def read_as_paper(points: Points, duplicates: Duplicates, replicates: int, seed: int) -> tuple[Row, FloatArray]:
    """TwoNN with fraction 0.98 on four disjoint quarters of the distinct points, averaged; replicates are drawn from its error.

    The scale is that of the first two neighbours in a quarter of the data, about ranks 4 and 8 of all of it. Replicates are
    independent between layers, which overstates how much a difference of layers may scatter.
    """
    distinct = points[duplicates.first_rows]
    smallest = max(2, len(distinct) // PAPER_PARTS)
    found = decimate(distinct, TwoNN(fraction=PAPER_FRACTION), Decimation(smallest=smallest, seed=seed))
    estimate = found[2] if len(found) > 2 else found[-1]
    draws = np.random.default_rng([seed, 4]).standard_normal(replicates)
    return profile_columns(estimate), estimate.value + estimate.stderr * draws


def profile_columns(estimate: Estimate) -> Row:
    """The columns that make the profile."""
    return {
        "dimension": estimate.value,
        "dimension_err": estimate.stderr,
        "dimension_scale": estimate.scale[1],
        "dimension_status": estimate.status.value,
    }


def scale_facts(scale: Scale | None, rule: str) -> dict[str, Any]:
    """What is written down beside the numbers; numbers that do not exist are None."""
    if scale is None:
        return {"rule": rule}
    return {
        "rule": rule,
        "least_change_at": scale.rank,
        "is_plateau": scale.is_plateau,
        "change_per_doubling": {str(r): _plain(value) for r, value in zip(scale.ranks, scale.change, strict=True)},
        "like_half": _plain(scale.like_half),
        "like_twice": _plain(scale.like_twice),
    }


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
