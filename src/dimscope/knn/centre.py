"""A centre and a scale for the coarse copies of points: any would do, good ones keep the rounding small."""

import numpy as np

from dimscope.arrays import FloatArray

FAR_OUT = 4.0
"""Rows farther from the mean than this many times the median do not enter the centre."""


def centre_of(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean of the rows but those far out, which would pull it away from all others, and the distances of all from it."""
    mean = rows.mean(axis=0)
    norms = _norms(rows, mean)
    for _ in range(2):
        near = norms <= FAR_OUT * np.median(norms)
        if near.all():
            break
        mean = rows[near].mean(axis=0)
        norms = _norms(rows, mean)
    return mean, norms


def scale_of(norms: FloatArray) -> float:
    """The power of two that brings the median of the norms (where it is 0, the largest) near 1."""
    typical = float(np.median(norms)) or float(norms.max()) or 1.0
    return float(2.0 ** -int(np.frexp(typical)[1]))


def _norms(rows: FloatArray, mean: FloatArray) -> FloatArray:
    centred = rows - mean
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", centred, centred)))
