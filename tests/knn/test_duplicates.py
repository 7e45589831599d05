"""Equal and nearly equal rows against a comparison of all pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import dimscope.knn.duplicates as duplicates_module
from dimscope import neighbors
from dimscope.errors import UsageError
from dimscope.knn.duplicates import find_duplicates, position_of_rows, row_norms, row_peaks, with_near_duplicates

SMALL = st.sampled_from([0.0, -0.0, 1.0, 1.0 + 2**-52, -1.0, 5e-324])


@settings(max_examples=30, deadline=None)
@given(points=arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 2)), elements=SMALL))
def test_equals_a_comparison_of_all_pairs(points):
    equal = (points[:, None] == points[None, :]).all(axis=2)
    found = find_duplicates(points)
    np.testing.assert_array_equal(found.representative, equal.argmax(axis=1))
    np.testing.assert_array_equal(found.multiplicity, equal.sum(axis=1))
    assert found.n_unique == len({tuple(row + 0.0) for row in points})


@pytest.mark.parametrize("policy", ["merge", "keep"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_d_is_a_with_its_first_rows_again(recipes, policy, dtype):
    found = find_duplicates(recipes["D"].astype(dtype), policy)
    np.testing.assert_array_equal(found.representative, np.r_[np.arange(400), np.arange(20)])
    np.testing.assert_array_equal(found.multiplicity, np.r_[np.full(20, 2), np.ones(380), np.full(20, 2)])
    np.testing.assert_array_equal(found.rows, np.arange(400 if policy == "merge" else 420))


def test_rows_that_share_a_hash_are_still_compared(monkeypatch):
    monkeypatch.setattr(duplicates_module, "_hash_rows", lambda points: np.zeros(len(points), np.uint64))
    found = find_duplicates(np.array([[1.0], [2.0], [1.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(found.representative, [0, 1, 0, 1, 4])


def test_a_view_with_strides_and_a_memory_map_are_read_right(tmp_path, recipes):
    wide = np.zeros((420, 24))
    wide[:, ::2] = recipes["D"]
    assert find_duplicates(wide[:, ::2]).n_unique == 400
    np.save(tmp_path / "points.npy", recipes["D"])
    assert find_duplicates(np.load(tmp_path / "points.npy", mmap_mode="r")).n_unique == 400


def test_unknown_policies_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r'^unknown duplicates policy "drop"\.  All: merge, keep$'):
        find_duplicates(np.zeros((2, 1)), "drop")


@pytest.mark.parametrize(("policy", "positions"), [("merge", [0, 1, 2, 1, 3, 0]), ("keep", [0, 1, 2, 3, 4, 5])])
def test_positions_point_to_the_row_that_stands_for_each_example(policy, positions):
    points = np.array([[1.0], [2.0], [3.0], [2.0], [4.0], [1.0]])
    np.testing.assert_array_equal(position_of_rows(find_duplicates(points, policy)), positions)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_near_duplicates_lie_within_eight_roundings_of_the_norm(dtype):
    eps = float(np.finfo(dtype).eps)
    # Pairs 4 and 16 roundings apart at norm 1, far from each other; and a pair of equal distance at norm 0 (not near).
    points = np.array([[1, 0], [1, 4 * eps], [-1, 0], [-1, 16 * eps], [0, 1]], dtype=dtype)
    found = neighbors(points, 1).duplicates
    assert (found.n_near, found.n_merged) == (2, 0)


def test_equal_rows_that_are_kept_are_no_near_duplicates():
    table = neighbors(np.array([[1.0], [1.0], [2.0]]), 1, duplicates="keep")
    assert (table.duplicates.n_near, table.duplicates.n_merged) == (0, 1)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_near_duplicates_do_not_depend_on_the_unit(scale):
    rng = np.random.default_rng(0)
    points = rng.standard_normal((100, 20)).astype(np.float32)
    points[90:] = points[:10] * (1 + np.float32(2**-23))
    assert neighbors(points * np.float32(scale), 1).duplicates.n_near == 20


def test_the_norm_is_that_of_the_stored_row_not_of_the_centred_one():
    points = np.array([[1e4], [1e4 + 1e-3], [1e4 + 5]], dtype=np.float32)
    found = with_near_duplicates(find_duplicates(points), points, np.array([1e-3, 1e-3, 5.0]))
    assert found.n_near == 2


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e300])
def test_norms_neither_overflow_nor_vanish(scale):
    points = np.random.default_rng(1).random((10, 7))
    expected = np.array([np.sqrt(sum(number**2 for number in row)) for row in points]) * scale
    np.testing.assert_allclose(row_norms(points * scale, chunk=3), expected, rtol=1e-14)


def test_norms_of_zero_rows_are_zero_and_of_float16_rows_are_exact():
    points = np.array([[0, 0], [60000, 60000], [3, 4]], dtype=np.float16)
    np.testing.assert_allclose(row_norms(points), [0, np.float64(np.float16(60000)) * np.sqrt(2), 5], rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_peaks_are_the_largest_absolute_numbers_of_rows(dtype):
    points = np.random.default_rng(3).normal(size=(20, 7)).astype(dtype)
    points[4] = 0
    np.testing.assert_array_equal(row_peaks(points, chunk=6), np.abs(points.astype(np.float64)).max(axis=1))
