"""Borders and merging on lists of neighbours written by hand."""

import numpy as np
import pytest

from dimscope.clusters.saddles import find_saddles, merge_peaks
from dimscope.knn.base import Duplicates, Neighbors


def on_a_line(places, k):
    """The table of points on a line."""
    away = np.abs(np.subtract.outer(places, places))
    np.fill_diagonal(away, np.inf)
    lists = np.argsort(away, axis=1, kind="stable")[:, :k]
    n = len(places)
    return Neighbors(lists, np.take_along_axis(away, lists, axis=1), Duplicates(np.arange(n), np.ones(n, dtype=np.int64)))


LINE = on_a_line([0.0, 1.0, 2.1, 3.3, 4.6, 6.0], 4)
SIDES = np.array([0, 0, 0, 1, 1, 1])


def test_the_border_is_the_pair_that_faces_each_other():
    """Points 2 and 3 are each other's nearest of the other side; the one of larger g (smaller rank) is the saddle."""
    sizes = np.full(6, 3)
    assert find_saddles(LINE, SIDES, sizes, np.array([0, 2, 3, 4, 1, 5]), 2) == {(0, 1): 2}
    assert find_saddles(LINE, SIDES, sizes, np.array([0, 2, 4, 3, 1, 5]), 2) == {(0, 1): 3}


def test_neighbours_beyond_the_neighbourhood_are_no_border():
    far = on_a_line([0.0, 0.1, 0.2, 9.0, 9.1, 9.2], 4)
    assert find_saddles(far, SIDES, np.full(6, 2), np.arange(6), 2) == {}
    assert find_saddles(far, SIDES, np.full(6, 3), np.arange(6), 2) == {(0, 1): 2}


def test_one_cluster_has_no_saddle():
    assert find_saddles(LINE, np.zeros(6, dtype=np.int64), np.full(6, 4), np.arange(6), 1) == {}


PEAKS = np.array([0, 1, 2])
LOGS = np.array([5.0, 4.0, 3.5, 3.4, 1.0, 0.5])
RANK = np.argsort(np.argsort(-LOGS))


@pytest.mark.parametrize(("z", "into", "left"), [
    (0.05, [0, 1, 2], {(0, 1): 4, (1, 2): 3, (0, 2): 5}),
    (1.0, [0, 1, 1], {(0, 1): 4}),
    (20.0, [0, 0, 0], {}),
])  # fmt: skip
def test_the_highest_weak_saddle_goes_first_and_the_higher_saddle_stays(z, into, left):
    """Saddles 1-2 at 3.4 (0.1 below peak 2), 0-1 at 1.0, 0-2 at 0.5; every error is 0.1."""
    merged, saddles = merge_peaks(PEAKS, {(0, 1): 4, (1, 2): 3, (0, 2): 5}, LOGS, np.full(6, 0.1), RANK, z)
    assert merged.tolist() == into
    assert saddles == left


def test_a_chain_of_merges_ends_in_the_highest_peak():
    logs = np.array([5.0, 4.9, 4.8, 4.85, 4.75])
    rank = np.argsort(np.argsort(-logs))
    merged, saddles = merge_peaks(np.array([0, 1, 2]), {(0, 1): 3, (1, 2): 4}, logs, np.full(5, 1.0), rank, 1.0)
    assert merged.tolist() == [0, 0, 0]
    assert saddles == {}
