"""Neighbours among chosen members, against searching among the members alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope import neighbors
from dimscope.errors import InputError
from dimscope.overlaps.base import among, common_examples, first_allowed, first_members, shared_counts


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(12, 60), k=st.integers(1, 5))
def test_first_members_are_what_a_search_among_them_finds(seed, n, k):
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2))
    members = np.sort(rng.choice(n, size=int(rng.integers(k + 1, n + 1)), replace=False))
    alone = neighbors(points[members], k).indices
    whole = first_members(neighbors(points, n - 1), members, k)
    np.testing.assert_array_equal(whole.points, np.arange(len(members)))
    np.testing.assert_array_equal(whole.neighbors, alone)
    narrow = first_members(neighbors(points, min(2 * k, n - 1)), members, k)
    assert narrow.n_dropped == len(members) - len(narrow.points)
    np.testing.assert_array_equal(narrow.neighbors, alone[narrow.points])


def test_points_with_short_lists_are_dropped_and_counted():
    lists = np.array([[1, 2, 3], [0, 2, 3], [3, 1, 0]])
    allowed = np.array([[True, False, True], [False, False, True], [True, True, True]])
    found = first_allowed(lists, allowed, 2)
    np.testing.assert_array_equal(found.points, [0, 2])
    np.testing.assert_array_equal(found.neighbors, [[1, 3], [3, 1]])
    assert found.n_dropped == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 8))
def test_shared_counts_are_sizes_of_intersections(seed, k):
    rng = np.random.default_rng(seed)
    a, b = (np.array([rng.permutation(12)[:k] for _ in range(15)]) for _ in range(2))
    expected = [len(set(x) & set(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_array_equal(shared_counts(a, b), expected)


def test_common_examples_are_distinct_in_both():
    a = neighbors(np.array([[0.0], [1.0], [0.0], [4.0], [9.0]]), 2)  # row 2 repeats row 0
    b = neighbors(np.array([[0.0], [1.0], [2.0], [2.0], [9.0]]), 2)  # row 3 repeats row 2
    found = common_examples(a, b)
    np.testing.assert_array_equal(found.rows, [0, 1, 4])
    np.testing.assert_array_equal(found.rows_a, [0, 1, 3])
    np.testing.assert_array_equal(found.rows_b, [0, 1, 3])


def test_different_numbers_of_examples_are_refused():
    a, b = neighbors(np.eye(5), 2), neighbors(np.eye(6), 2)
    with pytest.raises(InputError, match=r"^5 and 6 examples were given; an overlap needs the same examples in the same order"):
        common_examples(a, b)


def test_among_renumbers_and_marks_strangers():
    lists = np.array([[4, 7], [7, 2], [2, 9]])
    np.testing.assert_array_equal(among(np.array([2, 4, 7]), lists, 10), [[1, 2], [2, 0], [0, -1]])
    whole = np.array([[1, 2], [0, 2], [1, 0]])
    np.testing.assert_array_equal(among(np.arange(3), whole, 3), whole)
