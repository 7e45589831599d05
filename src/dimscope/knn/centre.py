"""A centre for the coarse copies of points; any vector keeps the distances, a good one keeps the rounding small."""

import numpy as np

from dimscope.arrays import FloatArray

FAR_OUT = 4.0
"""Rows farther from the mean than this many times the median do not enter the centre."""


def centre_of(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean of the rows but those far out, which would pull it away from all others, and the distances of all from it."""
    mean = rows.mean(axis=0)
    norms = _norms(rows, mean)
    for _ in range(2):
        mean = rows[norms <= FAR_OUT * np.median(norms)].mean(axis=0)
        norms = _norms(rows, mean)
    return mean, norms


def _norms(rows: FloatArray, mean: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(((rows - mean) ** 2).sum(axis=1)))
