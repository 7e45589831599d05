"""What every rule shares: the curve without the final norm, regret, the headline, and plain data."""

import json

import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.rules import RULES, Recommendation, Regret, recommend
from dimscope.rules.base import curve_of, label_reason, regret_of
from profiles import make_profile

NAN = float("nan")


def test_the_curve_leaves_out_the_final_norm_and_layers_without_a_number():
    replicates = np.arange(15.0).reshape(5, 3)
    profile = make_profile(
        [1.0, NAN, 3.0, 4.0, 5.0], dimension_err=[0.1, NAN, 0.3, 0.4, 0.5], replicates=replicates, final_norm=True
    )
    curve = curve_of(profile)
    assert [layer.name for layer in curve.layers] == ["embed_00", "block_02", "block_03"]
    assert curve.values.tolist() == [1.0, 3.0, 4.0]
    assert curve.errors.tolist() == [0.1, 0.3, 0.4]
    assert curve.replicates.tolist() == [[0.0, 6.0, 9.0], [1.0, 7.0, 10.0], [2.0, 8.0, 11.0]]
    assert curve_of(make_profile([1.0, 2.0])).replicates.shape == (0, 2)


def test_regret_is_the_best_overlap_less_the_chosen_one():
    profile = make_profile([1.0] * 4, label_overlap=[0.1, 0.7, 0.4, 0.3])
    found = regret_of(profile, "block_02")
    assert (found.quantity, found.best_layer, found.best, found.chosen, found.last) == (
        "label_overlap",
        "block_01",
        0.7,
        0.4,
        0.3,
    )
    assert found.regret == pytest.approx(0.3)
    assert regret_of(profile, "block_01").regret == 0


def test_there_is_no_regret_without_labels_choice_or_overlap():
    assert regret_of(make_profile([1.0] * 3), "block_01") is None
    profile = make_profile([1.0] * 3, label_overlap=[NAN, 0.5, NAN])
    assert regret_of(profile, None) is None
    assert regret_of(profile, "embed_00") is None
    assert np.isnan(regret_of(profile, "block_01").last)
    assert label_reason(profile) == []
    assert label_reason(make_profile([1.0] * 3)) == []


def test_the_labels_have_their_say_in_one_sentence():
    [reason] = label_reason(make_profile([1.0] * 3, label_overlap=[0.1, 0.625, 0.5]))
    assert reason.endswith("the overlap is highest at block_01 (0.625); the last layer has 0.500.")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Recommendation("minimum", False, (), None, NAN, ("why",)), "No clear choice of layer."),
        (Recommendation("minimum", True, ("b1",), "b1", NAN, ("why",)), "Use b1."),
        (
            Recommendation("minimum", True, ("b1", "b2", "b3"), "b2", 0.95, ("why",)),
            "Use b1 to b3, first b2 (95% of the bootstrap replicates agree).",
        ),
    ],
)
def test_headlines(answer, text):
    assert answer.headline == str(answer) == text


def test_plain_data_is_strict_json():
    regret = Regret("label_overlap", "b1", 0.75, 0.5, NAN)
    answer = Recommendation("minimum", True, ("b1", "b2"), "b2", NAN, ("why",), ("careful",), regret)
    content = json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    assert content == {
        "rule": "minimum", "is_clear": True, "layers": ["b1", "b2"], "best": "b2", "stability": None, "reasons": ["why"],
        "cautions": ["careful"], "others": {}, "headline": "Use b1 to b2, first b2.", "is_weak": False,
        "regret": {
            "quantity": "label_overlap", "best_layer": "b1", "best": 0.75, "chosen": 0.5, "last": None, "regret": 0.25,
        },
    }  # fmt: skip
    assert Recommendation("last", True, ("b1",), "b1", 0.5, ("why",)).to_dict()["regret"] is None


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_answers_with_reasons_for_any_profile(rule):
    for dimension in ([5.0], [NAN] * 7, [1.0] * 7, [1.0, 9.0, 8.0, 3.0, 2.0, 5.0, 9.0]):
        answer = recommend(make_profile(dimension, label_overlap=[0.5] * len(dimension)), rule)
        assert answer.rule == rule
        assert answer.reasons
        assert answer.is_clear == bool(answer.layers) == (answer.best is not None)
        json.dumps(answer.to_dict(), allow_nan=False)


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError, match=r'unknown rule "minimun". Did you mean "minimum"\?'):
        recommend(make_profile([1.0] * 5), "minimun")
