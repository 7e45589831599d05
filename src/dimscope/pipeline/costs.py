"""Seconds as a sum of what is known of the work: fitted to a few trials, read off for the whole."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TypeAlias

import numpy as np
from scipy.optimize import nnls

from dimscope.arrays import FloatArray

Work: TypeAlias = Callable[[], object]


def fit_costs(features: Sequence[Sequence[float]], seconds: Sequence[float]) -> FloatArray:
    """The seconds that one unit of each feature costs, none below 0, by least squares of the relative errors.

    Args:
        features: one line per trial; a line of zeros is not allowed.
        seconds: of each trial, above 0.

    Examples:
        >>> fit_costs([[1, 10], [1, 20]], [0.7, 1.2]).round(9).tolist()
        [0.2, 0.05]
    """
    lines = np.asarray(features, dtype=np.float64) / np.asarray(seconds, dtype=np.float64)[:, None]
    scales = lines.max(axis=0, initial=0.0)
    scales[scales == 0] = 1.0
    found, _ = nnls(lines / scales, np.ones(len(lines)))
    return np.asarray(found / scales, dtype=np.float64)


def time_of(work: Work, *, warm: bool = True) -> float:
    """Seconds that the work takes, the second time where `warm`: the first call of a process compiles and allocates."""
    if warm:
        work()
    started = perf_counter()
    work()
    return max(perf_counter() - started, 1e-9)
