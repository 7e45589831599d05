"""Equal and nearly equal rows."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np

from dimscope.arrays import DuplicatePolicy, FloatArray, IntArray, Points
from dimscope.errors import UsageError
from dimscope.knn.base import Duplicates

NEAR_ROUNDINGS = 8.0
"""Two points this many roundings apart or nearer cannot be told apart: a vector that went through two different batch
shapes differs by 1 to 4 units of the last place of its norm (measured on MiniLM and GPT-2, float32)."""


def find_duplicates(points: Points, policy: DuplicatePolicy = "merge") -> Duplicates:
    """The equal rows of `points`, found by a 128-bit digest of each row and then compared number by number.

    0.0 and -0.0 are equal. Cost O(n d) time, O(n) memory beyond the points.

    Raises:
        UsageError: the policy is neither `merge` nor `keep`.
    """
    if policy not in ("merge", "keep"):
        raise UsageError(f'unknown duplicates policy "{policy}".  All: merge, keep')
    n = len(points)
    representative = np.arange(n, dtype=np.int64)
    first_seen: dict[bytes, int] = {}
    for row in range(n):
        vector = np.asarray(points[row]) + 0.0  # turns -0.0 into 0.0
        digest = blake2b(vector.tobytes(), digest_size=16).digest()
        first = first_seen.setdefault(digest, row)
        if first != row and np.array_equal(points[first], vector):
            representative[row] = first
    counts = np.bincount(representative, minlength=n)
    return Duplicates(representative, counts[representative].astype(np.int64), policy)


def with_near_duplicates(duplicates: Duplicates, points: Points, nearest: FloatArray) -> Duplicates:
    """The same map with the number of near-duplicates filled in.

    A point counts when 0 < r1 <= 8 eps |x|, with eps the spacing of the dtype of `points` at 1 and |x| the norm of the
    row as stored (rounding acts on the stored numbers, before any centring).

    Args:
        duplicates: the map of the input rows.
        points: the rows behind the table, shape (n, d).
        nearest: distance of each of them to its nearest neighbour, shape (n,).
    """
    eps = float(np.finfo(points.dtype).eps)
    norms = row_norms(points)
    near = (nearest > 0) & (nearest <= NEAR_ROUNDINGS * eps * norms)
    return replace(duplicates, n_near=int(near.sum()))


def row_norms(points: Points, chunk: int = 4096) -> FloatArray:
    """Euclidean norm of each row in float64, shape (n,), free of overflow and underflow."""
    norms = np.empty(len(points))
    for start in range(0, len(points), chunk):
        block = np.asarray(points[start : start + chunk], dtype=np.float64)
        top = np.abs(block).max(axis=1)
        safe = np.where(top > 0, top, 1.0)
        norms[start : start + chunk] = safe * np.sqrt(((block / safe[:, None]) ** 2).sum(axis=1)) * (top > 0)
    return norms


def position_of_rows(duplicates: Duplicates) -> IntArray:
    """Shape (n_rows,): the table row that stands for each input row."""
    position = np.full(duplicates.n_rows, -1, dtype=np.int64)
    rows = duplicates.rows
    position[rows] = np.arange(len(rows))
    return position if duplicates.policy == "keep" else position[duplicates.representative]
