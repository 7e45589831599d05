"""MADA against recorded values of scikit-dimension."""

import numpy as np
import pytest

from dimscope import dimension
from dimscope.dimensions.mada import MADA
from dimscope.errors import UsageError
from dimscope.knn import neighbors


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_scikit_dimension(recipes, oracles, name):
    expected = oracles["skdim"][f"{name}.MADA().fit(X,n_neighbors=20)"]
    assert dimension(recipes[name], "mada").value == pytest.approx(expected, rel=1e-10)


def test_odd_rank_is_refused():
    with pytest.raises(UsageError, match="even number"):
        MADA(5)


def test_points_at_distance_zero_and_ties_have_no_local_value(recipes):
    table = neighbors(recipes["D"], 2, duplicates="keep")
    found = dimension(table, "mada", k=2)
    missing = (table.distances[:, 0] == 0) | (table.distances[:, 0] == table.distances[:, 1])
    np.testing.assert_array_equal(np.isnan(found.local), missing)
    assert found.n_dropped == missing.sum() == 55


def test_replicates_of_the_whole_are_the_value(recipes):
    table = neighbors(recipes["A"], 20)
    assert MADA().replicate(table, [np.arange(table.n)])[0] == pytest.approx(MADA().estimate(table).value, rel=1e-12)


@pytest.mark.parametrize(("k", "d"), [(4, 1.0), (20, 6.0), (20, 1.0)])
def test_unbiased_has_the_mean_of_the_law(recipes, k, d):
    rng = np.random.default_rng(k)
    volumes = np.sort(rng.random((200_000, k - 1)), axis=1)[:, k // 2 - 1]
    factor = (np.log(2) / -np.log(volumes ** (1 / d))).mean() / d
    ratio = dimension(recipes["A"], "mada", k=k).value / dimension(recipes["A"], "mada", k=k, unbiased=True).value
    assert ratio == pytest.approx(factor, rel=0.02 if k == 4 else 0.004)


def test_the_mean_of_two_neighbours_is_infinite():
    with pytest.raises(UsageError, match="infinite"):
        MADA(2, unbiased=True)
