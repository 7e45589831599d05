"""What estimators share that average one value per point."""

from collections.abc import Iterable

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.dimensions.base import MIN_POINTS
from dimscope.estimates import Estimate, Status, no_estimate
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
        return no_estimate(scale, used, Status.TOO_FEW if neighbors.n < MIN_POINTS else Status.NO_SPREAD, dropped)
    value = float(local[usable].mean())
    deviations = np.where(usable, local - value, 0.0) / used
    error = error_of_mean(deviations, neighbors.indices[:, : scale[1]])
    status = Status.NO_SPREAD if dropped else Status.OK
    radius = float(neighbors.distances[:, scale[1] - 1].mean())
    return Estimate(value, error, scale, used, dropped, status, radius, local=np.where(usable, local, np.nan))


def replicate_mean(local: FloatArray, draws: Iterable[IntArray]) -> FloatArray:
    """Bootstrap means of the finite values, one per draw."""
    return np.array([float(np.mean(values[np.isfinite(values)])) for values in (local[draw] for draw in draws)])
