"""The map of overlaps: each cell against the overlap of two layers, and the same bits however it is cut."""

import numpy as np
import pytest

from dimscope import neighbors, overlap
from dimscope.engines import HERE
from dimscope.knn import keep_nearest
from dimscope.reports.overlap_map import overlap_map
from fakes import Shuffled

K = 6


@pytest.fixture(scope="module")
def tables():
    """Seven layers of 90 points, of which other rows are equal in other layers; one is missing, one is short."""
    rng = np.random.default_rng(4)
    layers = [np.cumsum(rng.normal(size=(90, 4)), axis=1)[:, : 2 + layer % 3] for layer in range(7)]
    layers[2][50:55] = layers[2][:5]
    layers[5][70:72] = layers[5][:2]
    found = [neighbors(points, 12) for points in layers]
    return [*found[:3], None, *found[3:5], keep_nearest(found[4], K - 1), *found[5:]]


def test_cells_are_overlaps_of_two_layers(tables):
    found = overlap_map(tables, K)
    for row, a in enumerate(tables):
        for column, b in enumerate(tables):
            if a is None or b is None or min(a.k, b.k) < K:
                assert np.isnan(found.values[row, column]) and found.n_used[row, column] == 0
                continue
            expected = overlap(a, b, K)
            assert found.values[row, column] == pytest.approx(expected.value, rel=1e-12)
            assert found.stderr[row, column] == pytest.approx(expected.stderr, rel=1e-9)
            assert found.n_used[row, column] == expected.n_used


@pytest.mark.parametrize("n_workers", [1, 2, 3, 5, 20])
def test_the_bits_do_not_depend_on_the_chunks(tables, n_workers):
    expected, engine = overlap_map(tables, K, HERE), Shuffled(n_workers, n_workers)
    found = overlap_map(tables, K, engine)
    assert engine.n_tasks == min(n_workers, 7)
    for name in ("values", "stderr", "chance", "n_used"):
        np.testing.assert_array_equal(getattr(found, name).view(np.int64), getattr(expected, name).view(np.int64))


def test_fewer_than_two_layers_have_no_map(tables):
    assert overlap_map([tables[0], None], K) is None
    assert overlap_map([], K) is None
