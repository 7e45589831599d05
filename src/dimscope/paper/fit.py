"""TwoNN on stored ratios, as the paper's scripts fit it."""

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import InputError

MIN_POINTS = 10


def slope(ratios: FloatArray, fraction: float) -> float:
    """TwoNN's line fit: slope through 0 of -log(1 - i/N) against the ascending log ratios, i = 1 .. floor(fraction N).

    Facco et al. 2017, doi:10.1038/s41598-017-11873-y.

    Args:
        ratios: r2 / r1 of N points.
        fraction: share of them that is fitted, the lowest ones; above 0, below 1.

    Raises:
        InputError: fewer than 10 ratios, or all of them 1.
    """
    n_fitted = int(len(ratios) * fraction)
    if n_fitted < MIN_POINTS:
        raise InputError(f"{n_fitted} ratios remain to be fitted; at least {MIN_POINTS} are needed: lower --decimation.")
    with np.errstate(divide="ignore"):
        x = np.log(np.sort(ratios)[:n_fitted])
    y = -np.log1p(-np.arange(1, n_fitted + 1) / len(ratios))
    squares = float(x @ x)
    if not 0 < squares < np.inf:
        raise InputError("the ratios have no spread, or are zero or infinite within the fitted share; they give no dimension.")
    return float(x @ y) / squares


def mean_and_error(values: FloatArray, convention: str) -> tuple[float, float]:
    """Mean of the repeats and its standard error: spread / sqrt(repeats - 1), NaN for one repeat; `paper`: / sqrt(repeats)."""
    n_free = len(values) - (convention == "exact")
    return float(np.mean(values)), float(np.std(values) / n_free**0.5) if n_free else np.nan


def dimension_from_ratios(ratios: FloatArray, fraction: float, convention: str) -> tuple[float, float]:
    """Mean and standard error over repeats of the fitted dimension.

    `exact` leaves out ratios that are NaN or infinite (repeated rows); `paper` takes all of them.

    Args:
        ratios: (repeats, N).
        fraction: see `slope`.
        convention: `exact` or `paper`.
    """
    rows = np.asarray(ratios, np.float64)
    values = [slope(row if convention == "paper" else row[np.isfinite(row)], fraction) for row in rows]
    return mean_and_error(np.array(values), convention)
