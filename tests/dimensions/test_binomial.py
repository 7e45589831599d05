"""The binomial estimator against recorded values of DADApy."""

import numpy as np
import pytest

from dimscope import dimension
from dimscope.dimensions.binomial import Binomial
from dimscope.errors import UsageError
from dimscope.knn import neighbors


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_dadapy(recipes, oracles, name):
    expected = oracles["dadapy"][f"{name}.compute_id_binomial_k(k=20,r=0.5,bayes=False)[:3]"][0]
    assert dimension(recipes[name], "binomial").value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("options", [{"k": 2}, {"ratio": 0.0}, {"ratio": 1.0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError):
        Binomial(**options)


def test_empty_inner_balls_have_no_estimate():
    line = np.arange(40.0)[:, None]
    found = dimension(line, "binomial", k=3, ratio=0.01)
    assert np.isnan(found.value)
    assert not found.status.is_ok


def test_replicates_of_the_whole_are_the_value(recipes):
    table = neighbors(recipes["A"], 20)
    assert Binomial().replicate(table, [np.arange(table.n)])[0] == pytest.approx(Binomial().estimate(table).value)
