"""The compiled loops one by one, against numpy."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dimscope.knn import kernels
from dimscope.knn.filters import Rows
from dimscope.knn.join import Lists

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


@pytest.mark.parametrize("n", [1, 2, 3, 5, 100, 3000])
def test_take_smallest_sorts_everything(n):
    rng = np.random.default_rng(n)
    values, names = rng.integers(0, n // 2 + 1, n).astype(float), rng.permutation(n)
    best, found = np.empty(n), np.empty(n, np.int64)
    kernels.take_smallest(values, names, best, found)
    np.testing.assert_array_equal(found, names[np.lexsort((names, values))])


@pytest.mark.parametrize("d", [1, 2, 7, 64, 131])
def test_a_distance_has_the_same_bits_from_both_ends(d):
    points = np.random.default_rng(d).standard_normal((10, d)) + 1e3
    there, back = np.empty(9), np.empty(1)
    kernels.differences(points[0].copy(), points, np.arange(1, 10), 9, there)
    for row in range(1, 10):
        kernels.differences(points[row].copy(), points, np.array([0]), 1, back)
        assert back[0] == there[row - 1]


def rows_of(points, errors, blur=1e-6, mix=0.5):
    """Rows of a filter whose codes are the points."""
    norms, hidden = (points**2).sum(axis=1), (1 + 1 / mix) * errors**2
    offsets = ((norms - hidden) / 2 - blur * (norms + hidden) - kernels.TINY).astype(np.float32)
    return Rows(np.ones(len(points), np.float32), offsets, norms, errors, np.arange(len(points)), 1.0, mix, blur)


def lists_of(n, room, radius, rows):
    lists = Lists(
        0, np.zeros(n, np.int32), np.zeros((n, room), np.int32), np.zeros((n, room), np.float32),
        np.empty(n), np.empty(n, np.float32),
    )  # fmt: skip
    kernels.set_radii(0, n, np.broadcast_to(np.float64(radius), n).copy(), lists, rows)
    return lists


@pytest.fixture
def scene():
    """Coarse points, the true points within the errors of them, their distances, and the rows that describe the coarse ones."""
    rng = np.random.default_rng(0)
    true, step, errors = rng.standard_normal((90, 5)), rng.standard_normal((90, 5)), rng.uniform(0, 0.2, 90)
    coarse = true + 0.999 * errors[:, None] * step / np.linalg.norm(step, axis=1, keepdims=True)
    distances = np.linalg.norm(true[:, None] - true, axis=2)
    np.fill_diagonal(distances, np.inf)
    return coarse, true, distances, rows_of(coarse, errors)


def collected(scene, room, radius, k=3):
    """The lists after one tile of all rows with all."""
    coarse, _, _, rows = scene
    lists = lists_of(90, room, radius, rows)
    kernels.collect((coarse @ coarse.T).astype(np.float32), 0, 0, True, False, k, lists, rows, rows)
    return lists


def assert_complete(lists, distances):
    """Every point within the radius of a row is in its list, once."""
    for row in range(len(distances)):
        found = lists.members[row, : lists.counts[row]].tolist()
        assert len(set(found)) == len(found)
        assert row not in found
        assert set(np.flatnonzero(distances[row] <= lists.radii[row])) <= set(found)


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
        upper, lower = np.empty(89), np.empty(89)
        kernels.bound(row, 1.0, lists.members, lists.far, 89, rows, rows, row, upper)
        kernels.bound(row, -1.0, lists.members, lists.far, 89, rows, rows, row, lower)
        true = distances[row, lists.members[row, :89]]
        assert ((lower <= true) & (true <= upper)).all()
        assert (upper - lower <= 2 * (rows.errors[row] + 0.2) + 0.02).all()


def test_tighten_never_drops_what_lies_within_the_new_radius(scene):
    distances, rows = scene[2:]
    lists = collected(scene, 90, np.inf)
    kernels.tighten_rows(0, 90, 10, 90, lists, rows, rows)
    near = np.sort(distances, axis=1)
    assert ((near[:, 9] <= lists.radii) & (lists.radii < near[:, 40])).all()
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


def decided(scene, lists, k, ranks):
    true = scene[1].copy()
    true.flags.writeable = False
    places, rows = np.arange(90), scene[3]
    squares, indices, certified = np.full((90, k), np.nan), np.full((90, k), -1), np.zeros(90, np.bool_)
    far = np.full((90, len(ranks)), np.nan)
    shared = places, true, true, places, places, lists, rows, rows
    kernels.decide(*shared, squares, indices, certified)
    kernels.decide_ranks(*shared, np.array(ranks), far, certified)
    return squares, indices, certified, far


@pytest.mark.parametrize("radius", [0.3, 1.0, 1.7, np.inf])
def test_a_certificate_is_given_to_right_answers_only(scene, radius):
    squares, indices, certified, far = decided(scene, collected(scene, 90, radius), 6, (3, 17, 25))
    near, order = np.sort(scene[2], axis=1)[certified], np.argsort(scene[2], axis=1)[certified]
    np.testing.assert_array_equal(indices[certified], order[:, :6])
    np.testing.assert_allclose(np.sqrt(squares[certified]), near[:, :6], rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(far[certified]), near[:, [2, 16, 24]], rtol=1e-12)
    np.testing.assert_array_equal(certified, np.sort(scene[2], axis=1)[:, 24] <= radius)


def test_short_lists_and_short_radii_get_no_certificate(scene):
    lists = collected(scene, 90, np.inf)
    lists.counts[:45] = 5
    lists.radii[45:] = 0.01
    assert not decided(scene, lists, 6, (7,))[2].any()


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
