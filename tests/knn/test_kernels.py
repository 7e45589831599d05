import numpy as np
import pytest

from dimscope.knn import kernels

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_differences_are_those_of_float64(n, dtype):
    points = RNG.normal(size=(20, 33)).astype(dtype)
    places, out = RNG.integers(0, 20, n), np.full(n, np.nan)
    kernels.differences(points[0].astype(np.float64), points, places, n, out)
    exact = points.astype(np.float64)
    np.testing.assert_allclose(out, ((exact[places] - exact[0]) ** 2).sum(axis=1), rtol=1e-14)
    alone = np.empty(1)
    for place, value in zip(places, out, strict=True):
        kernels.differences(points[0].astype(np.float64), points, np.array([place]), 1, alone)
        assert alone[0] == value  # the same bits, wherever in a round of four a pair stands


@pytest.mark.parametrize(
    "values", [RNG.normal(size=301), np.zeros(50), np.arange(64.0)[::-1].copy(), RNG.integers(0, 5, 200) * 1.0]
)
def test_select_finds_every_rank(values):
    for k in (0, 1, len(values) // 2, len(values) - 1):
        work = values.copy()
        assert kernels.select(work, len(work), k) == np.sort(values)[k]
        assert (work[:k] <= work[k]).all()
        assert (work[k:] >= work[k]).all()


@pytest.mark.parametrize("k", [1, 7, 40])
def test_the_smallest_are_ordered_by_value_then_index(k):
    values = RNG.integers(0, 6, 200) * 1.0
    values[17] = np.inf
    names = RNG.permutation(200)
    best, found = np.empty(k), np.empty(k, np.int64)
    kernels.take_smallest(values, names, best, found)
    order = np.lexsort((names, values))[:k]
    np.testing.assert_array_equal(best, values[order])
    np.testing.assert_array_equal(found, names[order])


def test_nearest_of_a_row_leaves_itself_out():
    points = RNG.normal(size=(30, 5))
    squares, indices = np.empty(4), np.empty(4, np.int64)
    kernels.nearest_of_row(points[3].copy(), points, np.arange(30), 3, squares, indices)
    expected = ((points - points[3]) ** 2).sum(axis=1)
    expected[3] = np.inf
    np.testing.assert_array_equal(indices, np.argsort(expected)[:4])
    np.testing.assert_allclose(squares, np.sort(expected)[:4], rtol=1e-14)
