import itertools

import numpy as np
import pytest

from dimscope.knn import join
from dimscope.knn.join import BLOCK, groups, room_for, sampled_radii, sampled_rank


def test_a_sampled_rank_holds_the_neighbours_but_for_few_rows():
    rng = np.random.default_rng(0)
    n, seen, k = 4000, 400, 50
    rank = sampled_rank(k, seen, n)
    # Of n values the k-th smallest must lie below the rank-th of a random part.
    values = np.sort(rng.random((2000, n)), axis=1)
    part = np.sort(np.stack([line[rng.choice(n, seen, replace=False)] for line in values]), axis=1)
    assert (part[:, rank - 1] < values[:, k - 1]).mean() < 0.005
    assert rank < 2.5 * k * seen / n + 10
    assert sampled_rank(k, n, n) == k


def test_radii_are_infinite_when_too_few_were_seen():
    squares = np.arange(12.0, dtype=np.float32).reshape(2, 6)
    assert np.isinf(sampled_radii(squares, 50, 6, 100)).all()
    np.testing.assert_allclose(sampled_radii(squares, 2, 6, 6), np.sqrt([1.0, 7.0]), rtol=1e-7)


@pytest.mark.parametrize(("n", "k"), [(100, 5), (50_000, 50), (300_000, 1024)])
def test_groups_cover_all_rows_in_bounded_memory(n, k):
    spans = groups(n, room_for(k, n))
    assert spans[0][0] == 0
    assert spans[-1][1] == n
    assert all(stop == start for (_, stop), (start, _) in itertools.pairwise(spans))
    assert all(start % BLOCK == 0 for start, _ in spans)
    assert all(8 * (stop - start) * room_for(k, n) <= max(join.LIST_BYTES, 8 * BLOCK * room_for(k, n)) for start, stop in spans)


def test_a_list_has_room_for_the_neighbours_and_more():
    assert room_for(50, 30) == 30
    for k in (1, 50, 1024):
        assert room_for(k, 10**6) > 1.3 * k
