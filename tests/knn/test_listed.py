"""Candidates in 16 bits: bounds stay bounds, and the nearest of the candidates are decided as elsewhere."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dimscope.knn import listed as module
from dimscope.knn.filters import Rows
from dimscope.knn.handover import close_folder, keep, open_folder
from dimscope.knn.join import Lists
from dimscope.knn.listed import Candidates, Listed, cut_off, decide, filled_up, listed, merged


@given(st.lists(st.floats(-10, 1e6, width=32), min_size=1))
def test_bounds_that_are_cut_off_stay_bounds_and_lose_little(values):
    lowers = np.array(values, np.float32)
    found = filled_up(cut_off(lowers))
    assert cut_off(lowers).dtype == np.uint16
    assert (found <= np.maximum(lowers, 0)).all()
    held = (lowers >= 2.0**-19) & (lowers < 2.0**12)
    assert (found[held] >= lowers[held] * (1 - 2.0**-11)).all()


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
    found = merged((0, 10), list(parts_of(near, lowers, [0, 13, 30, 40])))
    squares, indices, certified = decide(points, chosen, order, names, found, radii, 1.0, k, 7)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(distances[chosen], axis=1)[:, :k] + 100)
    np.testing.assert_allclose(np.sqrt(squares), np.sort(distances[chosen], axis=1)[:, :k], rtol=1e-14)
    np.testing.assert_array_equal(certified, np.isinf(radii))


def test_equal_distances_go_by_their_number_and_too_few_candidates_prove_nothing():
    points = np.array([[0.0], [1.0], [-1.0], [1.0]])
    found = merged((0, 2), list(parts_of([[3, 1, 2], [0]], [[0.5, 0.5, 0.5], [0.5]], [0, 2, 4])))
    names = np.array([10, 13, 12, 11])
    squares, indices, certified = decide(points, np.array([0, 1]), np.arange(4), names, found, np.full(2, np.inf), 1.0, 2, 1)
    assert indices[0].tolist() == [11, 12]
    assert squares[0].tolist() == [1.0, 1.0]
    assert certified.tolist() == [True, False]


def some_candidates():
    """Rows 5 to 8 with 2, 0 and 3 candidates, numbered through rows 0 to 3 and 20 to 30."""
    lists = Listed(
        np.array([2, 0, 3], np.uint16), np.array([1, 4, 0, 2, 12], np.uint16), cut_off(np.arange(1, 6, dtype=np.float32))
    )
    return Candidates((5, 8), ((0, 3), (20, 30)), lists)


def test_rows_are_cut_out_of_lists_in_memory_and_in_files():
    folder, whole = open_folder(), some_candidates()
    laid = whole._replace(lists=keep(folder, whole.lists))
    for part in (whole, laid):
        found = part.cut((6, 100))
        assert (found.rows, found.columns) == ((6, 8), whole.columns)
        assert found.lists.counts.tolist() == [0, 3]
        assert found.lists.members.tolist() == [0, 2, 12]
        assert filled_up(found.lists.lowers).tolist() == [3.0, 4.0, 5.0]
        assert part.cut((0, 6)).lists.members.tolist() == [1, 4]
    close_folder(folder)
    assert laid.cut((6, 100)) is None


def test_parts_with_other_rows_are_merged_by_row():
    other = Candidates(
        (7, 9), ((40, 50),), Listed(np.array([1, 1], np.uint16), np.array([3, 9], np.uint16), cut_off(np.ones(2)))
    )
    found = merged((4, 9), [some_candidates(), other])
    rows = [
        [(found.members[p], found.lowers[p]) for start in found.starts for p in range(start[row], start[row + 1])]
        for row in range(5)
    ]
    assert rows == [[], [(1, 1.0), (21, 2.0)], [], [(0, 3.0), (2, 4.0), (29, 5.0), (43, 1.0)], [(49, 1.0)]]


def test_rows_are_ordered_by_their_nearest_row_of_the_sample():
    found = merged((5, 8), [some_candidates()])
    assert module._closest(*found, 3).tolist() == [1, -1, 0]
    assert module._closest(*found, 1).tolist() == [-1, -1, 0]
