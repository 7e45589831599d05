"""Neighbours by workers: the bits of one machine, whatever their number, the order of their answers, and what is done twice."""

from pathlib import Path

import numpy as np
import pytest

from brute import KINDS, assert_nearest, cloud, small_tiles
from dimscope.engines import HERE
from dimscope.engines.shared import share
from dimscope.errors import StoreError
from dimscope.knn import handover, join, listed, on_tiles, opened, parts, spread
from dimscope.knn.listed import HIGHEST
from dimscope.knn.spread import cut_of, pieces_of, regions_of, search
from fakes import Shuffled


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    """Tiles of 64 rows and stretches of 100, so that a few hundred points make many of them."""
    with small_tiles(64), pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "SHORTEST", 100)
        patch.setattr(spread, "SAMPLE", 70)
        yield


def saved(folder, points):
    np.save(folder / "points.npy", points)
    return np.load(folder / "points.npy", mmap_mode="r"), folder / "points.npy"


def same_bits(found, expected):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1].view(np.int64), expected[1].view(np.int64))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_are_those_of_one_machine(kind, dtype, tmp_path):
    points, path = saved(tmp_path, cloud(kind, 500, 12, 1).astype(dtype))
    found = search(points, 7, path=path, engine=Shuffled(3), coarse="float32")
    same_bits(found, on_tiles.search(points, 7))
    assert found[2].shape == (500, 0)
    assert_nearest(found, np.array(points), 7)


@pytest.mark.parametrize("coarse", ["int8", "int16", "float32", "auto"])
def test_every_filter_gives_the_same(coarse, tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 700, 64, 2).astype(np.float32))
    same_bits(search(points, 20, path=path, engine=Shuffled(), coarse=coarse), on_tiles.search(points, 20))


@pytest.mark.parametrize("n_workers", [1, 2, 3, 20])
def test_workers_and_the_order_of_answers_change_nothing(n_workers, tmp_path):
    points, path = saved(tmp_path, cloud("near twins", 600, 10, 4).astype(np.float32))
    expected = on_tiles.search(points, 9)
    for seed in range(3):
        same_bits(search(points, 9, path=path, engine=Shuffled(seed, n_workers), coarse="float32", seed=seed), expected)


def test_rows_that_are_left_out_and_float16(tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 400, 8, 5).astype(np.float16))
    rows = np.flatnonzero(np.random.default_rng(0).random(400) < 0.8)
    found = search(points, 5, path=path, engine=HERE, rows=rows, coarse="float32")
    same_bits(found, on_tiles.search(points, 5, rows=rows))
    assert_nearest(found, np.array(points)[rows].astype(np.float64), 5)


def test_as_many_neighbours_as_there_are_points(tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 70, 5, 6))
    same_bits(search(points, 69, path=path, engine=Shuffled(), coarse="float32"), on_tiles.search(points, 69))


def test_a_number_that_no_filter_holds_is_searched_whole(tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 200, 5, 6) * 1e200)
    engine = Shuffled()
    same_bits(search(points, 4, path=path, engine=engine), on_tiles.search(points, 4))
    assert engine.n_tasks == 1


def test_rows_that_fail_the_proof_are_computed_from_all_distances(tmp_path, monkeypatch):
    """Radii read off too low a rank are too small for most rows: too many for the tasks that decide."""
    monkeypatch.setattr(join, "SURE", -3.0)
    monkeypatch.setattr(opened, "SURE", -3.0)
    points, path = saved(tmp_path, cloud("isotropic", 500, 6, 7))
    numbers = []
    original = spread.Single

    def spy(of, rows):
        numbers.extend(rows.tolist())
        return original(of, rows)

    monkeypatch.setattr(spread, "Single", spy)
    same_bits(search(points, 30, path=path, engine=Shuffled(), coarse="float32"), on_tiles.search(points, 30))
    assert numbers == sorted(set(numbers))
    assert len(numbers) > parts.TOGETHER


@pytest.mark.parametrize(
    ("n", "d", "n_workers", "expected"),
    [
        (20_000, 1280, 2, (2048, 8976)),  # one stretch for each worker
        (3, 5, 1, (2, 1)),
        (10**6, 1280, 2, (24_391, 24_391)),  # 40, whose float32 filters have at most 128 MB
        (10**6, 10, 2, (30_304, 30_303)),  # 32 of at most 32 768 rows
        (20_000, 1280, 100, (1819, 1819)),  # ten that are not too short
        (10**6, 1280, 256, (15_385, 15_385)),  # 64 with eight pairs for each worker
        (10**7, 1280, 256, (26_110, 26_110)),  # 382: 512 would be as many for each, but far more pairs
    ],
)
def test_stretches_are_one_or_several_for_each_worker_and_neither_too_long_nor_too_short(
    n, d, n_workers, expected, monkeypatch
):
    monkeypatch.setattr(spread, "SHORTEST", 2048)
    monkeypatch.setattr(spread, "SAMPLE", 2048)
    sample, height = cut_of(n, d, 50, n_workers)
    assert (sample, height) == expected
    assert sample + height <= HIGHEST


