"""The smallest of some numbers, against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.knn import smallest

RNG = np.random.default_rng(3)
SELECT = {"float64": smallest.select, "float32": smallest.select_float32}


@pytest.mark.parametrize("dtype", SELECT)
@pytest.mark.parametrize(
    "values",
    [
        RNG.exponential(size=301), np.zeros(50), np.full(9, np.inf), np.arange(64.0)[::-1], RNG.integers(0, 5, 200) * 1.0,
        np.array([0.0, 1e-38, 1e38, np.inf, 3.0]), np.array([5.0]), 10.0 ** RNG.uniform(-30, 30, 100),
    ],
    ids=["exponential", "zeros", "infinite", "descending", "few", "extremes", "one", "wide"],
)  # fmt: skip
def test_every_rank_is_found(values, dtype):
    values = values.astype(dtype)
    for k in {0, 1, len(values) // 2, len(values) - 1} & set(range(len(values))):
        work = values.copy()
        found = SELECT[dtype](work, len(work), k)
        assert found == np.sort(values)[k]
        np.testing.assert_array_equal(work, values)  # nothing is moved


@pytest.mark.parametrize("dtype", SELECT)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(0, width=32) | st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=60), data=st.data())
def test_select_is_a_place_in_the_sorted_values(values, data, dtype):
    n = data.draw(st.integers(1, len(values)))
    k = data.draw(st.integers(0, n - 1))
    values = np.array(values, dtype)
    assert SELECT[dtype](values, n, k) == np.sort(values[:n])[k]


@pytest.mark.parametrize("dtype", SELECT)
def test_a_negative_number_passes_for_0(dtype):
    values = np.array([3.0, -2.0, -1e-30, -0.0, 7.0], dtype)
    assert [float(SELECT[dtype](values, 5, k)) for k in range(5)] == [0, 0, 0, 3, 7]
    assert SELECT[dtype](-np.ones(3, dtype), 3, 1) == 0


def test_one_rank_in_every_row():
    rows, found = RNG.exponential(size=(40, 77)).astype(np.float32), np.empty(40)
    smallest.select_in_rows(rows, 12, found)
    np.testing.assert_array_equal(found, np.sort(rows, axis=1)[:, 12])


@pytest.mark.parametrize("k", [1, 7, 40])
def test_the_smallest_are_ordered_by_value_then_index(k):
    values = RNG.integers(0, 6, 200) * 1.0
    values[17] = np.inf
    names = RNG.permutation(200)
    best, found = np.empty(k), np.empty(k, np.int64)
    smallest.take_smallest(values, names, best, found)
    order = np.lexsort((names, values))[:k]
    np.testing.assert_array_equal(best, values[order])
    np.testing.assert_array_equal(found, names[order])


@pytest.mark.parametrize("is_tied", [True, False])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 100, smallest.RANKED, smallest.RANKED + 1, 3000])
def test_take_smallest_sorts_everything(n, is_tied):
    rng = np.random.default_rng(n)
    values, names = rng.integers(0, n // 2 + 1, n).astype(float) if is_tied else rng.exponential(size=n), rng.permutation(n)
    best, found = np.empty(n), np.empty(n, np.int64)
    smallest.take_smallest(values, names, best, found)
    np.testing.assert_array_equal(found, names[np.lexsort((names, values))])
    np.testing.assert_array_equal(best, np.sort(values))
