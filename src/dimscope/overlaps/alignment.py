"""CKA: similarity of two representations as a whole, linear kernel, without the bias of many features."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, IntArray, Points, as_points, whole_number
from dimscope.errors import InputError
from dimscope.estimates import Estimate, Status, no_estimate

CHUNK = 4096
GROUPS = 20
"""Groups of the jackknife; the error of the error is then about 16 %."""


class CKA:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "linear centred kernel alignment, debiased; 1 equal up to rotation and scale, 0 unrelated"
    source: ClassVar[str] = "Kornblith et al. 2019, arXiv 1905.00414; Song et al. 2012, JMLR 13, eq. 5"


def cka(points_a: ArrayLike, points_b: ArrayLike, *, debiased: bool = True, seed: int = 0) -> Estimate:
    """Linear CKA of two representations of the same examples, debiased.

    HSIC_u(A, B) / sqrt(HSIC_u(A, A) HSIC_u(B, B)), with HSIC_u the unbiased estimator on K = A A^T and L = B B^T, diagonals
    removed: [tr(K L) + 1'K1 1'L1 / ((n-1)(n-2)) - 2 1'K L 1 / (n-2)] / (n (n-3)). At most 1; 0 in expectation for unrelated
    examples, also when there are more features than examples (slightly negative values occur). Invariant to rotation, scale
    and shift of either side.

    With `debiased=False` the original form |A^T B|^2 / (|A^T A| |B^T B|) of the centred points, Frobenius norms, from 0 to 1:
    it is above 0 for unrelated examples, the more so the more features there are for n, and has no stated chance level.

    The standard error is a jackknife over 20 random groups. Cost O(n d_a d_b), no n x n matrix.

    Args:
        points_a: shape (n, d_a).
        points_b: the same examples, in the same order, shape (n, d_b).
        debiased: whether the unbiased HSIC is used.
        seed: of the grouping.

    Raises:
        InputError: different numbers of examples.
        UsageError: the seed is no whole number of at least 0.
    """
    a, b = as_points(points_a), as_points(points_b)
    if len(a) != len(b):
        raise InputError(f"{len(a)} and {len(b)} points were given; CKA needs the same examples in both.")
    n = len(a)
    if n < 2 * GROUPS:
        return no_estimate((n, n), n, Status.TOO_FEW)
    features_a, features_b = _centred(a), _centred(b)
    form = _debiased if debiased else _original
    value = form(features_a, features_b)
    if not np.isfinite(value):
        return no_estimate((n, n), n, Status.NO_SPREAD)
    order = np.random.default_rng(whole_number(seed, "seed", least=0)).permutation(n)
    parts = np.array_split(order, GROUPS)
    without: list[IntArray] = [np.sort(np.setdiff1d(order, part)) for part in parts]
    leave_out = np.array([form(features_a[rows], features_b[rows]) for rows in without])
    error = float(np.sqrt((GROUPS - 1) / GROUPS * ((leave_out - leave_out.mean()) ** 2).sum()))
    return Estimate(value, error, (n, n), n, chance=0.0 if debiased else float("nan"))


def _centred(points: Points) -> FloatArray:
    exact: FloatArray = np.asarray(points, dtype=np.float64)
    exact = exact - exact[0]  # points that do not vary are exactly 0 from here
    exact = exact - exact.mean(axis=0)
    top = np.abs(exact).max()
    return np.asarray(exact / top) if top > 0 else exact


def _debiased(a: FloatArray, b: FloatArray) -> float:
    own = _hsic(a, a) * _hsic(b, b)
    return float(_hsic(a, b) / np.sqrt(own)) if own > 0 else float("nan")


def _original(a: FloatArray, b: FloatArray) -> float:
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    own = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.linalg.norm(a.T @ b) ** 2 / own) if own > 0 else float("nan")


def _hsic(a: FloatArray, b: FloatArray) -> float:
    """The unbiased HSIC of linear kernels from features alone."""
    n = len(a)
    diagonal_a, diagonal_b = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    cross = np.zeros((a.shape[1], b.shape[1]))
    for start in range(0, n, CHUNK):
        cross += a[start : start + CHUNK].T @ b[start : start + CHUNK]
    rows_a, rows_b = a @ a.sum(axis=0) - diagonal_a, b @ b.sum(axis=0) - diagonal_b
    trace = (cross**2).sum() - diagonal_a @ diagonal_b
    spread = rows_a.sum() * rows_b.sum() / ((n - 1) * (n - 2))
    return float((trace + spread - 2 / (n - 2) * (rows_a @ rows_b)) / (n * (n - 3)))
