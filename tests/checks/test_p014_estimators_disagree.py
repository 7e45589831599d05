"""P014 compares the shape of the profile with that of other estimators, not their heights."""

import pytest
from scipy.stats import spearmanr

from dimscope.checks.p014_estimators_disagree import EstimatorsDisagree
from profiles import make_profile

CURVE = [9.0, 8.0, 12.0, 15.0, 11.0, 10.0, 9.0]
OTHER = [20.0, 14.0, 13.0, 11.0, 12.0, 13.5, 15.0]


def profile_of(name="mle", other=OTHER, error=0.1, asked=("twonn", "gride", "mle"), **columns):
    return make_profile(
        CURVE, **{name: other, f"{name}_err": error}, dimension_err=error, provenance={"measure": {"estimators": asked}},
        **columns,
    )  # fmt: skip


def test_an_estimator_of_another_shape():
    finding = EstimatorsDisagree().look(profile_of())
    expected = spearmanr(CURVE[1:], OTHER[1:]).statistic  # without layer 0
    assert expected < -0.5
    assert (finding.code, finding.severity) == ("P014", "issue")
    assert f"the rank correlation of mle with the profile is {expected:.2f}." in finding.text


def test_heights_may_differ():
    assert EstimatorsDisagree().look(profile_of(other=[3 * value + 5 for value in CURVE])) is None


def test_curves_without_order_and_short_ones_are_left_alone():
    assert EstimatorsDisagree().look(profile_of(error=[9.0] * 7)) is None
    assert EstimatorsDisagree().look(profile_of(other=[float("nan")] * 4 + [3.0, 2.0, 1.0])) is None


@pytest.mark.parametrize("name", ["gride_16", "twonn", "mle_chance"])
def test_columns_of_other_checks_do_not_count(name):
    assert EstimatorsDisagree().look(profile_of(name)) is None


def test_every_column_of_an_estimator_counts_and_the_worst_is_named():
    finding = EstimatorsDisagree().look(profile_of("mle_20", asked=["twonn", "mle"], mle_10=CURVE, mle_10_err=0.1))
    assert "of mle_20 with" in finding.text
    assert EstimatorsDisagree().look(profile_of("mle_20", asked=["twonn"])) is None  # nobody asked for it
