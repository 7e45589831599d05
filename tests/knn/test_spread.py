"""Neighbours by workers: the bits of one machine, whatever their number, the order of their answers, and what is done twice."""

import numpy as np
import pytest

from brute import KINDS, assert_nearest, cloud, small_tiles
from dimscope.engines import HERE
from dimscope.engines.shared import share
from dimscope.knn import join, on_tiles, spread
from dimscope.knn.listed import Listed
from dimscope.knn.spread import search, stretch_height
from fakes import Shuffled


@pytest.fixture(autouse=True, scope="module")
def _small_tiles():
    """Tiles of 64 rows, so that a few hundred points make many of them."""
    with small_tiles(64):
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
    """Radii read off a sample of three ranks are too small for most rows."""
    monkeypatch.setattr(join, "SURE", -3.0)
    points, path = saved(tmp_path, cloud("isotropic", 500, 6, 7))
    numbers = []
    original = spread.Single

    def spy(of, rows):
        numbers.extend(rows.tolist())
        return original(of, rows)

    monkeypatch.setattr(spread, "Single", spy)
    same_bits(search(points, 30, path=path, engine=Shuffled(), coarse="float32"), on_tiles.search(points, 30))
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 20


@pytest.mark.parametrize(
    ("n", "n_workers", "expected"), [(20_000, 2, 3334), (100, 1, 17), (3, 1, 1), (10**6, 2, 62_500), (20_000, 100, 572)]
)
def test_stretches_are_enough_for_all_workers_and_no_longer_than_their_numbers(n, n_workers, expected):
    assert stretch_height(n, n_workers) == expected
    n_stretches = -(-n // expected)
    assert n_stretches * (n_stretches + 1) // 2 >= min(6 * n_workers, n)


def test_candidates_come_back_from_the_file_as_they_went_in():
    spool = spread._Spool(2)
    rng = np.random.default_rng(0)

    def some(n):
        counts = rng.integers(0, 5, n).astype(np.uint16)
        m = int(counts.sum())
        return Listed(counts, rng.integers(0, 99, m).astype(np.uint16), rng.integers(0, 65_535, m).astype(np.uint16))

    kept = {(stretch, other): some(6) for stretch, other in [(1, 1), (0, 1), (1, 0)]}
    for (stretch, other), candidates in kept.items():
        spool.add(stretch, other, candidates)
    assert [other for other, _ in spool.take(1)] == [0, 1]
    for stretch in (0, 1):
        for other, found in spool.take(stretch):
            for part, expected in zip(found, kept[stretch, other], strict=True):
                np.testing.assert_array_equal(part, expected)
    spool.close()


def test_another_file_under_the_same_name_is_another_search(tmp_path):
    points, path = saved(tmp_path, cloud("isotropic", 200, 5, 1))
    first, before = search(points, 4, path=path, engine=Shuffled(), coarse="float32"), share(path)
    points, path = saved(tmp_path, cloud("isotropic", 200, 5, 2))
    second = search(points, 4, path=path, engine=Shuffled(), coarse="float32")
    assert share(path) != before
    same_bits(second, on_tiles.search(points, 4))
    assert not np.array_equal(first[0], second[0])
