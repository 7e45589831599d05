"""Mutual nearest neighbours by cosine: overlap of two models whose vectors are compared by angle."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, as_points
from dimscope.errors import InputError
from dimscope.estimates import Estimate
from dimscope.knn import as_neighbors
from dimscope.knn.base import Neighbors
from dimscope.knn.scratch import Scratch
from dimscope.overlaps.layers import overlap


class MutualKnn:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "overlap of the k nearest neighbours by cosine; chance k/(n-1)"
    source: ClassVar[str] = "Huh, Cheung, Wang, Isola 2024, arXiv 2405.07987"


def mutual_knn(points_a: ArrayLike, points_b: ArrayLike, k: int = 10) -> Estimate:
    """Mean shared fraction of the k neighbours by cosine in two representations of the same examples.

    Rows are divided by their Euclidean norm; on the unit sphere |x - y|^2 = 2 - 2 cos(x, y), so the nearest by distance are
    the nearest by cosine. Then as `overlap`: from 0 to 1, chance k / (n - 1), error allowing for shared neighbours. Vectors
    are taken as they are, without centring: a common offset makes all angles small, and the nearest may become those with the
    largest norm. Cost O(n^2 (d_a + d_b)).

    Args:
        points_a: shape (n, d_a).
        points_b: the same examples, in the same order, shape (n, d_b).
        k: neighbours compared.

    Raises:
        InputError: different numbers of examples, fewer than k + 1 of them, or a row of zeros, which has no direction.
        UsageError: k is no whole number.

    Examples:
        >>> import numpy as np
        >>> points = np.random.default_rng(0).standard_normal((100, 3))
        >>> mutual_knn(points, points * np.arange(1, 101)[:, None], k=10).value
        1.0
    """
    return overlap(nearest_by_angle(points_a, k), nearest_by_angle(points_b, k), k)


def nearest_by_angle(points: ArrayLike, k: int) -> Neighbors:
    """The table that `mutual_knn` compares: the k nearest of each point by cosine.

    Raises:
        InputError: a row of zeros, or fewer than k + 1 distinct directions.
    """
    return as_neighbors(unit_rows(points), k)


def unit_rows(points: ArrayLike) -> FloatArray:
    """The rows over their norms, in float64.

    Raises:
        InputError: some rows are zero.
    """
    array = as_points(points)
    zero = np.flatnonzero(~array.any(axis=1))
    if len(zero):
        raise InputError(f"{len(zero)} of {len(array)} rows are zero (the first is row {zero[0]}): they have no direction.")
    with Scratch(array) as scratch:
        return np.asarray(scratch.normalized(array))
