"""Decisions about listed candidates, against the distances of all points."""

import numpy as np
import pytest

from dimscope.knn import decisions
from listing import collected, lists_of, rows_of, scene_of


@pytest.fixture
def scene():
    return scene_of()


def decided(scene, lists, k, ranks):
    true = scene.true.copy()
    true.flags.writeable = False
    places, rows = np.arange(90), scene.rows
    squares, indices, certified = np.full((90, k), np.nan), np.full((90, k), -1), np.zeros(90, np.bool_)
    far = np.full((90, len(ranks)), np.nan)
    shared = places, true, true, places, places, lists, rows, rows
    decisions.decide(*shared, squares, indices, certified)
    decisions.decide_ranks(*shared, np.array(ranks), far, certified)
    return squares, indices, certified, far


@pytest.mark.parametrize("radius", [0.3, 1.0, 1.7, np.inf])
def test_a_certificate_is_given_to_right_answers_only(scene, radius):
    squares, indices, certified, far = decided(scene, collected(scene, 90, radius), 6, (3, 17, 25))
    near, order = np.sort(scene.distances, axis=1)[certified], np.argsort(scene.distances, axis=1)[certified]
    np.testing.assert_array_equal(indices[certified], order[:, :6])
    np.testing.assert_allclose(np.sqrt(squares[certified]), near[:, :6], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(far[certified]), near[:, [2, 16, 24]], rtol=1e-12)
    np.testing.assert_array_equal(certified, np.sort(scene.distances, axis=1)[:, 24] <= radius)


def test_short_lists_and_short_radii_get_no_certificate(scene):
    lists = collected(scene, 90, np.inf)
    lists.counts[:45] = 5
    lists.radii[45:] = 0.01
    assert not decided(scene, lists, 6, (7,))[2].any()


@pytest.mark.parametrize("seed", range(4))
def test_candidates_are_left_out_only_where_their_lower_bound_exceeds_the_reach(seed):
    scene = scene_of(seed=seed)
    lists, rows = collected(scene, 90, np.inf), scene.rows
    members, far, here = lists.members, lists.far, np.empty(91, np.int32)
    for row, reach in [(0, 0.0), (1, 0.7), (2, 1.5), (3, 1e9)]:
        kept = decisions._take_within(row, reach, members[row], far[row], 89, rows, rows, here)
        coarse = np.linalg.norm(scene.coarse[members[row, :89]] - scene.coarse[row], axis=1)
        possible = coarse - rows.errors[row] - rows.errors[members[row, :89]] <= reach
        assert set(members[row, :89][possible]) <= set(here[:kept])
        assert kept <= possible.sum() + 1  # and little else, for the rounding
        assert set(np.flatnonzero(scene.distances[row] <= reach)) <= set(here[:kept])


def test_a_bound_that_is_too_small_loses_neighbours():
    """Sabotage: errors that are stated a tenth as large as they are change the answer, so no other test passes by luck."""
    scene = scene_of()
    honest = decided(scene, collected(scene, 90, np.inf), 6, (7,))
    lying = scene._replace(rows=rows_of(scene.coarse, scene.rows.errors / 10))
    assert (decided(lying, collected(lying, 90, np.inf), 6, (7,))[1] != honest[1]).any()


def test_the_nearest_by_the_filter_and_the_others_are_all_candidates():
    rng = np.random.default_rng(0)
    members, far = rng.permutation(200).astype(np.int32), rng.integers(0, 40, 200).astype(np.float32)
    here, rest, rest_far = np.empty(201, np.int32), np.empty(201, np.int32), np.empty(201, np.float32)
    for n, k in [(1, 1), (7, 7), (200, 1), (200, 50), (200, 200)]:
        taken = decisions._take_nearest(members, far, n, k, here, rest, rest_far)
        limit = np.sort(far[:n])[k - 1]
        np.testing.assert_array_equal(here[:taken], members[:n][far[:n] <= limit])
        np.testing.assert_array_equal(rest[: n - taken], members[:n][far[:n] > limit])
        np.testing.assert_array_equal(rest_far[: n - taken], far[:n][far[:n] > limit])


def test_equal_candidates_are_all_decided_and_stand_in_the_order_of_their_index():
    points = np.zeros((90, 5))
    points[60:] = np.arange(30)[:, None] + 1.0
    rows = rows_of(points, np.full(90, 1e-3))
    scene = scene_of()._replace(coarse=points, true=points, rows=rows)
    squares, indices, certified, _ = decided(scene, collected(scene, 90, np.inf), 6, (7,))
    assert certified.all()
    np.testing.assert_array_equal(indices[0], [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(indices[30], [0, 1, 2, 3, 4, 5])
    assert (squares[:60] == 0).all()


def test_no_candidates_no_certificate():
    rows = scene_of().rows
    assert not decided(scene_of(), lists_of(90, 90, np.inf, rows), 6, (7,))[2].any()
