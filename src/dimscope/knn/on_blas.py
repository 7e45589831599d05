"""Exact neighbours for few points, and for inner products: whole rows of a float32 product propose, float64 decides.

1. A copy of the points is scaled by a power of two and centred (not for inner products), and rounded to float32. Neighbours are
   decided on the points as given, in float64.
2. For a block of rows the product gives a lower bound s_ij of every score (squared distance or negative inner product). With
   u = 2^-24 the product is off by at most gamma |x_i||x_j|, gamma = (d + 8) u / (1 - (d + 8) u), in any order of summation,
   the rounding of the inputs included (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). So with
   blur = gamma + 8 u (the other roundings), (1 - blur)(|x_i|^2 + |x_j|^2) - 2 p_ij is at most the squared distance, because
   2 |x_i||x_j| <= |x_i|^2 + |x_j|^2, and -p_ij - blur |x_i||x_j| at most the negative inner product.
3. The m = k + margin smallest s_ij are kept and computed again in float64.
4. Let t be the largest kept s_ij. Every point left out has a score of at least t. If that exceeds the k-th score found, no true
   neighbour was left out: the row is certified. Every other row is computed again in float64 without a filter.

Nothing is compiled, so the first call is quick; `dimscope.knn.on_tiles` is quicker from a few thousand points on.
"""

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.errors import InputError
from dimscope.knn.centre import centre_of
from dimscope.knn.rounding import UNIT32

BLOCK_ENTRIES = 8_000_000
"""Entries of one block of approximate scores (32 MB in float32)."""
REFINE_ENTRIES = 2_000_000
"""Coordinates gathered at a time for the decision (16 MB in float64)."""
TINY = 1e-30
"""Covers what float32 loses to underflow: the points are scaled to a spread, or size, of about 1."""


def search(
    points: Points, k: int, *, rows: IntArray | None = None, asked: IntArray | None = None, ranks: tuple[int, ...] = (),
    inner: bool = False,
) -> tuple[IntArray, FloatArray, FloatArray]:  # fmt: skip
    """The k nearest other points of every chosen row, ties by index; see `dimscope.knn.on_tiles.search`.

    Deterministic; peak memory beyond the points: one float64 and one float32 copy plus about 100 MB.

    Args:
        points: finite, shape (n_rows, d).
        k: 1 to n - 1.
        rows: the chosen rows, ascending; default: all.
        asked: positions within `rows` that are answered, in the order of the answer; default: all.
        ranks: ranks at which the distance is wanted too.
        inner: order by negative inner product, which is returned in place of the distance.
    """
    chosen = np.asarray(points if rows is None else points[rows])
    exact, exponent = scaled(chosen, by_spread=not inner)
    n, depth = len(exact), max(k, *ranks) if ranks else k
    centred = exact if inner else exact - centre_of(exact)[0]
    squares = np.einsum("ij,ij->i", centred, centred)
    approximate = centred.astype(np.float32)
    gamma = (exact.shape[1] + 8) * UNIT32
    blur = gamma / (1 - gamma) + 8 * UNIT32
    answered = np.arange(n) if asked is None else asked
    indices, scores = np.empty((len(answered), k), np.int64), np.empty((len(answered), k))
    at_ranks, wanted = np.empty((len(answered), len(ranks))), np.array(ranks, dtype=np.int64) - 1
    height = max(1, BLOCK_ENTRIES // n)
    for start in range(0, len(answered), height):
        part = answered[start : start + height]
        bounds = _lower_bounds(approximate, squares, part, blur, inner)
        candidates, thresholds = _propose(bounds, depth)
        for line, row, keep, threshold in zip(range(start, len(answered)), part, candidates, thresholds, strict=False):
            found, score = _decide(exact, row, keep, depth, inner)
            if len(keep) < n - 1 and not threshold - TINY > score[-1]:
                found, score = _decide(exact, row, np.delete(np.arange(n), row), depth, inner)
            indices[line], scores[line], at_ranks[line] = found[:k], score[:k], score[wanted]
    if inner:
        with np.errstate(over="ignore"):
            scores, at_ranks = np.ldexp(scores, 2 * exponent), np.ldexp(at_ranks, 2 * exponent)
        if not np.isfinite(scores).all() or not np.isfinite(at_ranks).all():
            raise InputError(
                f"inner products of numbers up to {np.abs(exact).max() * 2.0**exponent:.0e} overflow; scale the points."
            )
        return indices, scores, at_ranks
    return indices, np.ldexp(np.sqrt(scores), exponent), np.ldexp(np.sqrt(at_ranks), exponent)


def scaled(points: Points, by_spread: bool = True) -> tuple[FloatArray, int]:
    """The points in float64 over a power of two that brings their spread, or their size, near 1, and its exponent."""
    exact = np.asarray(points, dtype=np.float64)
    size = float((exact.max(axis=0) / 2 - exact.min(axis=0) / 2).max() if by_spread else np.abs(exact).max())
    exponent = int(np.frexp(size)[1]) if size > 0 else 0
    return np.ldexp(exact, -exponent), exponent


def _lower_bounds(approximate: Points, squares: FloatArray, part: IntArray, blur: float, inner: bool) -> np.ndarray:
    """Lower bounds of the scores of some rows with all, float32; infinite for a row with itself."""
    bounds: np.ndarray = np.float32(-1.0 if inner else -2.0) * (approximate[part] @ approximate.T)
    if inner:
        norms = np.sqrt(squares)
        bounds -= np.multiply.outer((blur * norms[part]).astype(np.float32), norms.astype(np.float32))
    else:
        bounds += ((1 - blur) * squares).astype(np.float32)
        bounds += ((1 - blur) * squares[part]).astype(np.float32)[:, None]
    bounds[np.arange(len(part)), part] = np.inf
    return bounds


def _propose(bounds: np.ndarray, k: int) -> tuple[IntArray, FloatArray]:
    """The points with the smallest bounds of each row, some more than k, and the largest bound among them."""
    count = min(bounds.shape[1] - 1, k + max(8, k // 4))
    kept = np.argpartition(bounds, count - 1, axis=1)[:, :count].astype(np.int64)
    return kept, np.take_along_axis(bounds, kept, axis=1).max(axis=1).astype(np.float64)


def _decide(exact: FloatArray, row: int, candidates: IntArray, k: int, inner: bool) -> tuple[IntArray, FloatArray]:
    scores = np.empty(len(candidates))
    height = max(1, REFINE_ENTRIES // exact.shape[1])
    for start in range(0, len(candidates), height):
        others = exact[candidates[start : start + height]]
        if inner:
            scores[start : start + height] = -np.einsum("ij,j->i", others, exact[row])
        else:
            difference = others - exact[row]
            scores[start : start + height] = np.einsum("ij,ij->i", difference, difference)
    order = np.lexsort((candidates, scores))[:k]
    return candidates[order], scores[order]
