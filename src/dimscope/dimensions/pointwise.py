"""What estimators share that average one value per point."""

from collections.abc import Iterable

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import MIN_POINTS, verdict, why_none
from dimscope.estimates import Estimate, no_estimate
from dimscope.knn.base import Neighbors
from dimscope.uncertainty import error_of_mean


def mean_of_points(neighbors: Neighbors, local: FloatArray, scale: tuple[int, int]) -> Estimate:
    """The mean of one value per point with the error that allows for shared neighbours; points without a value are dropped.

    Args:
        neighbors: the table that the values were read from.
        local: shape (n,): one value per point, not finite where there is none.
        scale: the ranks that were read.
    """
    usable = np.isfinite(local)
    used, dropped = int(usable.sum()), int((~usable).sum())
    if used < MIN_POINTS:
        return no_estimate(scale, used, why_none(neighbors, scale[0]), dropped)
    value = float(local[usable].mean())
    deviations = np.where(usable, local - value, 0.0) / used
    error = error_of_mean(deviations, neighbors.indices[:, : scale[1]])
    radius = float(neighbors.distances[:, scale[1] - 1].mean())
    status = verdict(neighbors, scale[0], dropped)
    return Estimate(value, error, scale, used, dropped, status, radius, local=np.where(usable, local, np.nan))


def replicate_mean(local: FloatArray, draws: Iterable[IntArray]) -> FloatArray:
    """Bootstrap means of the finite values, one per draw; a draw without any is NaN."""
    finite = (values[np.isfinite(values)] for values in (local[draw] for draw in draws))
    return np.array([float(values.mean()) if len(values) else np.nan for values in finite])
