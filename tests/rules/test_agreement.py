"""What the other rules say is stated with every answer."""

import numpy as np
import pytest

from dimscope.rules import BASELINES, RULES, recommend
from dimscope.rules.agreement import with_others
from dimscope.rules.base import Recommendation
from profiles import make_profile, published

CLEAR = Recommendation("minimum", True, ("block_02", "block_03"), "block_02", 0.9, ("Why.",))
PROFILE = make_profile([1.0] * 9)
CAUSAL = make_profile([1.0] * 9, provenance={"model": {"is_causal": True}})


def test_agreement_is_a_reason():
    found = with_others(CLEAR, PROFILE, {"plateau": "block_03", "overlap": "block_02", "rank": "block_07", "entropy": None})
    assert found.reasons == (
        "Why.", "2 of 3 other rules choose a layer of this range (plateau, overlap); outside it: rank block_07.",
    )  # fmt: skip
    assert found.cautions == ()
    assert found.others == {"plateau": "block_03", "overlap": "block_02", "rank": "block_07", "entropy": None}
    assert found.to_dict()["others"] == found.others


def test_one_layer_is_no_range():
    one = Recommendation("turn", True, ("block_05",), "block_05", 0.9, ("Why.",))
    found = with_others(one, PROFILE, {"plateau": "block_05", "overlap": "block_04", "peak": "block_03"})
    assert found.reasons[1] == "1 of 3 other rules choose this layer (plateau); others: overlap block_04, peak block_03."
    assert with_others(one, PROFILE, {"plateau": "block_05"}).reasons[1] == "1 of 1 other rules choose this layer (plateau)."


def test_disagreement_is_a_caution():
    found = with_others(CLEAR, PROFILE, {"plateau": "block_05", "overlap": "block_02", "rank": "block_07"})
    assert found.cautions == ("Most other rules choose another layer; check with a small labelled probe.",)
    assert with_others(CLEAR, PROFILE, {"plateau": "block_05"}).reasons[1] == (
        "0 of 1 other rules choose a layer of this range; outside it: plateau block_05."
    )


def test_without_a_choice_the_others_are_listed():
    none = Recommendation("minimum", False, (), None, float("nan"), ("Why.",))
    assert with_others(none, PROFILE, {"plateau": "block_05", "rank": None}).reasons[1] == (
        "Other rules would choose: plateau block_05."
    )
    assert with_others(none, PROFILE, {"rank": None}).reasons[1] == "No other rule sees a clear choice."


@pytest.mark.parametrize(
    ("peak", "place"),
    [
        ("block_03", "block_03, in this range."),
        ("block_07", "block_07, not among the layers advised."),
        ("block_02", "block_02."),
    ],
)
def test_causal_models_are_told_where_the_peak_is(peak, place):
    found = with_others(CLEAR, CAUSAL, {"peak": peak})
    assert f"The peak of the dimension, where later work finds abstraction, is at {place}" in found.cautions
    assert not any("later work" in caution for caution in with_others(CLEAR, PROFILE, {"peak": peak}).cautions)


def test_recommend_asks_every_rule_but_itself_and_the_baselines():
    found = recommend(make_profile(list(published("ESM-2 650M")), effective_rank=np.arange(34.0).tolist()))
    assert set(found.others) == set(RULES) - {"minimum", "turn", *BASELINES}
    assert found.others["plateau"] == RULES.load("plateau")().recommend(make_profile(list(published("ESM-2 650M")))).best
    assert found.others["rank"] == "block_32"
    assert found.best == "block_19"


@pytest.mark.parametrize(("share", "width", "is_said"), [(0.8, 64.0, True), (0.4, 64.0, False), (0.8, 3.0, False)])
def test_one_coordinate_in_the_chosen_layers_is_a_caution(share, width, is_said):
    variance = np.where([layer.name == "block_02" for layer in PROFILE.layers], share, 0.1)
    profile = PROFILE.with_columns({"top_variance": variance, "width": np.full(len(variance), width)})
    found = with_others(CLEAR, profile, {"plateau": "block_02"}).cautions
    assert [text.startswith("At block_02 one coordinate holds 80% of the variance (P012)") for text in found] == [
        True
    ] * is_said
    elsewhere = with_others(Recommendation("last", True, ("block_07",), "block_07", 0.9, ("Why.",)), profile, {})
    assert elsewhere.cautions == ()
