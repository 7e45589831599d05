"""Who lists whom, against a search of every list."""

import numpy as np

from dimscope.knn.union import linked, listed_by

LISTS = np.array([[1, 2], [0, -1], [3, 1], [-1, -1]], dtype=np.int32)


def test_sources_are_those_that_list_a_point():
    starts, sources = listed_by(LISTS)
    for point in range(4):
        assert sources[starts[point] : starts[point + 1]].tolist() == np.flatnonzero((point == LISTS).any(axis=1)).tolist()


def test_links_go_both_ways_once():
    ends, columns = linked(LISTS, *listed_by(LISTS))
    found = [sorted(columns[ends[row] : ends[row + 1]].tolist()) for row in range(4)]
    assert found == [[1, 2], [0, 2], [0, 1, 3], [2]]


def test_a_wide_random_table_is_linked_as_its_matrix():
    rng = np.random.default_rng(0)
    lists = rng.permuted(np.tile(np.arange(60), (60, 1)), axis=1)[:, :25].astype(np.int32)
    lists[lists == np.arange(60)[:, None]] = -1
    dense = np.zeros((60, 61), dtype=bool)
    dense[np.arange(60)[:, None], lists] = True
    dense = dense[:, :60] | dense[:, :60].T
    ends, columns = linked(lists, *listed_by(lists))
    assert ends.tolist() == [0, *np.cumsum(dense.sum(axis=1)).tolist()]
    for row in range(60):
        assert sorted(columns[ends[row] : ends[row + 1]].tolist()) == np.flatnonzero(dense[row]).tolist()
