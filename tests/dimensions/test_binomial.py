"""The binomial estimator against recorded values of DADApy."""

import numpy as np
import pytest
from scipy.special import polygamma, psi
from scipy.stats import binom

from dimscope import dimension
from dimscope.dimensions.base import error_of_pairs
from dimscope.dimensions.binomial import Binomial
from dimscope.errors import UsageError
from dimscope.knn import neighbors


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_dadapy(recipes, oracles, name):
    expected = oracles["dadapy"][f"{name}.compute_id_binomial_k(k=20,r=0.5,bayes=False)[:3]"][0]
    assert dimension(recipes[name], "binomial").value == pytest.approx(expected, rel=1e-10)


def posterior(inside, asked, ratio):
    """Mean and deviation of d = log(p) / log(ratio), p uniform beforehand, by integration of the binomial likelihood."""
    p = np.linspace(0, 1, 2_000_001)[1:-1]
    weight = np.exp(binom.logpmf(inside, asked, p) - binom.logpmf(inside, asked, inside / asked))
    d = np.log(p) / np.log(ratio)
    mean = (weight * d).sum() / weight.sum()
    return mean, np.sqrt((weight * (d - mean) ** 2).sum() / weight.sum())


@pytest.mark.parametrize("ratio", [0.5, 0.8])
def test_bayes_is_the_posterior_under_a_uniform_share(recipes, ratio):
    table = neighbors(recipes["A"], 20)
    inside = (table.distances[:, :19] <= ratio * table.distances[:, 19:]).sum()
    found = dimension(table, "binomial", method="bayes", errors="independent", ratio=ratio)
    assert (found.value, found.stderr) == pytest.approx(posterior(inside, 400 * 19, ratio), rel=1e-6)


def test_both_methods_widen_their_errors_by_the_same_factor(recipes):
    table = neighbors(recipes["A"], 20)
    found = {
        (method, errors): dimension(table, "binomial", method=method, errors=errors).stderr
        for method in ("ml", "bayes")
        for errors in ("neighbors", "independent")
    }
    factors = [found[method, "neighbors"] / found[method, "independent"] for method in ("ml", "bayes")]
    assert factors[0] == pytest.approx(factors[1], rel=1e-12)
    assert factors[0] > 1.1
    inside = (table.distances[:, :19] <= 0.5 * table.distances[:, 19:]).sum(axis=1)
    stated = error_of_pairs((inside - inside.mean()) / 400, table.indices[:, :20]) / (inside.mean() * np.log(2))
    assert found["ml", "neighbors"] == pytest.approx(stated, rel=1e-12)


@pytest.mark.parametrize(("options", "text"), [({"method": "bayse"}, "bayes"), ({"errors": "neighbor"}, "neighbors")])
def test_unknown_words_are_refused_with_the_near_one(options, text):
    with pytest.raises(UsageError, match=f'Did you mean "{text}"'):
        Binomial(**options)


def test_bayes_has_a_value_where_every_inner_ball_is_empty():
    """S = 0: the posterior of the share is Beta(1, T + 1)."""
    line = np.arange(40.0)[:, None]
    found = dimension(line, "binomial", k=3, ratio=0.01, method="bayes", errors="independent")
    assert (found.value, found.stderr) == pytest.approx(
        ((psi(1) - psi(82)) / np.log(0.01), np.sqrt(polygamma(1, 1) - polygamma(1, 82)) / -np.log(0.01)), rel=1e-12
    )
    wide = dimension(line, "binomial", k=3, ratio=0.01, method="bayes")
    assert wide.stderr == pytest.approx(np.sqrt(2) * found.stderr)


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
