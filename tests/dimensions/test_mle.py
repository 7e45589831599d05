"""MLE against recorded values of scikit-dimension and its own closed form."""

import numpy as np
import pytest

from dimscope import dimension, neighbors
from dimscope.dimensions.mle import MLE
from dimscope.errors import UsageError


@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize(("combine", "recorded"), [("harmonic", "mle"), ("mean", "mean"), ("median", "median")])
def test_combinations_equal_scikit_dimension(recipes, oracles, name, combine, recorded):
    expected = oracles["skdim"][f"{name}.MLE().fit(X,n_neighbors=20,comb='{recorded}')"]
    assert dimension(recipes[name], "mle", combine=combine).value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["A", "C"])
def test_unbiased_equals_scikit_dimension(recipes, oracles, name):
    expected = oracles["skdim"][f"{name}.MLE(unbiased=True).fit(X,n_neighbors=20,comb='mle')"]
    assert dimension(recipes[name], "mle", unbiased=True).value == pytest.approx(expected, rel=1e-10)


def test_local_values_equal_scikit_dimension(recipes, oracles):
    expected = oracles["skdim"]["A.MLE() pw[:4] n_neighbors=20"]
    np.testing.assert_allclose(dimension(recipes["A"], "mle").local[:4], expected, rtol=1e-10)


def test_repeated_rows_do_not_change_the_value(recipes):
    assert dimension(recipes["D"], "mle").value == pytest.approx(dimension(recipes["A"], "mle").value, rel=1e-12)


def test_kept_duplicates_are_dropped_and_said(recipes):
    table = neighbors(recipes["D"], 20, duplicates="keep")
    found = dimension(table, "mle")
    assert not found.status.is_ok
    assert "distance 0" in found.status.value
    assert np.isfinite(found.value)


def test_replicates_scatter_around_the_value(recipes):
    table = neighbors(recipes["A"], 20)
    rng = np.random.default_rng(0)
    values = MLE().replicate(table, (rng.integers(0, table.n, table.n) for _ in range(100)))
    found = MLE().estimate(table)
    assert abs(values.mean() - found.value) < found.stderr
    assert 0.4 * found.stderr < values.std() < 1.2 * found.stderr


@pytest.mark.parametrize("options", [{"k": 2}, {"combine": "harmonious"}])
def test_impossible_options_are_refused(options):
    with pytest.raises(UsageError):
        MLE(**options)


def test_equal_distances_have_no_estimate():
    found = dimension(np.eye(20), "mle", k=5)
    assert np.isnan(found.value)
    assert found.n_dropped == 20
    assert "equal" in found.status.value
