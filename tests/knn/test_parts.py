"""The tasks of a search, one by one."""

from itertools import pairwise

import numpy as np
import pytest

from brute import cloud, small_tiles
from codes import filled_up
from dimscope.engines.shared import FileMissingError, SharedFile, share
from dimscope.knn import parts
from dimscope.knn.handover import Laid, close_folder, open_folder, take
from dimscope.knn.listed import Listed
from dimscope.knn.parts import (
    Chosen,
    Decision,
    Found,
    Pair,
    Search,
    Single,
    Start,
    choose,
    collect,
    decided,
    perform,
    recomputed,
    searched,
    start,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    with small_tiles(32):
        yield


@pytest.fixture
def scene(tmp_path):
    """A search over 240 of 250 points, a sample of 60 rows and three stretches; distances are in the order of the search."""
    points = cloud("isotropic", 250, 6, 3)
    np.save(tmp_path / "x.npy", points)
    left_out = np.arange(0, 250, 25)
    chosen, folder = Chosen(share(tmp_path / "x.npy"), left_out, 240, 0), open_folder()
    search = Search(chosen, 5, 60, 60, choose((chosen, 5, "float32")), folder)
    own = np.delete(points, left_out, axis=0)
    order = np.random.default_rng(0).permutation(240)
    distances = np.sqrt(((own[order][:, None] - own[order]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    yield search, order, distances
    close_folder(folder)


def listed_rows(part):
    """Row of the search -> its candidates with their lower bounds."""
    lists = part.read().lists
    ends = np.cumsum([0, *lists.counts])
    names = np.concatenate([np.arange(*column) for column in part.columns])
    for row, (first, last) in enumerate(pairwise(ends)):
        found = names[lists.members[first:last]].tolist()
        assert len(set(found)) == len(found)
        yield row + part.rows[0], dict(zip(found, filled_up(lists.lowers[first:last]), strict=True))


def assert_complete(part, radii, distances, scale, columns):
    """All columns within its radius are listed of each row, with bounds that are bounds, and nothing else than columns."""
    for row, found in listed_rows(part):
        own = distances[row] * scale
        within = np.flatnonzero(own <= radii[row - part.rows[0]])
        assert set(within[np.isin(within, columns)]) <= set(found) <= set(columns.tolist())
        for member, lower in found.items():
            assert lower <= own[member]


def test_a_stretch_gets_radii_that_hold_enough_points(scene):
    search, _, distances = scene
    for stretch in (1, 2, 3):
        found = start(Start(search, stretch))
        (first, last), scale = search.span(stretch), search.choice.frame.scale
        own = np.arange(first, last)
        assert [part.rows for part in found.candidates] == [(0, 60), (first, last)]
        assert_complete(found.candidates[1], found.radii[1], distances, scale, np.r_[:60, own])
        assert_complete(found.candidates[0], found.radii[0], distances, scale, np.r_[:60, own] if stretch == 1 else own)
        inside = [
            (distances[rows] * scale <= radii[:, None]).sum(axis=1)
            for rows, radii in zip(([*range(60)], own), found.radii, strict=True)
        ]
        assert (np.concatenate(inside) >= 5).mean() > 0.98


def test_keys_bring_near_rows_together(scene):
    """Rows with neighbouring keys are nearer than any two rows."""
    search, _, distances = scene
    found = start(Start(search, 2))
    np.testing.assert_array_equal(start(Start(search, 1)).keys[0], found.keys[0])
    rows = np.argsort(np.concatenate(found.keys))
    places = np.r_[:60, 120:180][rows]
    assert np.median(distances[places[1:], places[:-1]]) < 0.8 * np.median(distances)


def test_two_stretches_list_each_other(scene):
    search, _, distances = scene
    radii = np.full(60, np.median(distances) * search.choice.frame.scale)
    found = collect(Pair(search, (1, 3), (70, 110), (radii[:40] / 2, radii), (None, None)))
    scale = search.choice.frame.scale
    np.testing.assert_array_equal(found.radii[1], radii)
    assert_complete(found.candidates[0], found.radii[0], distances, scale, np.arange(180, 240))
    assert_complete(found.candidates[1], found.radii[1], distances, scale, np.arange(70, 110))
    sizes = [part.read().lists.counts.sum() for part in found.candidates]
    assert sizes[1] > sizes[0] > 0


def test_lists_that_run_full_lower_the_radius(scene):
    search, _, distances = scene
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts.Search, "room", lambda self, seen: 12)
        patch.setattr(parts.Search, "rank", lambda self, seen: 4)
        found = collect(Pair(search, (1, 2), (60, 120), (np.full(60, 1e6), np.full(60, 1e6)), (None, None)))
    assert (found.radii[0] < 1e6).all()
    assert found.candidates[0].read().lists.counts.max() <= 12
    assert_complete(found.candidates[0], found.radii[0], distances, search.choice.frame.scale, np.arange(120, 180))


@pytest.mark.parametrize("is_shared", [True, False])
def test_all_joins_together_decide_some_rows(scene, is_shared):
    search, order, distances = scene
    if not is_shared:
        close_folder(search.folder)
    starts = [start(Start(search, stretch)) for stretch in (1, 2, 3)]
    radii = np.full(60, np.quantile(distances, 0.2) * search.choice.frame.scale)
    joins = [
        collect(Pair(search, pair, search.span(pair[0]), (radii, radii), (None, None))) for pair in [(1, 2), (2, 3), (1, 3)]
    ]
    found = [part for join in (*starts, *joins) for part in join.candidates]
    assert {type(part.lists) for part in found} == {Laid if is_shared else Listed}
    rows = np.random.default_rng(1).permutation(180)[:60] + 60  # of three stretches
    own = np.concatenate([one.radii[1] for one in starts])
    overlapping = [part for part in found if part.rows[0] >= 60]
    if not is_shared:  # lists that travel are those of the rows
        overlapping = [part.of(rows) for part in overlapping]
    nearest = decided(Decision(search, rows, overlapping, np.minimum(own[rows - 60], radii)))
    expected = np.argsort(distances[rows], axis=1)[:, :5]
    np.testing.assert_array_equal(nearest.certified, np.ones(60, np.bool_))  # a few rows without a proof are done at once
    np.testing.assert_array_equal(nearest.indices, order[expected])
    np.testing.assert_allclose(nearest.distances, np.take_along_axis(distances[rows], expected, axis=1), rtol=1e-14)


def test_rows_without_a_proof_are_left_where_they_are_many(scene, monkeypatch):
    search, _, _ = scene
    found = [part for stretch in (1, 2, 3) for part in start(Start(search, stretch)).candidates]
    monkeypatch.setattr(parts, "TOGETHER", 20)
    overlapping = [part for part in found if part.rows == (0, 60)]
    assert decided(Decision(search, np.arange(60), overlapping, np.zeros(60))).certified.sum() == 0
    assert decided(Decision(search, np.arange(20), overlapping, np.zeros(20))).certified.all()


def test_candidates_that_cannot_be_read_are_not_decided(scene):
    search, _, _ = scene
    found = start(Start(search, 1))
    close_folder(search.folder)
    assert decided(Decision(search, np.arange(60), found.candidates[:1], found.radii[0])) is None


def test_each_task_has_its_answer(scene):
    search, _, _ = scene
    found = perform(Start(search, 1))
    assert isinstance(found, Found)
    assert isinstance(perform(Pair(search, (1, 2), (60, 120), (np.ones(60), np.ones(60)), (found.filter, None))), Found)
    decision = Decision(search, np.arange(60), found.candidates[:1], found.radii[0])
    for column, expected in zip(take(perform(decision)), decided(decision), strict=True):
        np.testing.assert_array_equal(column, expected)
    assert perform(Single(search, np.array([3]))).certified.all()


@pytest.mark.parametrize("m", range(1, 8))
def test_all_pairs_of_blocks_come_once_and_evenly(m):
    blocks = [(10 * place, 10 * place + 10) for place in range(m)]
    found = parts._round(blocks)
    assert {frozenset(pair) for pair in found} == {frozenset((one, other)) for one in blocks for other in blocks}
    assert len(found) == m * (m + 1) // 2
    assert found[:m] == [(block, block) for block in blocks]


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
        start(Start(search._replace(chosen=search.chosen._replace(file=file)), 1))
    assert problem.value.file == file
