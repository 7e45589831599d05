"""`convention=` returns what other implementations return, on data with repeated rows and ties too."""

import numpy as np
import pytest
import torch

from dimscope import dimension, neighbors
from dimscope.dimensions.conventions import CONVENTIONS
from dimscope.dimensions.gride import Gride
from dimscope.dimensions.twonn import TwoNN
from dimscope.errors import UsageError
from dimscope.estimates import Status
from dimscope.knn.base import Neighbors

COPIES = (1, 0, 0, 0, 0, 4, 1, 0, 0, 0, 1, 2, 0, 0, 4, 0, 0, 2, 0, 0)
"""Squared distance of each repeated row of D from its copy, in units of 2^-47, as scikit-learn's `euclidean_distances` gave it
where the values of the paper's code and of DADApy from points were recorded. With another BLAS kernel it gives other ones."""


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


def by_product(points, k):
    """The table by a matrix product, as torchid makes it: of equal rows some are at 0, some at rounding noise."""
    found = torch.cdist(torch.from_numpy(points), torch.from_numpy(points)).fill_diagonal_(torch.inf).sort(dim=1)
    kept = neighbors(points, k, duplicates="keep")
    return Neighbors(found.indices[:, :k].numpy(), found.values[:, :k].numpy(), kept.duplicates)


