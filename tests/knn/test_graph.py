"""The graph of a table against sets, on both ways of building it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.knn import graph


def by_sets(lists):
    n = len(lists)
    dense = np.zeros((n, n), dtype=bool)
    for row, found in enumerate(lists.tolist()):
        for other in found:
            if other >= 0:
                dense[row, other] = dense[other, row] = True
    return dense


@pytest.fixture(params=[10**9, 0], ids=["scipy", "compiled"])
def way(request, monkeypatch):
    monkeypatch.setattr(graph, "FEW_ENTRIES", request.param)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 30), gaps=st.booleans())
@pytest.mark.parametrize("few", [10**9, 0], ids=["scipy", "compiled"])
def test_equals_the_sets(few, seed, n, gaps):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, n))
    lists = np.array([rng.permutation(np.delete(np.arange(n), row))[:k] for row in range(n)])
    if gaps:
        lists[rng.random(lists.shape) < 0.3] = -1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "FEW_ENTRIES", few)
        found = graph.neighbor_graph(lists)
    np.testing.assert_array_equal(found.toarray(), by_sets(lists))
    assert found.data.tolist() == [1] * by_sets(lists).sum()


@pytest.mark.usefixtures("way")
def test_views_and_read_only_lists_are_taken():
    wide = np.random.default_rng(0).permuted(np.tile(np.arange(20), (20, 1)), axis=1)
    lists = np.where(wide == np.arange(20)[:, None], -1, wide)[:, ::3]
    lists.setflags(write=False)
    np.testing.assert_array_equal(graph.neighbor_graph(lists).toarray(), by_sets(lists))


@pytest.mark.usefixtures("way")
def test_points_that_list_nobody_are_alone():
    assert graph.neighbor_graph(np.full((4, 2), -1)).nnz == 0


def test_many_neighbours_go_through_the_compiled_loop():
    rng = np.random.default_rng(1)
    lists = (np.arange(5000)[:, None] + np.cumsum(rng.integers(1, 40, (5000, 110)), axis=1)) % 5000
    assert lists.size > graph.FEW_ENTRIES
    many = graph.neighbor_graph(lists)
    rows, columns = np.repeat(np.arange(5000), 110), lists.ravel()
    pairs = np.unique(np.concatenate([rows * 5000 + columns, columns * 5000 + rows]))
    coordinates = many.tocoo()
    np.testing.assert_array_equal(np.sort(coordinates.row.astype(np.int64) * 5000 + coordinates.col), pairs)
