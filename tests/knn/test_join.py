"""Blocks, groups, samples and locks of one search."""

import threading
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from brute import cloud
from dimscope.knn import join
from dimscope.knn.filters import Float32Filter, with_mix
from dimscope.knn.integers import Int8Filter, Int16Filter
from dimscope.knn.join import Join, Side, Table, deepest, groups, room_for, sampled_radii, sampled_rank, squared_distances
from dimscope.knn.on_tiles import frame_of
from dimscope.knn.scratch import Scratch
from dimscope.knn.workers import Workers


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(join, "BLOCK", 16)


def side_of(points, scratch, kind=Float32Filter):
    places = np.arange(len(points))
    made = kind(points, places, places, frame_of(points, places), scratch, lambda work, items: [*map(work, items)])
    return Side(points, places, made, with_mix(made.rows, 0.01))


def table_of(n, k):
    return Table(np.empty((n, k)), np.empty((n, k), np.int64), np.empty((n, 0)), np.zeros(n, np.bool_))


def tiles_of(n, base, stop, columns=None):
    """The pairs of blocks that a join multiplies, the sampling ones (row, 0) included."""
    points = cloud("isotropic", n, 3, seed=0)
    with Scratch(points) as scratch, Workers(1, 16 * 16) as workers:
        rows = side_of(points, scratch)
        others = rows if columns is None else side_of(cloud("isotropic", columns, 3, seed=1), scratch)
        made = Join(rows, others, table_of(n, 2), np.empty(0, np.int64), base, stop, workers)
        return [*made._tiles(), *((number, 0) for number in made.own)], made


