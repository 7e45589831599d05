"""The compiled loops one by one, against numpy."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dimscope.knn import kernels
from dimscope.knn.join import Lists
from listing import assert_complete, collected, lists_of, rows_of, scene_of

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


def test_nearest_of_a_row_leaves_itself_out():
    points = RNG.normal(size=(30, 5))
    squares, indices = np.empty(4), np.empty(4, np.int64)
    kernels.nearest_of_row(points[3].copy(), points, np.arange(30), 3, squares, indices)
    expected = ((points - points[3]) ** 2).sum(axis=1)
    expected[3] = np.inf
    np.testing.assert_array_equal(indices, np.argsort(expected)[:4])
    np.testing.assert_allclose(squares, np.sort(expected)[:4], rtol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 7, 64, 131])
def test_a_distance_has_the_same_bits_from_both_ends(d):
    points = np.random.default_rng(d).standard_normal((10, d)) + 1e3
    there, back = np.empty(9), np.empty(1)
    kernels.differences(points[0].copy(), points, np.arange(1, 10), 9, there)
    for row in range(1, 10):
        kernels.differences(points[row].copy(), points, np.array([0]), 1, back)
        assert back[0] == there[row - 1]


@pytest.fixture
def scene():
    return scene_of()


def test_collect_keeps_every_pair_within_a_radius_on_both_sides(scene):
    coarse, _, distances, rows = scene
    lists = lists_of(90, 90, np.random.default_rng(1).uniform(0.5, 2, 90), rows)
    tile = (coarse @ coarse.T).astype(np.float32)
    for i0, i1, j0, j1 in [(0, 40, 0, 40), (40, 90, 40, 90), (0, 40, 40, 90)]:
        kernels.collect(tile[i0:i1, j0:j1], i0, j0, i0 == j0, i0 != j0, 3, lists, rows, rows)
    assert_complete(lists, distances)
    assert np.median(lists.counts) < 60


def test_collect_in_a_group_fills_the_lists_of_its_rows(scene):
    coarse, _, distances, rows = scene
    whole = lists_of(90, 90, 1.0, rows)
    group = Lists(30, *(part[30:60].copy() for part in whole[1:]))
    kernels.collect((coarse[30:60] @ coarse[60:].T).astype(np.float32), 30, 60, False, False, 3, group, rows, rows)
    for line in range(30):
        assert set(60 + np.flatnonzero(distances[30 + line, 60:] <= 1)) <= set(
            group.members[line, : group.counts[line]].tolist()
        )


def test_the_stored_distances_bound_the_true_ones(scene):
    distances, rows = scene[2:]
    lists = collected(scene, 90, np.inf)
    for row in (0, 50):
        lower, upper = np.empty(89), np.empty(89)
        kernels.bounds(row, lists, rows, rows, lower, upper)
        true = distances[row, lists.members[row, :89]]
        assert ((lower >= 0) & (lower <= true) & (true <= upper)).all()
        assert (upper - lower <= 2 * (rows.errors[row] + 0.2) + 0.02).all()


def test_tighten_never_drops_what_lies_within_the_new_radius(scene):
    distances, rows = scene[2:]
    lists = collected(scene, 90, np.inf)
    kernels.tighten_rows(0, 90, 10, 90, lists, rows, rows)
    coarse = np.sort(np.linalg.norm(scene[0][:, None] - scene[0], axis=2), axis=1)
    # the tenth in the filter (at 0 stands the point itself), rounding, and half of the error of the row
    likely = np.sqrt(coarse[:, 10] ** 2 + 2 * rows.blur * rows.norms) + rows.errors / 2
    np.testing.assert_allclose(lists.radii, likely, rtol=1e-5)
    assert_complete(lists, distances)
    before = lists.radii.copy()
    kernels.tighten_rows(0, 90, 10, 5, lists, rows, rows)  # more than 5 entries are left: the radius gives way
    assert (lists.radii < before).all()
    assert (lists.counts <= 5).all()
    assert_complete(lists, distances)


def test_a_full_list_makes_room_and_its_radius_says_so(scene):
    lists = collected(scene, 20, np.inf)
    assert (lists.radii < np.inf).all()
    assert_complete(lists, scene[2])


def test_a_list_full_of_equal_points_is_given_up_for_good():
    rows = rows_of(np.zeros((30, 2)), np.full(30, 1e-3))
    lists, tile = lists_of(30, 10, np.inf, rows), np.zeros((30, 30), np.float32)
    for _ in range(2):
        kernels.collect(tile, 0, 0, True, False, 3, lists, rows, rows)
        assert (lists.counts == 0).all()
        assert (lists.radii == -1).all()
        assert (lists.limits == np.inf).all()
        kernels.tighten_rows(0, 30, 3, 10, lists, rows, rows)


@pytest.mark.slow
def test_the_run_that_compiles_gives_the_bits_of_later_ones(tmp_path):
    code = """if True:
        import hashlib, numpy
        from dimscope.knn.on_tiles import search
        points = numpy.random.default_rng(0).normal(size=(2500, 333)).astype(numpy.float32)
        found = search(points, 5, ranks=(2, 8, 64), threads=1, coarse="float32")
        print(hashlib.sha256(b"".join(part.tobytes() for part in found)).hexdigest())
    """
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (subprocess.check_output([sys.executable, "-c", code], env=environment) for _ in range(2))
    assert first == second
