"""Equal and nearly equal rows."""

from dataclasses import replace

import numpy as np

from dimscope.arrays import DuplicatePolicy, FloatArray, IntArray, Points
from dimscope.errors import UsageError
from dimscope.knn.base import Duplicates

HASHED_ROWS = 512
NEAR_ROUNDINGS = 8.0
"""Two points this many roundings apart or nearer cannot be told apart: a vector that went through two different batch
shapes differs by 1 to 4 units of the last place of its norm (measured on MiniLM and GPT-2, float32)."""


def find_duplicates(points: Points, policy: DuplicatePolicy = "merge") -> Duplicates:
    """The equal rows of `points`: rows with equal 64-bit hashes, compared number by number.

    0.0 and -0.0 are equal. Cost O(n d) time, O(n) memory beyond the points.

    Raises:
        UsageError: the policy is neither `merge` nor `keep`.
    """
    if policy not in ("merge", "keep"):
        raise UsageError(f'unknown duplicates policy "{policy}".  All: merge, keep')
    n = len(points)
    representative = np.arange(n, dtype=np.int64)
    hashes = _hash_rows(points)
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]]) + 1
    for together in np.split(order, np.setdiff1d(np.arange(1, n), same)) if len(same) else []:
        if len(together) > 1:
            representative[together] = _first_equal(points, together)
    counts = np.bincount(representative, minlength=n)
    return Duplicates(representative, counts[representative].astype(np.int64), policy)


def _hash_rows(points: Points) -> np.ndarray:
    """A 64-bit hash of each row: its words times fixed random odd numbers, summed modulo 2^64."""
    unsigned = np.dtype(f"u{points.dtype.itemsize}")
    factors = np.random.default_rng(0).integers(0, 2**63, points.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    hashes = np.empty(len(points), np.uint64)
    for start in range(0, len(points), HASHED_ROWS):
        block = np.ascontiguousarray(points[start : start + HASHED_ROWS] + points.dtype.type(0))  # turns -0.0 into 0.0
        words = block.astype(block.dtype.newbyteorder("="), copy=False).view(unsigned).astype(np.uint64)
        words *= factors
        hashes[start : start + HASHED_ROWS] = words.sum(axis=1, dtype=np.uint64)
    return hashes


def _first_equal(points: Points, rows: IntArray) -> list[int]:
    """For ascending rows with the same hash: the first of them that is equal to each."""
    first: list[int] = []
    distinct: list[int] = []
    for row in rows:
        found = next((known for known in distinct if np.array_equal(points[known], points[row])), int(row))
        if found == row:
            distinct.append(found)
        first.append(found)
    return first


def with_near_duplicates(duplicates: Duplicates, points: Points, nearest: FloatArray, eps: float | None = None) -> Duplicates:
    """The same map with the number of near-duplicates filled in.

    A point counts when 0 < r1 <= 8 eps |x|, with eps the spacing of the stored dtype at 1 and |x| the norm of the row as
    stored (rounding acts on the stored numbers, before any centring).

    Args:
        duplicates: the map of the input rows.
        points: the input rows, shape (n_rows, d).
        nearest: distance of each table row to its nearest neighbour, shape (n,).
        eps: spacing of the dtype in which the points were stored; default: that of `points`.
    """
    limit = NEAR_ROUNDINGS * (float(np.finfo(points.dtype).eps) if eps is None else eps)
    peak = max(float(np.abs(points[start : start + HASHED_ROWS]).max()) for start in range(0, len(points), HASHED_ROWS))
    longest = np.sqrt(points.shape[1]) * peak  # no norm is larger: most rows need no look at their own
    suspects = np.flatnonzero((nearest > 0) & (nearest <= limit * longest))
    near = nearest[suspects] <= limit * row_norms(points[duplicates.rows[suspects]])
    return replace(duplicates, n_near=int(near.sum()))


def row_norms(points: Points, chunk: int = 256, peaks: FloatArray | None = None) -> FloatArray:
    """Euclidean norm of each row in float64, shape (n,), free of overflow and underflow; `peaks` are `row_peaks`, if known."""
    norms = np.empty(len(points))
    is_harmless = points.dtype.itemsize <= 4  # squares of such numbers are representable in float64
    if is_harmless or peaks is None:
        peaks = np.ones(len(points)) if is_harmless else row_peaks(points, chunk)
    safe = np.where(peaks > 0, peaks, 1.0)
    for start in range(0, len(points), chunk):
        part = slice(start, start + chunk)
        block = points[part].astype(np.float64)
        if not is_harmless:
            block /= safe[part, None]
        norms[part] = peaks[part] * np.sqrt(np.einsum("ij,ij->i", block, block))
    return norms


def row_peaks(points: Points, chunk: int = 256) -> FloatArray:
    """The largest absolute number of each row, shape (n,)."""
    peaks = np.empty(len(points))
    for start in range(0, len(points), chunk):
        block = points[start : start + chunk]
        peaks[start : start + chunk] = np.abs(block).max(axis=1)
    return peaks


def position_of_rows(duplicates: Duplicates) -> IntArray:
    """Shape (n_rows,): the table row that stands for each input row."""
    position = np.full(duplicates.n_rows, -1, dtype=np.int64)
    rows = duplicates.rows
    position[rows] = np.arange(len(rows))
    return position if duplicates.policy == "keep" else position[duplicates.representative]
