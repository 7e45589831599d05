"""Candidates in 16 bits: bounds stay bounds, and the nearest of the candidates are decided as elsewhere."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
        yield ((first, last),), lists


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
    found = merged(list(parts_of(near, lowers, [0, 13, 30, 40])))
    squares, indices, certified = decide(points, chosen, order, names, found, radii, 1.0, k)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(indices, np.argsort(distances[chosen], axis=1)[:, :k] + 100)
    np.testing.assert_allclose(np.sqrt(squares), np.sort(distances[chosen], axis=1)[:, :k], rtol=1e-14)
    np.testing.assert_array_equal(certified, np.isinf(radii))


def test_equal_distances_go_by_their_number_and_too_few_candidates_prove_nothing():
    points = np.array([[0.0], [1.0], [-1.0], [1.0]])
    found = merged(list(parts_of([[3, 1, 2], [0]], [[0.5, 0.5, 0.5], [0.5]], [0, 2, 4])))
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


def test_lists_of_some_rows_in_memory_and_in_files():
    folder, whole = open_folder(), some_candidates()
    laid = whole._replace(lists=keep(folder, whole.lists))
    for part in (whole, laid):
        found = part.of(np.array([100, 7, 6, 2, 5]))
        assert found.counts.tolist() == [0, 3, 0, 0, 2]
        assert found.members.tolist() == [0, 2, 12, 1, 4]
        assert filled_up(found.lowers).tolist() == [3.0, 4.0, 5.0, 1.0, 2.0]
        assert part.of(np.array([4, 8])).members.tolist() == []
    close_folder(folder)
    assert laid.of(np.array([5])) is None


def test_parts_are_merged_by_row_and_numbered_as_the_search_does():
    first = some_candidates().of(np.array([6, 7, 8]))
    other = Listed(np.array([0, 1, 1], np.uint16), np.array([3, 9], np.uint16), cut_off(np.ones(2)))
    found = merged([(((0, 3), (20, 30)), first), (((40, 50),), other)])
    rows = [
        [(found.members[p], found.lowers[p]) for start in found.starts for p in range(start[row], start[row + 1])]
        for row in range(3)
    ]
    assert rows == [[], [(0, 3.0), (2, 4.0), (29, 5.0), (43, 1.0)], [(49, 1.0)]]