@pytest.mark.parametrize("n", [5, 16, 17, 64, 100, 128, 150])
def test_every_pair_of_blocks_is_multiplied_once(n):
    pairs, _ = tiles_of(n, 0, n)
    blocks = -(-n // 16)
    expected = Counter(tuple(sorted((a, b))) for a in range(blocks) for b in range(a, blocks))
    assert Counter(tuple(sorted(pair)) for pair in pairs) == expected


@pytest.mark.parametrize(("base", "stop"), [(0, 48), (48, 96), (96, 150)])
def test_a_group_meets_every_block_once(base, stop):
    pairs, made = tiles_of(150, base, stop)
    met = {number: Counter() for number in made.own}
    for row, column in pairs:
        met[row][column] += 1
        if column in met and column != row:
            met[column][row] += 1
    assert all(seen == Counter(range(10)) for seen in met.values())


def test_two_sets_meet_every_block_once():
    pairs, _ = tiles_of(40, 0, 40, columns=70)
    assert Counter(pairs) == Counter((row, column) for row in range(3) for column in range(5))


def test_neighbouring_tiles_inside_a_group_share_no_block():
    """Threads that work side by side do not wait for each other's lists."""
    pairs, _ = tiles_of(16 * 9, 0, 16 * 9)
    inside = [pair for pair in pairs if 0 not in pair]
    assert sum(bool(set(first) & set(second)) for first, second in pairwise(inside[8:])) <= 3


@pytest.mark.parametrize(("n", "room", "size"), [(100, 10, 1), (100, 10, 3 * 8 * 10 * 16), (1000, 50, 320 << 20)])
def test_groups_cover_all_rows_in_whole_blocks_within_the_memory(n, room, size, monkeypatch):
    monkeypatch.setattr(join, "LIST_BYTES", size)
    made = groups(n, room)
    assert [start for start, _ in made[1:]] == [stop for _, stop in made[:-1]]
    assert (made[0][0], made[-1][1]) == (0, n)
    assert all(start % 16 == 0 for start, _ in made)
    assert all(8 * room * (stop - start) <= max(size, 8 * room * 16) for start, stop in made)


@pytest.mark.parametrize(("k", "n"), [(1, 2), (1, 10**6), (50, 10**6), (1024, 10**6), (5000, 10**6), (99, 100)])
def test_a_list_holds_more_than_k_or_everything(k, n):
    assert room_for(k, n) == n or room_for(k, n) >= k + 256
    assert room_for(k, n) <= n


@pytest.mark.parametrize("k", [1, 2, 50, 1024])
@pytest.mark.parametrize("seen", [200, 1024, 10_000])
def test_the_sampled_rank_covers_all_but_about_one_row_in_a_thousand(k, seen):
    """Among 20 000 others the sample holds a hypergeometric number of the k nearest; fewer than the rank is what is needed."""
    drawn = np.random.default_rng(k).hypergeometric(k, 20_000 - k, seen, 200_000)
    assert (drawn >= sampled_rank(k, seen, 20_000)).mean() < 0.002


def test_the_sampled_rank_is_k_when_all_have_been_seen():
    assert sampled_rank(7, 500, 500) == 7


def test_sampled_radii_are_the_distances_at_that_rank_or_infinite():
    squares = np.random.default_rng(0).random((5, 100)).astype(np.float32)
    rank = sampled_rank(3, 100, 1000)
    at_rank = np.sort(squares, axis=1)[:, rank - 1].astype(float)
    np.testing.assert_array_equal(sampled_radii(squares, 3, 100, 1000), np.sqrt(at_rank))
    assert (sampled_radii(squares, 990, 100, 1000) == np.inf).all()
    assert (sampled_radii(-squares, 3, 100, 1000) == 0).all()  # rounding may give squares below 0


def test_squared_distances_of_a_tile():
    points = cloud("isotropic", 40, 6, seed=2)
    with Scratch(points) as scratch:
        side = side_of(points, scratch)
        tile = side.coarse.tile(4, 20, side.coarse, 8, 24, np.empty(256, np.float32))
        found = squared_distances(tile, side.rows, side.rows, 4, 8)
    exact = ((points[4:20, None] - points[None, 8:24]) ** 2).sum(axis=2) * side.rows.scale**2
    np.testing.assert_allclose(found, exact, atol=1e-5)


def test_the_deepest_rank():
    assert deepest(table_of(5, 3), np.empty(0, np.int64)) == 3
    assert deepest(table_of(5, 3), np.array([2])) == 3
    assert deepest(table_of(5, 3), np.array([2, 9])) == 9


@pytest.mark.parametrize("broken", [0, 5])
def test_a_block_that_fails_leaves_no_thread_waiting(broken, monkeypatch):
    points = cloud("isotropic", 200, 4, seed=3)
    original = join.kernels.guess_radii

    def failing(start, *rest):
        if start == 16 * broken:
            raise MemoryError("no radii")
        original(start, *rest)

    monkeypatch.setattr(join.kernels, "guess_radii", failing)
    with Scratch(points) as scratch, pytest.raises(MemoryError, match="no radii"), Workers(3, 16 * 16) as workers:
        side = side_of(points, scratch)
        Join(side, side, table_of(200, 3), np.empty(0, np.int64), 0, 200, workers).run()


def test_lists_change_only_under_their_lock(monkeypatch):
    points = cloud("isotropic", 200, 4, seed=3)
    original, seen, before = join.kernels.collect, [], set(threading.enumerate())

    def watched(tile, i0, j0, same, both, *rest):
        seen.append((i0 // 16, j0 // 16, both, {number for number, lock in made.locks.items() if lock.locked()}))
        original(tile, i0, j0, same, both, *rest)

    monkeypatch.setattr(join.kernels, "collect", watched)
    with Scratch(points) as scratch, Workers(2, 16 * 16) as workers:
        side = side_of(points, scratch)
        made = Join(side, side, table_of(200, 3), np.empty(0, np.int64), 0, 96, workers)
        made.run()
    for row, column, both, locked in seen:
        assert row in locked
        assert column in locked or not both
        assert both == (column < 6 and row != column)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith("ThreadPoolExecutor")]  # the workers have ended


def n_certified(points, k, kind):
    """How many rows are proven at once."""
    points.flags.writeable = False
    with Scratch(points) as scratch, Workers(1, 2 * 64 * 64) as workers:
        side, table = side_of(points, scratch, kind), table_of(len(points), k)
        Join(side, side, table, np.empty(0, np.int64), 0, len(points), workers).run()
        return int(table.certified.sum())


@pytest.mark.parametrize("kind", [Float32Filter, Int8Filter, Int16Filter])
def test_equal_distances_are_not_taken_for_larger_ones(kind, monkeypatch):
    """The filter tells equal distances apart; the radius must hold all of them."""
    monkeypatch.setattr(join, "BLOCK", 64)
    points = (np.random.default_rng(0).random((600, 300)) < 0.02).astype(np.float32)
    assert n_certified(points, 20, kind) > 588


@pytest.mark.parametrize("kind", [Float32Filter, Int8Filter, Int16Filter])
def test_a_base_that_is_one_sample_proves_all_rows(kind, monkeypatch):
    monkeypatch.setattr(join, "BLOCK", 64)
    points = cloud("isotropic", 60, 100, seed=19)
    assert n_certified(points, 10, kind) == 60
