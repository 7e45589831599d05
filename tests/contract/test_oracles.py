"""Every recorded number of other implementations that our definitions can give, at the tolerance of its computation.

`tests/dimensions/test_conventions.py` holds the TwoNN numbers that need `convention=`, the tests of `mle`, `mom`, `mada`,
`binomial`, `cka` and `information_imbalance` those of their estimator.
"""

import numpy as np
import pytest

from dimscope import (
    cka,
    dimension,
    dimension_scaling,
    information_imbalance,
    knn_accuracy,
    label_overlap,
    neighbors,
    overlap,
)  # fmt: skip
from dimscope.dimensions import ESTIMATORS

EXACT = 1e-10
BY_CURVE_FIT = 1e-8
"""DADApy fits the line by Levenberg-Marquardt and finds the root of Gride by bisection to 1e-7."""


@pytest.mark.parametrize("name", ["A", "B", "C", "D", "T", "labels_bal", "labels_imb"])
def test_the_inputs_are_those_that_were_recorded(recipes, oracles, name):
    made, recorded = recipes[name], oracles["data_check"][name]
    assert list(made.shape) == recorded["shape"]
    assert made.sum() == pytest.approx(recorded["sum"], rel=1e-9, abs=1e-9)
    assert np.abs(made).sum() == pytest.approx(recorded["abs_sum"], rel=1e-12)
    np.testing.assert_allclose(made.ravel()[:3], recorded["first"], rtol=1e-12)


