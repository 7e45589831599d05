"""Candidates in 16 bits: bounds stay bounds, and the nearest of the candidates are decided as elsewhere."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codes import cut_off, filled_up
from dimscope.knn.filters import Rows
from dimscope.knn.handover import close_folder, keep, open_folder
from dimscope.knn.join import Lists
from dimscope.knn.listed import Candidates, Listed, decide, listed, merged


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=300))
def test_bounds_are_kept_in_16_bits_stay_bounds_and_lose_little(values):
    """Without errors and blur the bound of a candidate is its distance in the filter."""
    squares = np.array(values, np.float32)
    n, none = len(squares), np.zeros(len(squares) + 1)
    rows = Rows(np.ones(n + 1, np.float32), np.zeros(n + 1, np.float32), none, none, np.arange(n + 1), 1.0, 1.0, 0.0)
    members = np.arange(1, n + 1, dtype=np.int32)[None]
    found = listed(
        0, 1, 1, Lists(0, np.array([n], np.int32), members, squares[None], np.array([np.inf]), np.zeros(1, np.float32)), rows
    )
    assert found.members.tolist() == list(range(n))
    bounds, lowers = np.sqrt(squares.astype(np.float64)), filled_up(found.lowers)
    assert (lowers <= bounds).all()
    held = (bounds >= 2.0**-19) & (bounds < 2.0**12)
    assert (lowers[held] >= bounds[held] * (1 - 2.0**-11 - 2.0**-20)).all()
    again = merged(np.array([0]), [Candidates((0, 1), ((0, n),), found)])
    np.testing.assert_array_equal(again.lowers, lowers)


def test_codes_keep_the_order_of_their_numbers():
    codes = np.arange(0, 65_536, 7, dtype=np.uint16)
    numbers = filled_up(codes)
    assert (np.diff(numbers) > 0).all()
    np.testing.assert_array_equal(cut_off(numbers), codes)


def test_lists_give_what_lies_within_the_radii():
    norms, errors = np.full(4, 1.0), np.full(4, 0.25)
    rows = Rows(np.ones(4, np.float32), np.zeros(4, np.float32), norms, errors, np.arange(4), 1.0, 1.0, 0.0)
    members = np.array([[2, 3, 1], [3, 0, 0]], np.int32)
    far = np.array([[4.0, 1.0, 9.0], [2.25, 0, 0]], np.float32)
    lists = Lists(0, np.array([3, 1], np.int32), members, far, np.array([1.6, 1.0]), np.zeros(2, np.float32))
    found = listed(0, 2, 1, lists, rows)
    # lower bounds: 2 - 0.5, 1 - 0.5 and 3 - 0.5 of row 0 (radius 1.6), 1.5 - 0.5 of row 1
    assert found.counts.tolist() == [2, 1]
    assert found.members.tolist() == [1, 2, 2]
    np.testing.assert_allclose(filled_up(found.lowers), [1.5, 0.5, 1.0], rtol=2.0**-10)


def parts_of(near, lowers, edges):
    """The listed candidates of each row, cut into stretches at these edges."""
    for first, last in pairwise(edges):
        rows = [
            [(j, lower) for j, lower in zip(*pair, strict=True) if first <= j < last] for pair in zip(near, lowers, strict=True)
        ]
        flat = [pair for row in rows for pair in row]
        counts = np.array([len(row) for row in rows], np.uint16)
        members = np.array([j - first for j, _ in flat], np.uint16)
        lists = Listed(counts, members, cut_off(np.array([lower for _, lower in flat], np.float32)))
        yield Candidates((0, len(rows)), ((first, last),), lists)


def test_the_nearest_candidates_are_found_and_proven_within_the_radius():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 5))
    order = rng.permutation(40)
    distances = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    chosen, k = order[:10], 4
    near = [[j for j in range(40) if order[j] != row] for row in chosen]
    lowers = [[0.9 * distances[row, order[j]] for j in line] for row, line in zip(chosen, near, strict=True)]
    radii = np.where(np.arange(10) % 2, np.inf, 0.0)
    names = order + 100
    found = merged(np.arange(10), list(parts_of(near, lowers, [0, 13, 30, 40])))
    squares, indices, certified = decide(points, chosen, order, names, found, radii, 1.0, k)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(distances[chosen], axis=1)[:, :k] + 100)
    np.testing.assert_allclose(np.sqrt(squares), np.sort(distances[chosen], axis=1)[:, :k], rtol=1e-14)
    np.testing.assert_array_equal(certified, np.isinf(radii))


def test_equal_distances_go_by_their_number_and_too_few_candidates_prove_nothing():
    points = np.array([[0.0], [1.0], [-1.0], [1.0]])
    found = merged(np.arange(2), list(parts_of([[3, 1, 2], [0]], [[0.5, 0.5, 0.5], [0.5]], [0, 2, 4])))
    names = np.array([10, 13, 12, 11])
    squares, indices, certified = decide(points, np.array([0, 1]), np.arange(4), names, found, np.full(2, np.inf), 1.0, 2)
    assert indices[0].tolist() == [11, 12]
    assert squares[0].tolist() == [1.0, 1.0]
    assert certified.tolist() == [True, False]


def some_candidates():
    """Rows 5 to 8 with 2, 0 and 3 candidates, numbered through rows 0 to 3 and 20 to 30."""
    lists = Listed(
        np.array([2, 0, 3], np.uint16), np.array([1, 4, 0, 2, 12], np.uint16), cut_off(np.arange(1, 6, dtype=np.float32))
    )
    return Candidates((5, 8), ((0, 3), (20, 30)), lists)


def test_lists_in_files_are_read_as_they_were():
    folder, whole = open_folder(), some_candidates()
    laid = whole._replace(lists=keep(folder, whole.lists))
    assert whole.read() is whole
    for found, expected in zip(laid.read().lists, whole.lists, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert laid.read()[:2] == whole[:2]
    close_folder(folder)
    assert laid.read() is None


def test_lists_of_some_rows():
    found = some_candidates().of(np.array([100, 7, 6, 2, 5]))
    assert (found.rows, found.columns) == (None, ((0, 3), (20, 30)))
    assert found.lists.counts.tolist() == [0, 3, 0, 0, 2]
    assert found.lists.members.tolist() == [0, 2, 12, 1, 4]
    assert filled_up(found.lists.lowers).tolist() == [3.0, 4.0, 5.0, 1.0, 2.0]
    assert some_candidates().of(np.array([4, 8])).lists.members.tolist() == []


@pytest.mark.parametrize("is_cut", [False, True])
def test_parts_are_merged_by_row_and_numbered_as_the_search_does(is_cut):
    chosen = np.array([8, 6, 7, 5])
    other = Listed(np.array([1, 0, 1], np.uint16), np.array([3, 9], np.uint16), cut_off(np.array([1.0, -2.0])))
    parts = [some_candidates(), Candidates((7, 10), ((40, 50),), other)]
    found = merged(chosen, [part.of(chosen) for part in parts] if is_cut else parts)
    rows = [
        [(found.members[p], found.lowers[p]) for start in found.starts for p in range(start[row], start[row + 1])]
        for row in range(4)
    ]
    assert rows == [[], [], [(0, 3.0), (2, 4.0), (29, 5.0), (43, 1.0)], [(1, 1.0), (21, 2.0)]]
    assert merged(np.array([9]), parts).lowers.tolist() == [0.0]


def test_merged_bounds_are_those_that_the_codes_stand_for():
    codes = np.r_[0, 1, np.arange(0, 65_536, 77)].astype(np.uint16)
    lists = Listed(np.array([len(codes)], np.uint16), np.zeros(len(codes), np.uint16), codes)
    np.testing.assert_array_equal(merged(np.array([0]), [Candidates((0, 1), ((0, 1),), lists)]).lowers, filled_up(codes))
