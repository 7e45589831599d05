"""The tasks of a search, one by one."""

from itertools import pairwise

import numpy as np
import pytest

from brute import cloud, small_tiles
from dimscope.engines.shared import FileMissingError, SharedFile, share
from dimscope.knn import parts
from dimscope.knn.listed import filled_up
from dimscope.knn.parts import Chosen, Decision, Pair, Search, Single, choose, collect, decided, recomputed, searched


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    with small_tiles(32):
        yield


@pytest.fixture
def scene(tmp_path):
    """A search over 240 of 250 points, and their distances in the order of the search."""
    points = cloud("isotropic", 250, 6, 3)
    np.save(tmp_path / "x.npy", points)
    left_out = np.arange(0, 250, 25)
    chosen = Chosen(share(tmp_path / "x.npy"), left_out, 240, 0)
    search = Search(chosen, 5, 60, choose((chosen, 5, "float32")))
    own = np.delete(points, left_out, axis=0)
    order = np.random.default_rng(0).permutation(240)
    distances = np.sqrt(((own[order][:, None] - own[order]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    return search, order, distances


def candidates(listed, first):
    """Row -> candidates with their lower bounds."""
    ends = np.cumsum([0, *listed.counts])
    for row, (start, stop) in enumerate(pairwise(ends)):
        yield row, dict(zip((first + listed.members[start:stop]).tolist(), filled_up(listed.lowers[start:stop]), strict=True))


def assert_complete(listed, radii, distances, scale, rows, columns):
    for row, found in candidates(listed, columns[0]):
        own = distances[rows[0] + row, slice(*columns)] * scale
        assert set(np.flatnonzero(own <= radii[row]) + columns[0]) <= set(found)
        for member, lower in found.items():
            assert lower <= own[member - columns[0]]


def test_a_stretch_and_itself_get_radii_that_hold_enough_points(scene):
    search, _, distances = scene
    found = collect(Pair(search, 0, 0, None, None))
    scale = search.choice.frame.scale
    inside = (distances[:60] * scale <= found.row_radii[:, None]).sum(axis=1)
    assert (inside >= 5).mean() > 0.95
    assert_complete(found.of_rows, found.row_radii, distances, scale, (0, 60), (0, 60))
    assert len(found.column_radii) == len(found.of_columns.counts) == 0


def test_two_stretches_list_each_other(scene):
    search, _, distances = scene
    radii = np.full(60, np.median(distances) * search.choice.frame.scale)
    found = collect(Pair(search, 1, 3, radii / 2, radii))
    scale = search.choice.frame.scale
    np.testing.assert_array_equal(found.column_radii, radii)
    assert_complete(found.of_rows, found.row_radii, distances, scale, (60, 120), (180, 240))
    assert_complete(found.of_columns, found.column_radii, distances, scale, (180, 240), (60, 120))
    assert found.of_columns.counts.sum() > found.of_rows.counts.sum() > 0


def test_lists_that_run_full_lower_the_radius(scene):
    search, _, distances = scene
    small = search._replace(k=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.Search, "room", property(lambda self: 12))
        patch.setattr(parts.Search, "rank", property(lambda self: 4))
        found = collect(Pair(small, 1, 2, np.full(60, 1e6), np.full(60, 1e6)))
    assert (found.row_radii < 1e6).all()
    assert found.of_rows.counts.max() <= 12
    assert_complete(found.of_rows, found.row_radii, distances, search.choice.frame.scale, (60, 120), (120, 180))


def test_all_pairs_together_decide_a_stretch(scene):
    search, order, distances = scene
    radii = [np.full(60, np.quantile(distances, 0.2) * search.choice.frame.scale)] * 4
    lists = []
    for other in range(4):
        found = collect(Pair(search, 2, other, radii[2], radii[other] if other != 2 else None))
        lists.append((other, found.of_rows))
    nearest = decided(Decision(search, 2, lists, radii[2]))
    expected = np.argsort(distances[120:180], axis=1)[:, :5]
    found = np.take_along_axis(distances[120:180], expected, axis=1)
    proven = found[:, -1] * search.choice.frame.scale <= radii[2]
    np.testing.assert_array_equal(nearest.certified, proven)
    np.testing.assert_array_equal(nearest.indices[proven], order[expected][proven])
    np.testing.assert_allclose(nearest.distances[proven], found[proven], rtol=1e-14)
    assert 40 < proven.sum() < 60


def test_single_rows_are_computed_from_all_distances(scene):
    search, order, distances = scene
    back = np.argsort(order)
    own = distances[back][:, back]
    nearest = recomputed(Single(search, np.array([3, 77])))
    np.testing.assert_array_equal(nearest.indices, np.argsort(own[[3, 77]], axis=1)[:, :5])
    np.testing.assert_allclose(nearest.distances, np.sort(own[[3, 77]], axis=1)[:, :5], rtol=1e-14)
    indices, found = searched((search.chosen, 5))
    np.testing.assert_array_equal(indices[[3, 77]], nearest.indices)
    np.testing.assert_array_equal(found[[3, 77]], nearest.distances)


def test_a_file_that_is_not_there_is_asked_for(scene):
    search, _, _ = scene
    file = SharedFile("/nowhere/x.npy", 10, 10)
    with pytest.raises(FileMissingError) as problem:
        collect(Pair(search._replace(chosen=search.chosen._replace(file=file)), 0, 0, None, None))
    assert problem.value.file == file


def test_filters_are_kept_while_there_is_room(scene, monkeypatch):
    search, _, _ = scene
    opened = parts._opened(search.chosen)
    first = opened.filter(search, 0)
    assert opened.filter(search, 0) is first
    monkeypatch.setattr(parts, "CODES_BYTES", first.codes.nbytes)
    for stretch in (1, 2, 3):
        opened.filter(search, stretch)
    assert len(opened.filters) == 2
    assert opened.filter(search, 0) is not first
