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
