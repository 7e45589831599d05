"""`convention=` returns what other implementations return, on data with repeated rows and ties too."""

import numpy as np
import pytest

from dimscope import dimension, neighbors
from dimscope.dimensions.twonn import TwoNN
from dimscope.errors import UsageError


@pytest.mark.parametrize("name", ["A", "C", "D"])
@pytest.mark.parametrize("call", ["mu_fraction=0.9", "mu_fraction=0.98"])
def test_dadapy_line_fit(recipes, oracles, name, call):
    key = f"{name}.compute_id_2NN({call})"
    key = key if key in oracles["dadapy"] else f"{name}.compute_id_2NN()"
    fraction = 0.98 if "0.98" in key else 0.9
    expected = oracles["dadapy"][key][0]
    assert dimension(recipes[name], convention="dadapy", fraction=fraction).value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("name", ["A", "C", "D"])
def test_dadapy_likelihood_ignores_the_fraction(recipes, oracles, name):
    expected = oracles["dadapy"][f"{name}.compute_id_2NN(algorithm='ml')"][0]
    found = dimension(recipes[name], convention="dadapy", method="ml", fraction=0.9)
    assert found.value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["A", "C"])
def test_dadapy_fit_of_everything_becomes_a_likelihood(recipes, oracles, name):
    expected = oracles["dadapy"][f"{name}.compute_id_2NN(mu_fraction=1.0)"][0]
    assert dimension(recipes[name], convention="dadapy", fraction=1.0).value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["A", "C"])
def test_dadapy_prior_gives_mean_and_deviation(recipes, oracles, name):
    mean, deviation, radius = oracles["dadapy"][f"{name}.compute_id_2NN_wprior()"]
    found = dimension(recipes[name], convention="dadapy", method="bayes")
    assert (found.value, found.stderr, found.radius) == pytest.approx((mean, deviation, radius), rel=1e-10)


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
@pytest.mark.parametrize("discard", ["0.1", "0.02"])
@pytest.mark.parametrize(("method", "theirs"), [("fit", "linear"), ("ml", "mle")])
def test_scikit_dimension(recipes, oracles, name, discard, method, theirs):
    expected = oracles["skdim"][f"{name}.TwoNN(discard_fraction={discard},method='{theirs}')"]
    found = dimension(recipes[name], convention="skdim", method=method, fraction=1 - float(discard))
    assert found.value == pytest.approx(expected, rel=1e-10)


# D is left out: the distances of equal rows in the recorded run were rounding noise (1e-8) in some pairs and 0 in others.
@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize(("method", "theirs"), [("fit", "base"), ("ml", "ml")])
def test_the_code_of_the_paper(recipes, oracles, name, method, theirs):
    expected = np.ravel(oracles["seed"][f"{name}._compute_id_2NN(mus,fraction=0.98,algorithm='{theirs}')"])[0]
    found = dimension(recipes[name], convention="paper", method=method, fraction=0.98)
    assert found.value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("name", "discard"), [("A", "0.1"), ("A", "0.02"), ("C", "0.1"), ("D", "0.1")])
def test_torchid(recipes, oracles, name, discard):
    expected = oracles["torchid_0.5.1"][f"{name}.TwoNN({discard})"]
    found = dimension(recipes[name], convention="torchid", fraction=1 - float(discard))
    assert found.value == pytest.approx(expected, rel=1e-10)
    table = neighbors(recipes[name], 2, duplicates="keep")
    whole = TwoNN(convention="torchid", fraction=1 - float(discard)).replicate(table, [np.arange(table.n)])
    assert whole[0] == pytest.approx(expected, rel=1e-10)


def test_torchid_has_no_likelihood_and_no_value_of_ties(recipes, oracles):
    assert oracles["torchid_0.5.1"]["T.TwoNN(0.1)"] is None
    assert np.isnan(dimension(recipes["T"], convention="torchid").value)
    with pytest.raises(UsageError, match='the convention "torchid" has the line fit only'):
        dimension(recipes["A"], convention="torchid", method="ml")


def test_repeated_rows_spoil_only_the_conventions(recipes):
    ours = dimension(recipes["D"]).value
    assert ours == pytest.approx(dimension(recipes["A"]).value, rel=1e-12)
    assert dimension(recipes["D"], convention="dadapy").value < 0.8 * ours
    assert dimension(recipes["D"], convention="paper", fraction=0.98).value < 0.1 * ours


@pytest.mark.parametrize("options", [{"convention": "dada"}, {"method": "fits"}])
def test_unknown_names_are_refused_with_the_near_one(recipes, options):
    with pytest.raises(UsageError, match="Did you mean"):
        dimension(recipes["A"], **options)