def test_torchid_on_repeated_rows(recipes, oracles):
    """Nine of ten ratios leave all copies out; 98 % read them, and then how many are at 0 decides, which is rounding noise."""
    table = by_product(recipes["D"], 2)
    at_zero = int((table.distances[:, 0] == 0).sum())
    expected = oracles["torchid_0.5.1"]["D.TwoNN(0.02)"]
    tolerance = 1e-10 if at_zero == 24 else 0.2  # 24 of 40 in the recorded run
    assert dimension(table, convention="torchid", fraction=0.98).value == pytest.approx(expected, rel=tolerance)
    exact = neighbors(recipes["D"], 2, duplicates="keep").distances
    x = np.sort(np.log(exact[:, 1]) - np.log(np.maximum(exact[:, 0], 2.0**-1022)))[:411]
    y = -np.log(1 - np.arange(411) / 420)
    found = dimension(recipes["D"], convention="torchid", fraction=0.98)
    assert found.value == pytest.approx(x @ y / (x @ x), rel=1e-10)
    assert found.status is Status.ZERO_DISTANCES


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
@pytest.mark.parametrize("fraction", [0.9, 0.98, 1.0])
def test_ansuini(recipes, oracles, name, fraction):
    expected = oracles["IntrinsicDimDeep"][f"{name}.estimate(squareform(pdist({name})),fraction={fraction})"]
    found = dimension(recipes[name], convention="ansuini", fraction=fraction)
    assert found.value == pytest.approx(expected, rel=1e-10)
    assert found.n_used + found.n_dropped <= len(recipes[name])
    table = neighbors(recipes[name], 2, duplicates="keep")
    whole = TwoNN(convention="ansuini", fraction=fraction).replicate(table, [np.arange(table.n)])
    assert whole[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
def test_tdhook(recipes, oracles, name):
    """Recorded as float32, from distances by a matrix product. Its value of D in float32 is left out: there the rounding noise
    of copies is larger than the distance from which it tells them apart."""
    expected = oracles["tdhook_0.3.0"][name]
    assert dimension(recipes[name], convention="tdhook").value == pytest.approx(expected, rel=1e-7)
    table = neighbors(recipes[name], 20, duplicates="keep")
    assert TwoNN(convention="tdhook").replicate(table, [np.arange(table.n)])[0] == pytest.approx(expected, rel=1e-7)


def test_tdhook_looks_beyond_all_copies(recipes):
    """From points the table is widened; a table that ends among copies gives no estimate."""
    twelve = np.vstack([recipes["A"], np.repeat(recipes["A"][:1], 11, axis=0)])
    short = neighbors(twelve, 4, duplicates="keep")
    found = dimension(short, convention="tdhook")
    assert (np.isnan(found.value), found.status) == (True, Status.LISTS_END)
    assert np.isnan(TwoNN(convention="tdhook").replicate(short, [np.arange(short.n)] * 2)).all()
    wide = dimension(twelve, convention="tdhook")
    assert wide.value == dimension(neighbors(twelve, 13, duplicates="keep"), convention="tdhook").value
    assert 4 < wide.value < 6
    lonely = np.vstack([np.zeros((30, 2)), [[1.0, 0.0]]])
    assert dimension(lonely, convention="tdhook").status is Status.ZERO_DISTANCES


def test_line_fits_have_no_likelihood_and_ties_at_zero_no_value(recipes, oracles):
    assert oracles["torchid_0.5.1"]["T.TwoNN(0.1)"] is None
    assert np.isnan(dimension(recipes["T"], convention="torchid").value)
    for name in ("torchid", "ansuini", "tdhook"):
        with pytest.raises(UsageError, match=f'the convention "{name}" has the line fit only'):
            dimension(recipes["A"], convention=name, method="ml")


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_bootstrap_replicate_of_every_row_is_the_estimate(recipes, name):
    table = neighbors(recipes["A"], 5, duplicates="keep")
    chosen = TwoNN(convention=name)
    assert chosen.replicate(table, [np.arange(table.n)])[0] == pytest.approx(chosen.estimate(table).value, rel=1e-12)


def test_values_from_a_matrix_product_are_those_of_the_distances_that_it_gave_to_copies(recipes, oracles):
    table = neighbors(recipes["D"], 2, duplicates="keep")
    distances = table.distances.copy()
    distances[:20, 0] = distances[400:, 0] = np.sqrt(np.array(COPIES) * 2.0**-47)
    theirs = Neighbors(table.indices, distances, table.duplicates)
    line, likelihood = (oracles["seed"][f"D._compute_id_2NN(mus,fraction=0.98,algorithm='{name}')"] for name in ("base", "ml"))
    assert dimension(theirs, convention="paper", fraction=0.98).value == pytest.approx(line[0], rel=2e-8)
    assert dimension(theirs, convention="paper", fraction=0.98, method="ml").value == pytest.approx(likelihood, rel=1e-9)
    values, errors, radii = oracles["dadapy"]["D.return_id_scaling_gride(range_max=64) from X"]
    found = dimension(theirs, "gride", convention="dadapy")
    assert (found.value, found.stderr) == pytest.approx((values[0], errors[0]), abs=5e-8)
    assert found.radius == pytest.approx(radii[0], rel=1e-8)


def test_float32_distances_of_a_product_put_copies_where_tdhook_takes_them_for_neighbours(recipes, oracles):
    """Its 1.0531 for D in float32 is one draw of such noise; distances without it give the value of float64 in any dtype."""
    single = recipes["D"].astype(np.float32)
    expected = oracles["tdhook_0.3.0"]["D"]
    assert dimension(single, convention="tdhook").value == pytest.approx(expected, rel=1e-6)
    assert abs(oracles["tdhook_0.3.0"]["D float32"] / expected - 1) > 0.5


@pytest.mark.parametrize("ranks", [2, 4])
def test_bootstrap_replicates_of_gride_as_dadapy_are_its_estimate(recipes, ranks):
    for name in ("D", "T"):
        table = neighbors(recipes[name], ranks, duplicates="keep")
        chosen = Gride(ranks, convention="dadapy")
        found = chosen.replicate(table, [np.arange(table.n), np.zeros(table.n, dtype=np.int64)])
        assert found[0] == pytest.approx(chosen.estimate(table).value, rel=1e-12)


def test_gride_as_dadapy_has_no_value_where_all_is_tied():
    corners = np.eye(30)  # all distances are equal
    found = dimension(corners, "gride", ranks=4, convention="dadapy")
    assert (np.isnan(found.value), found.status) == (True, Status.NO_SPREAD)
    assert np.isnan(Gride(4, convention="dadapy").replicate(neighbors(corners, 4, duplicates="keep"), [np.arange(30)])).all()


def test_repeated_rows_spoil_only_the_conventions(recipes):
    ours = dimension(recipes["D"]).value
    assert ours == pytest.approx(dimension(recipes["A"]).value, rel=1e-12)
    assert dimension(recipes["D"], convention="dadapy").value < 0.8 * ours
    assert dimension(recipes["D"], convention="paper", fraction=0.98).value < 0.1 * ours


@pytest.mark.parametrize("options", [{"convention": "dada"}, {"method": "fits"}])
def test_unknown_names_are_refused_with_the_near_one(recipes, options):
    with pytest.raises(UsageError, match="Did you mean"):
        dimension(recipes["A"], **options)
