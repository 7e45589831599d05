import numpy as np
import pytest

import dimscope
from dimscope.errors import InputError, UsageError
from dimscope.knn import subsets

RNG = np.random.default_rng(2)
POINTS = RNG.normal(size=(300, 5))
POINTS[7] = POINTS[3]


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
@pytest.mark.parametrize("policy", ["merge", "keep"])
def test_the_table_of_a_subset_is_that_of_its_points(share, policy):
    table = dimscope.neighbors(POINTS, 40, duplicates=policy)
    rows = np.flatnonzero((RNG.random(300) < share) & np.isin(np.arange(300), table.duplicates.rows))
    found = dimscope.subset_neighbors(table, POINTS, rows, 6)
    expected = dimscope.neighbors(POINTS[rows], 6, duplicates=policy)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-13)
    assert found.duplicates.n_rows == len(rows)


def test_what_the_table_proves_is_not_searched_again(monkeypatch):
    table = dimscope.neighbors(POINTS, 100)
    rows = table.duplicates.rows[::2]
    monkeypatch.setattr(subsets, "search_rows", None)  # a call would fail
    assert dimscope.subset_neighbors(table, POINTS, rows, 5).k == 5


def test_wrong_subsets_are_refused():
    table = dimscope.neighbors(POINTS, 10)
    with pytest.raises(InputError, match="must ascend"):
        dimscope.subset_neighbors(table, POINTS, [5, 1, 9], 1)
    with pytest.raises(InputError, match="none may repeat another point"):
        dimscope.subset_neighbors(table, POINTS, [3, 7, 9], 1)
    with pytest.raises(InputError, match="k may be 1 to 2"):
        dimscope.subset_neighbors(table, POINTS, [1, 2, 3], 3)
    with pytest.raises(InputError, match="10 points were given for a table of 300"):
        dimscope.subset_neighbors(table, POINTS[:10], [1, 2, 3], 1)
    with pytest.raises(UsageError, match='found "cosine"'):
        dimscope.subset_neighbors(dimscope.neighbors(POINTS, 10, metric="cosine"), POINTS, [1, 2, 4], 1)
