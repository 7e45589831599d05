"""All distances, one row at a time in float64: what the search engines are compared with."""

from contextlib import contextmanager

import numpy as np
import pytest

from dimscope.knn import join, on_tiles

KINDS = (
    "isotropic", "grid", "shifted", "constant columns", "huge column", "far rows", "twins", "few distinct", "near twins",
    "tiny", "huge",
)  # fmt: skip
"""What `cloud` can make; of `grid`, `twins` and `few distinct` equal distances are equal to the last bit."""


@contextmanager
def small_tiles(rows):
    """Tiles of so few rows that some hundred points make many of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "BLOCK", rows)
        patch.setattr(on_tiles, "BLOCK", rows)
        yield


def cloud(kind, n, d, seed):
    """Float64 points (n, d) of a kind, without rows that are all equal."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, d))
    if kind == "grid":
        points = rng.integers(0, 3, (n, d)).astype(float)
    elif kind == "shifted":
        points += 1e6
    elif kind == "constant columns":
        points[:, 1::2] = 7
    elif kind == "huge column":
        points[:, 0] *= 1e6
    elif kind == "far rows":
        points[:2] *= 1e8
    elif kind == "twins":
        points[n // 2 :] = points[: n - n // 2]
    elif kind == "few distinct":
        points = points[rng.integers(0, min(3, n), n)]
    elif kind == "near twins":
        points[n // 2 :] = points[: n - n // 2] * (1 + 1e-6)
    points *= {"tiny": 1e-30, "huge": 1e30}.get(kind, 1.0)
    points[-1] = 2 * points[0] + (0 if points[0].any() else 1)
    return points


def squares_of(queries, base):
    """All squared distances (n_queries, n_base), and the exponent e of the scale 4^e in which they stand."""
    queries, base = np.asarray(queries, dtype=np.float64), np.asarray(base, dtype=np.float64)
    exponent = int(np.frexp(max(np.abs(queries).max(), np.abs(base).max()))[1])
    there = np.ldexp(base, -exponent)
    rows = [((there - row) ** 2).sum(axis=1) for row in np.ldexp(queries, -exponent)]
    return np.array(rows), exponent


def all_others(points):
    """For every point all others, nearest first, ties by index, with their distances: two arrays (n, n - 1)."""
    squares, exponent = squares_of(points, points)
    np.fill_diagonal(squares, np.inf)
    indices = np.argsort(squares, axis=1, kind="stable")[:, :-1]
    return indices, np.ldexp(np.sqrt(np.take_along_axis(squares, indices, axis=1)), exponent)


def assert_nearest(found, points, k):
    """Indices and distances are those of brute force; indices may differ where distances agree to the last bits."""
    indices, distances = all_others(points)
    assert_same(found, (indices[:, :k], distances[:, :k]), points)


def assert_same(found, expected, base, queries=None):
    """As `assert_nearest`, for answers that are known."""
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-13)
    differs = found[0] != expected[0]
    if differs.any():
        squares, exponent = squares_of(base if queries is None else queries, base)
        own = np.ldexp(np.sqrt(np.take_along_axis(squares, found[0], axis=1)), exponent)
        # Sums of squares in another order round otherwise: such a pair of distances is equal to 14 digits, but not exactly.
        np.testing.assert_allclose(own[differs], expected[1][differs], rtol=1e-14)
        assert (own[differs] != expected[1][differs]).all()
    for row in found[0]:
        assert len(set(row.tolist())) == len(row)
