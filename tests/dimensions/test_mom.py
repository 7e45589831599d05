"""MOM against recorded values of scikit-dimension."""

import numpy as np
import pytest

from dimscope import dimension
from dimscope.dimensions.mom import MOM
from dimscope.errors import UsageError
from dimscope.knn import neighbors


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_scikit_dimension(recipes, oracles, name):
    expected = oracles["skdim"][f"{name}.MOM().fit(X,n_neighbors=20)"]
    assert dimension(recipes[name], "mom", k=20).value == pytest.approx(expected, rel=1e-10)


def test_value_is_the_mean_of_the_local_ones(recipes):
    found = dimension(recipes["A"], "mom", k=10)
    table = neighbors(recipes["A"], 10)
    mean = table.distances.mean(axis=1)
    np.testing.assert_allclose(found.local, mean / (table.distances[:, -1] - mean), rtol=1e-12)
    assert found.value == pytest.approx(np.mean(mean / (table.distances[:, -1] - mean)), rel=1e-12)


def test_one_neighbour_is_refused():
    with pytest.raises(UsageError, match="at least 2"):
        MOM(1)


def test_replicates_of_the_whole_are_the_value(recipes):
    table = neighbors(recipes["A"], 20)
    assert MOM(20).replicate(table, [np.arange(table.n)])[0] == pytest.approx(MOM(20).estimate(table).value, rel=1e-12)
