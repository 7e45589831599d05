"""Exact Euclidean neighbours: a float32 matrix product proposes, float64 differences decide, a bound proves.

1. The points are scaled by a power of two (exact) so that nothing over- or underflows. A copy of them is centred in float64
   and rounded to float32 for the filter; neighbours are decided on differences of the uncentred float64 rows.
2. For a block of rows the product gives approximate squared distances s_ij = |c_i|^2 + |c_j|^2 - 2 c_i.c_j. With u the unit
   roundoff of float32, |s_ij - d_ij^2| <= e_i, where e_i collects the rounding of the inputs, of the product in any order of
   summation (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1) and of the final sum.
3. The m = k + margin smallest s_ij are kept and their distances computed again from float64 differences.
4. Let t be the largest kept s_ij. Every point left out has d^2 >= t - e_i. If that exceeds the k-th refined d^2, no true
   neighbour was left out: the row is certified. Every other row is computed again in float64 without a filter.
"""

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points

BLOCK_ENTRIES = 8_000_000
"""Entries of one block of approximate distances (32 MB in float32)."""
REFINE_ENTRIES = 2_000_000
"""Coordinates gathered at a time for refinement (16 MB in float64)."""
UNIT32 = 2.0**-24


def search(points: Points, k: int, *, metric: str = "euclidean") -> tuple[IntArray, FloatArray]:
    """The k nearest other rows of every row, decided in float64, ties by index.

    Deterministic; peak memory beyond the points: one float64 and one float32 copy plus about 100 MB.

    Args:
        points: finite, shape (n, d).
        k: 1 to n - 1.
        metric: only `euclidean`.

    Returns:
        Indices (n, k) int64 and distances (n, k) float64.
    """
    del metric
    n = len(points)
    exact, exponent = scaled(points)
    centred = exact - exact.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    approximate = centred.astype(np.float32)
    bounds = _error_bounds(squares, points.shape[1])
    indices = np.empty((n, k), dtype=np.int64)
    squared = np.empty((n, k))
    height = max(1, BLOCK_ENTRIES // n)
    for start in range(0, n, height):
        stop = min(start + height, n)
        candidates, thresholds = _propose(approximate, squares, start, stop, k)
        for row in range(start, stop):
            keep = candidates[row - start]
            indices[row], squared[row] = _decide(exact, row, keep, k)
            certified = len(keep) == n - 1 or thresholds[row - start] - bounds[row] > squared[row, -1]
            if not certified:
                others = np.delete(np.arange(n), row)
                indices[row], squared[row] = _decide(exact, row, others, k)
    return indices, np.ldexp(np.sqrt(squared), exponent)


def scaled(points: Points) -> tuple[FloatArray, int]:
    """The points in float64 over a power of two that brings their spread near 1, and its exponent."""
    exact = np.asarray(points, dtype=np.float64)
    spread = float((exact.max(axis=0) / 2 - exact.min(axis=0) / 2).max())
    exponent = int(np.frexp(spread)[1]) if spread > 0 else 0
    return np.ldexp(exact, -exponent), exponent


def _error_bounds(squares: FloatArray, d: int) -> FloatArray:
    """Bound on |s_ij - d_ij^2| over all j, shape (n,)."""
    norms = np.sqrt(squares)
    top = float(norms.max())
    gamma = (d + 8) * UNIT32 / (1 - (d + 8) * UNIT32)
    return 2 * gamma * norms * top + 8 * UNIT32 * (norms + top) ** 2


def _propose(approximate: Points, squares: FloatArray, start: int, stop: int, k: int) -> tuple[IntArray, FloatArray]:
    n = len(approximate)
    short = np.float32(-2.0) * (approximate[start:stop] @ approximate.T)
    short += squares.astype(np.float32)[None, :]
    short += squares[start:stop].astype(np.float32)[:, None]
    short[np.arange(stop - start), np.arange(start, stop)] = np.inf
    count = min(n - 1, k + max(8, k // 4))
    kept = np.argpartition(short, count - 1, axis=1)[:, :count].astype(np.int64)
    thresholds = np.take_along_axis(short, kept, axis=1).max(axis=1).astype(np.float64)
    return kept, thresholds


def _decide(exact: FloatArray, row: int, candidates: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    squared = np.empty(len(candidates))
    height = max(1, REFINE_ENTRIES // exact.shape[1])
    for start in range(0, len(candidates), height):
        difference = exact[candidates[start : start + height]] - exact[row]
        squared[start : start + height] = np.einsum("ij,ij->i", difference, difference)
    order = np.lexsort((candidates, squared))[:k]
    return candidates[order], squared[order]