@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize("fraction", [0.9, 0.98])
def test_twonn_line_fit(recipes, oracles, name, fraction):
    found = dimension(recipes[name], fraction=fraction)
    value, _, radius = oracles["dadapy"][f"{name}.compute_id_2NN(mu_fraction={fraction})"]
    assert found.value == pytest.approx(value, rel=BY_CURVE_FIT)
    assert found.radius == pytest.approx(radius, rel=EXACT)
    discard = "0.1" if fraction == 0.9 else "0.02"
    assert found.value == pytest.approx(
        oracles["skdim"][f"{name}.TwoNN(discard_fraction={discard},method='linear')"], rel=EXACT
    )
    other = oracles["IntrinsicDimDeep"][f"{name}.estimate(squareform(pdist({name})),fraction={fraction})"]
    assert found.value == pytest.approx(other, rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
def test_twonn_line_fit_of_all_but_the_last(recipes, oracles, name):
    n = len(recipes[name])
    # recorded with the last point dropped, from distances that agree with float64 to 1e-7 only
    assert dimension(recipes[name], fraction=(n - 1) / n).value == pytest.approx(oracles["tdhook_0.3.0"][name], rel=1e-7)


def test_twonn_of_float32_points(recipes, oracles):
    expected = oracles["seed"]["C.float32 _compute_id_2NN(base,0.98)"][0]
    assert dimension(recipes["C"].astype(np.float32), fraction=0.98).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize(("fraction", "discard"), [(0.9, "0.1"), (0.98, "0.02"), (1.0, "0.0")])
def test_twonn_likelihood(recipes, oracles, name, fraction, discard):
    found = dimension(recipes[name], method="ml", fraction=fraction).value
    assert found == pytest.approx(oracles["skdim"][f"{name}.TwoNN(discard_fraction={discard},method='mle')"], rel=EXACT)
    if fraction == 1:
        assert found == pytest.approx(oracles["dadapy"][f"{name}.compute_id_2NN(algorithm='ml')"][0], rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
def test_twonn_with_prior(recipes, oracles, name):
    found = dimension(recipes[name], method="bayes", fraction=1.0, errors="independent")
    mean, deviation, _ = oracles["dadapy"][f"{name}.compute_id_2NN_wprior()"]
    mode = oracles["dadapy"][f"{name}.compute_id_2NN_wprior(posterior_mean=False)"][0]
    assert (found.value, found.stderr) == pytest.approx((mean, deviation), rel=EXACT)
    assert found.value - found.stderr**2 / found.value == pytest.approx(mode, rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize(
    ("call", "fraction", "repeats"),
    [("data_fraction=0.25", 0.9, 4), ("data_fraction=0.25,n_iter=7,mu_fraction=0.98", 0.98, 7)],
)
def test_twonn_of_subsets(recipes, oracles, name, call, fraction, repeats):
    """Their subsets are independent draws (ours are disjoint, see `dimension_scaling`); each subset has our value."""
    points, rng = recipes[name], np.random.default_rng(42)
    draws = [rng.choice(len(points), size=round(0.25 * len(points)), replace=False) for _ in range(repeats)]
    found = [dimension(points[draw], fraction=fraction) for draw in draws]
    values = [estimate.value for estimate in found]
    value, error, radius = oracles["dadapy"][f"{name}.compute_id_2NN({call})"]
    assert np.mean(values) == pytest.approx(value, rel=BY_CURVE_FIT)
    assert np.std(values) / np.sqrt(repeats) == pytest.approx(error, rel=1e-7)
    assert np.mean([estimate.radius for estimate in found]) == pytest.approx(radius, rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
def test_twonn_ladder_of_subsets(recipes, oracles, name):
    points, rng = recipes[name], np.random.default_rng(42)
    values, errors, *rest = oracles["dadapy"][f"{name}.return_id_scaling_2NN(return_sizes=True)"]
    for level, size in enumerate(rest[-1]):
        repeats = round(len(points) / size)
        draws = [rng.choice(len(points), size=size, replace=False) for _ in range(repeats)] if level else [...]
        found = [dimension(points[draw]).value for draw in draws]
        assert np.mean(found) == pytest.approx(values[level], rel=BY_CURVE_FIT)
        assert np.std(found) / np.sqrt(len(found)) == pytest.approx(errors[level], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["A", "C"])
def test_gride_over_scales(recipes, oracles, name):
    found = dimension_scaling(recipes[name], "gride", errors="independent")
    values, errors = [estimate.value for estimate in found], [estimate.stderr for estimate in found]
    theirs = oracles["skdim"][f"{name}.GRIDE(multiscale=True,range_max=64)"]
    assert [estimate.scale[0] for estimate in found] == theirs["scales"]
    np.testing.assert_allclose(values, theirs["id"], rtol=EXACT)
    np.testing.assert_allclose(errors, theirs["err"], rtol=EXACT)
    tight = oracles["dadapy"][f"{name}.return_id_scaling_gride(range_max=64,eps=1e-13) from distances"]
    np.testing.assert_allclose(values, tight[0], rtol=EXACT)
    np.testing.assert_allclose(errors, tight[1], rtol=EXACT)
    default = oracles["dadapy"][f"{name}.return_id_scaling_gride(range_max=64) from X"]
    np.testing.assert_allclose(values, default[0], rtol=BY_CURVE_FIT)
    np.testing.assert_allclose([estimate.radius for estimate in found], default[2], rtol=EXACT)
    assert oracles["dadapy"][f"{name}.return_id_scaling_gride(range_max=64,return_ranks=True) from X"] == [2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("name", ["D", "T"])
@pytest.mark.parametrize("position", [1, 2, 3, 4, 5])
def test_gride_beyond_rank_two_with_repeated_rows_and_ties(recipes, oracles, name, position):
    found = dimension(neighbors(recipes[name], 64, duplicates="keep"), "gride", ranks=2 ** (position + 1), errors="independent")
    theirs = oracles["skdim"][f"{name}.GRIDE(multiscale=True,range_max=64)"]
    assert (found.value, found.stderr) == pytest.approx((theirs["id"][position], theirs["err"][position]), rel=EXACT)
    if name == "D":
        dadapy = oracles["dadapy"]["D.return_id_scaling_gride(range_max=64) from X"]
        assert (found.value, found.radius) == pytest.approx((dadapy[0][position], dadapy[2][position]), rel=BY_CURVE_FIT)


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
def test_gride_of_scikit_dimension_leaves_ties_out_at_every_rank(recipes, oracles, name):
    theirs = oracles["skdim"][f"{name}.GRIDE(multiscale=True,range_max=64)"]
    found = [dimension(recipes[name], "gride", ranks=2 * near, convention="skdim") for near in theirs["scales"]]
    np.testing.assert_allclose([one.value for one in found], theirs["id"], rtol=EXACT)
    np.testing.assert_allclose([one.stderr for one in found], theirs["err"], rtol=EXACT)


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
def test_gride_of_dadapy_keeps_ties_and_gives_equal_rows_a_distance(recipes, oracles, name):
    values, errors, radii = oracles["dadapy"][f"{name}.return_id_scaling_gride(range_max=64) from X"]
    found = [dimension(recipes[name], "gride", ranks=2 ** (step + 1), convention="dadapy") for step in range(6)]
    first = 1 if name == "D" else 0  # at ranks 1 and 2 of D theirs is that of the rounding of its matrix product
    np.testing.assert_allclose([one.value for one in found][first:], values[first:], rtol=0, atol=5e-8)  # half of 1e-7
    np.testing.assert_allclose([one.radius for one in found], radii, rtol=1e-8)
    tied = name == "T"  # their terms of ties are 0/0 rounded
    np.testing.assert_allclose([one.stderr for one in found][first:], errors[first:], rtol=1e-3 if tied else BY_CURVE_FIT)


@pytest.mark.parametrize("name", ["A", "C", "D", "T"])
def test_gride_at_two_ranks_of_ones_own(recipes, oracles, name):
    found = dimension(neighbors(recipes[name], 6, duplicates="keep"), "gride", near=2, ranks=6, errors="independent")
    assert (found.value, found.stderr) == pytest.approx(oracles["skdim"][f"{name}.GRIDE(n1=2,n2=6)"], rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
@pytest.mark.parametrize(("method", "bayes"), [("ml", False), ("bayes", True)])
def test_binomial_estimator_with_its_errors(recipes, oracles, name, method, bayes):
    found = dimension(recipes[name], "binomial", method=method, errors="independent")
    theirs = oracles["dadapy"][f"{name}.compute_id_binomial_k(k=20,r=0.5,bayes={bayes})[:3]"]
    assert (found.value, found.stderr) == pytest.approx(theirs[:2], rel=EXACT)


@pytest.mark.parametrize("name", ["A", "C"])
def test_scale_of_the_binomial_estimator(recipes, oracles, name):
    """Theirs is the mean of both radii, ours the outer one."""
    recorded = oracles["dadapy"][f"{name}.compute_id_binomial_k(k=20,r=0.5,bayes=False)[:3]"][2]
    assert dimension(recipes[name], "binomial").radius * (1 + 0.5) / 2 == pytest.approx(recorded, rel=EXACT)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_repeated_rows_have_the_value_of_the_distinct_ones(recipes, name):
    for once, again in (("A", recipes["D"]), ("C", np.vstack([recipes["C"], recipes["C"][:20]]))):
        alone, repeated = dimension(recipes[once], name), dimension(again, name)
        assert (repeated.value, repeated.stderr, repeated.n_used) == (alone.value, alone.stderr, alone.n_used)
        assert repeated.status is alone.status


def test_repeated_rows_have_the_recorded_values(recipes, oracles):
    reference = oracles["dedup_reference"]
    assert neighbors(recipes["D"], 1).n == reference["n_unique"]
    assert dimension(recipes["D"]).value == pytest.approx(reference["TwoNN linear .9"], rel=EXACT)
    assert dimension(recipes["D"], method="ml", fraction=1.0).value == pytest.approx(reference["TwoNN ml"], rel=EXACT)
    wide, truth = np.vstack([recipes["C"], recipes["C"][:20]]), oracles["duplicates_64d: vstack([C,C[:20]])"]["dedup truth (C)"]
    assert dimension(wide).value == pytest.approx(truth["TwoNN linear .9"], rel=EXACT)
    assert dimension(wide, "mle").value == pytest.approx(truth["MLE"], rel=EXACT)
    np.testing.assert_allclose([found.value for found in dimension_scaling(wide)], truth["GRIDE"], rtol=EXACT)


@pytest.mark.parametrize("k", [10, 30])
def test_overlap(recipes, oracles, k):
    expected = oracles["dadapy"][f"A.return_data_overlap(B,k={k})"]
    assert overlap(recipes["A"], recipes["B"], k).value == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("name", ["A", "D"])
def test_overlap_with_itself(recipes, oracles, name):
    assert overlap(recipes[name], recipes[name], 10).value == oracles["dadapy"][f"{name}.return_data_overlap({name},k=10)"] == 1


def test_imbalance_of_subsets(recipes, oracles):
    """Theirs are the parts of one random order, their error is that of the mean over parts; each part has our value."""
    a, b = recipes["A"], recipes["B"]
    parts = np.array_split(np.random.default_rng(42).choice(400, 400, replace=False), 4)
    recorded = oracles["dadapy"]["A.return_information_imbalace(B,k=1,subset_size=100)"]
    for (one, other), (mean, error) in zip([(a, b), (b, a)], recorded, strict=True):
        values = [information_imbalance(one[part], other[part]).value for part in parts]
        assert np.mean(values) == pytest.approx(mean, rel=EXACT)
        assert np.std(values, ddof=1) / 2 == pytest.approx(error, rel=EXACT)


def test_alignment_of_kernels(recipes, oracles):
    """Theirs adds 1e-6 to the denominator and leaves a rounding of float32 in the unbiased form."""
    theirs = oracles["platonic_rep"]
    biased = cka(recipes["A"], recipes["B"], debiased=False).value
    assert biased == pytest.approx(theirs["check"]["linear CKA from features ||Ac^T Bc||_F^2/(..)"], rel=EXACT)
    assert biased == pytest.approx(theirs["cka(A,B) linear biased"], rel=1e-9)
    unbiased = cka(recipes["A"], recipes["B"]).value
    assert unbiased == pytest.approx(theirs["check"]["unbiased"], rel=EXACT)
    assert unbiased == pytest.approx(theirs["unbiased_cka(A,B) linear"], rel=1e-7)


@pytest.mark.parametrize("k", [10, 30])
def test_overlap_by_cosine(recipes, oracles, k):
    """Nearest by inner product of unit vectors is nearest by distance; theirs is summed in float32."""
    unit = [points / np.linalg.norm(points, axis=1, keepdims=True) for points in (recipes["A"], recipes["B"])]
    expected = oracles["platonic_rep"][f"mutual_knn(normalize(A),normalize(B),topk={k})"]
    assert overlap(*unit, k).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_jaccard_from_the_local_overlaps(recipes, oracles, metric):
    a, b = recipes["A"], recipes["B"]
    if metric == "cosine":
        a, b = (points / np.linalg.norm(points, axis=1, keepdims=True) for points in (a, b))
    shared = overlap(a, b, 10).local
    expected = oracles["resi"][f"jaccard_similarity(A,B,k=10,{metric})"]
    assert np.mean(shared / (2 - shared)) == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("k", [10, 30])
@pytest.mark.parametrize("labels", ["labels_bal", "labels_imb"])
@pytest.mark.parametrize("balanced", [False, True])
def test_label_overlap(recipes, oracles, k, labels, balanced):
    expected = oracles["dadapy"][f"A.return_label_overlap({labels},k={k},weighted={balanced})"]
    found = label_overlap(recipes["A"], recipes[labels], k, balanced=balanced)
    assert found.value == pytest.approx(expected, rel=EXACT)


def test_label_overlap_of_single_points(recipes, oracles):
    expected = oracles["dadapy"]["A.return_label_overlap(labels_imb,k=10,avg=False)[:8]"]
    np.testing.assert_allclose(label_overlap(recipes["A"], recipes["labels_imb"], 10).local[:8], expected, rtol=EXACT)
    correct = knn_accuracy(recipes["A"], recipes["labels_imb"], 1).local
    np.testing.assert_array_equal(correct, label_overlap(recipes["A"], recipes["labels_imb"], 1).local)


def test_label_overlap_with_k_by_class_size(recipes, oracles):
    labels = recipes["labels_imb"]
    table, local = neighbors(recipes["A"], 30), np.empty(400)
    for label, size in enumerate(np.bincount(labels)):
        local[labels == label] = label_overlap(table, labels, max(1, int(0.1 * size))).local[labels == label]
    plain = oracles["dadapy"]["A.return_label_overlap(labels_imb,class_fraction=0.1,weighted=False)"]
    balanced = oracles["dadapy"]["A.return_label_overlap(labels_imb,class_fraction=0.1)"]
    assert local.mean() == pytest.approx(plain, rel=EXACT)
    assert np.mean([local[labels == label].mean() for label in range(4)]) == pytest.approx(balanced, rel=EXACT)