@pytest.mark.parametrize(
    ("n_pairs", "n_workers", "expected"), [(0, 1, 1), (1, 2, 2), (3, 3, 1), (6, 4, 2), (10, 5, 1), (45, 100, 7), (780, 2, 1)]
)
def test_pairs_are_cut_until_all_workers_have_as_many_or_several(n_pairs, n_workers, expected):
    assert pieces_of(n_pairs, n_workers) == expected


def test_decisions_are_two_or_more_for_each_worker_and_none_is_long():
    assert regions_of(20_000, 2) == ([(0, 20_000)], 4)
    assert regions_of(20_000, 100) == ([(0, 20_000)], 200)
    regions, pieces = regions_of(10**6, 2)
    assert (len(regions), pieces) == (31, 4)
    assert max(last - first for first, last in regions) <= 32_768


class Apart(Shuffled):
    """The second half of the workers is elsewhere: it sees no folder of the driver; `n_apart` of ten tasks go there."""

    def __init__(self, n_apart):
        super().__init__(3)
        self.n_apart, self.n_unread = n_apart, 0

    def _answer(self, work, waiting):
        is_apart = self.rng.random() < self.n_apart / 10
        with pytest.MonkeyPatch.context() as patch:
            if is_apart:
                patch.setattr(handover, "is_seen", lambda folder: False)
                for module in (listed, opened):
                    patch.setattr(module, "take", lambda laid: None)
            number, found = super()._answer(work, waiting)
        self.n_unread += found is None
        return number, found


@pytest.mark.parametrize("n_apart", [3, 10])
def test_workers_that_do_not_see_the_folder_of_the_driver_are_sent_what_they_need(n_apart, tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 600, 10, 4).astype(np.float32))
    same_bits(search(points, 9, path=path, engine=Apart(n_apart), coarse="int8"), on_tiles.search(points, 9))


def test_a_worker_that_lost_sight_of_the_folder_decides_in_a_further_round(tmp_path, monkeypatch):
    points, path = saved(tmp_path, cloud("isotropic", 600, 10, 4).astype(np.float32))
    original, unread = parts.decided, []

    def blind_at_first(task):
        if len(unread) < 2 and isinstance(task.parts[0].lists, handover.Laid):
            unread.append(task.rows)
            return None
        return original(task)

    monkeypatch.setattr(parts, "decided", blind_at_first)
    same_bits(search(points, 9, path=path, engine=Shuffled(), coarse="float32"), on_tiles.search(points, 9))
    assert len(unread) == 2


def test_nothing_is_left_among_the_temporary_files(tmp_path, monkeypatch):
    points, path = saved(tmp_path, cloud("isotropic", 300, 10, 4))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(handover.tempfile, "tempdir", str(tmp_path / "temporary"))
    engine = Shuffled()
    search(points, 9, path=path, engine=engine, coarse="float32")
    assert engine.n_tasks > 5
    assert not list((tmp_path / "temporary").iterdir())


def test_a_folder_that_was_cleaned_up_is_told(tmp_path, monkeypatch):
    points, path = saved(tmp_path, cloud("isotropic", 300, 10, 4))
    original = spread.perform

    def cleaning(task):
        for laid in Path(task.search.folder.path).iterdir():
            laid.unlink() if isinstance(task, parts.Decision) else None
        return original(task)

    engine = Shuffled()
    monkeypatch.setattr(engine, "map", lambda work, tasks: Shuffled.map(engine, cleaning if work is original else work, tasks))
    monkeypatch.setattr("pickle.dumps", lambda thing: thing)
    monkeypatch.setattr("pickle.loads", lambda thing: thing)
    with pytest.raises(
        StoreError, match=r"^a temporary file of the search is gone although it is needed; set TMPDIR to a folder"
    ):
        search(points, 9, path=path, engine=engine, coarse="float32")


def test_an_answer_that_was_cleaned_up_is_told(tmp_path, monkeypatch):
    points, path = saved(tmp_path, cloud("isotropic", 300, 10, 4))
    monkeypatch.setattr(spread, "take", lambda laid: None)
    with pytest.raises(StoreError, match=r"^a temporary file of the search is gone although it is needed"):
        search(points, 9, path=path, engine=Shuffled(), coarse="float32")


def test_another_file_under_the_same_name_is_another_search(tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 200, 5, 1))
    first, before = search(points, 4, path=path, engine=Shuffled(), coarse="float32"), share(path)
    points, path = saved(tmp_path, cloud("isotropic", 200, 5, 2))
    second = search(points, 4, path=path, engine=Shuffled(), coarse="float32")
    assert share(path) != before
    same_bits(second, on_tiles.search(points, 4))
    assert not np.array_equal(first[0], second[0])
