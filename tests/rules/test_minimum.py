"""The default rule against the published curves, noise, and curves that have no answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.rules.minimum import LATEST_KNEE, Minimum, NotFoundError, find_minimum
from profiles import make_profile, published

RIGHT = {
    # model: peak, chosen layers that the paper's figure allows, first and last layer that may be in the range
    "ESM-2 35M": (3, {8, 9}, 7, 10),
    "ESM-2 650M": (5, set(range(19, 24)), 16, 28),
    "ESM-2 3B": (5, set(range(21, 25)), 18, 29),
    "iGPT-S": (8, {11, 12, 13}, 11, 21),
    "iGPT-M": (11, {15, 16, 17}, 15, 26),
    "iGPT-L": (11, {20}, 19, 25),
}
CURVE = [5.0, 8.0, 12.0, 20.0, 15.0, 10.0, 7.0, 6.0, 6.5, 9.0, 12.0]
"""Rises to a peak at 3, falls to a minimum at 7, rises again."""


def find(values, errors=0.0):
    values = np.asarray(values, dtype=float)
    return find_minimum(values, np.broadcast_to(errors, values.shape), np.linspace(0, 1, len(values)))


def reason(values, errors=0.0):
    with pytest.raises(NotFoundError) as caught:
        find(values, errors)
    return str(caught.value)


@pytest.mark.parametrize("model", RIGHT)
def test_the_published_layer_is_chosen_on_all_six_curves(model):
    peak, chosen, first, last = RIGHT[model]
    found = find(published(model))
    assert found.peak == peak
    assert found.chosen in chosen
    assert first <= found.first <= found.chosen <= found.last <= last


@pytest.mark.parametrize("model", RIGHT)
def test_the_lowest_value_would_be_wrong_on_the_image_models(model):
    """The paper's audit: the literal minimum after the peak reaches 8 to 17 % of the best overlap on iGPT, 99 % on ESM-2."""
    values = published(model)
    peak, chosen, _, _ = RIGHT[model]
    lowest = peak + int(np.argmin(values[peak:]))
    if model.startswith("iGPT"):
        assert lowest == len(values) - 1
        assert lowest not in chosen
        assert find(values).last < len(values) - 4
    else:
        assert values[lowest] == values[find(values).chosen]


@pytest.mark.parametrize("model", RIGHT)
@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02])
def test_noise_with_a_stated_error_keeps_the_answer(model, noise):
    values = published(model)
    clean = find(values)
    rng = np.random.default_rng(3)
    kept = 0
    for _ in range(100):
        try:
            again = find(values * (1 + noise * rng.normal(size=len(values))), noise * values)
        except NotFoundError:
            continue
        kept += clean.first <= again.chosen <= clean.last
    assert kept >= 85


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(RIGHT)), st.floats(1e-6, 1e6))
def test_the_unit_of_the_dimension_does_not_matter(model, factor):
    values = published(model)
    assert find(values * factor, 0.01 * values * factor) == find(values, 0.01 * values)


def test_with_labels_the_choice_on_esm_costs_nothing():
    overlap = published("ESM-2 650M", "label_overlap_k10")
    answer = Minimum().recommend(make_profile(published("ESM-2 650M").tolist(), label_overlap=overlap.tolist()))
    assert answer.is_clear
    assert answer.regret.regret == 0
    assert answer.regret.last == pytest.approx(0.39)
    assert overlap[[int(name[-2:]) for name in answer.layers]].min() >= 0.97 * overlap.max()
    assert answer.reasons[-1].endswith(
        f"{answer.best} reaches 0.830 of the best 0.830 ({answer.regret.best_layer}); the last layer has 0.390."
    )


def test_the_final_norm_and_the_embedding_take_no_part():
    with_norm = make_profile([*CURVE, 0.1], final_norm=True)
    assert Minimum().recommend(with_norm).layers == ("block_07", "block_08")
    embedding_peak = [50.0, *CURVE[1:]]
    assert find(embedding_peak).peak == 3
    assert find(embedding_peak).chosen == 7


def test_a_layer_without_a_number_is_passed_over():
    values = [*CURVE]
    values[5] = float("nan")
    assert Minimum().recommend(make_profile(values)).best == "block_07"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, 5.0, 2.0, 4.0], "4 layers are too few to see a peak and what follows it."),
        ([3.0], "1 layer is too few to see a peak and what follows it."),
        ([], "0 layers are too few"),
        (
            [10.0] * 9,
            "the dimension has no peak that stands out: its highest value after the input is 10.0, the lowest before it 10.0; "
            "a peak rises by 5% and by 2 standard errors.",
        ),
        (
            [10.0, 10.1, 10.3, 10.2, 10.1, 10.0, 10.1, 10.4],
            "the dimension has no peak that stands out: its highest value after the input is 10.4, the lowest before it 10.0;",
        ),
        (
            [2.4, 2.19, 2.2, 2.21, 2.18, 2.2, 2.21, 2.27, 2.26],
            "the dimension has no peak that stands out: its highest value after the input is 2.3, the lowest before it 2.2;",
        ),
        (list(range(20, 5, -1)), "the dimension falls from the first layer on; it has no peak"),
        (
            [27.4, 25.4, 24.0, 21.6, 13.8, 14.5, 15.8, 14.5],
            "the dimension is highest at the first layers (27.4 and 25.4) and stays below them where it rises again (from 13.8 "
            "to 15.8); it has no main peak.",
        ),
        (list(range(5, 20)), "the dimension rises to the last layers (from 5.0 to 19.0); nothing follows its peak."),
        ([*range(5, 20), 18], "the dimension rises to the last layers (from 5.0 to 19.0); nothing follows its peak."),
        (
            [10.4, 6.8, 6.1, 6.3, 6.6, 7.0, 7.1],
            "below the first layer (10.4) the dimension rises to the last layers (from 6.1 to 7.1); nothing follows its peak.",
        ),
        (
            [5, 30, 24, 19, 15, 12, 9.5, 7.5, 6, 4.7],
            "the dimension falls after its peak (from 30.0 to 4.7) without a clear minimum or a plateau.",
        ),
        (
            [1, 2, 3, 4, 5, 6, 7, 8, 20, 12, 9],
            "the dimension has its peak of 20.0 too near the end for a plateau, and no clear minimum follows it.",
        ),
        (
            [8.6, 9.5, 10.6, 11.4, 12.0, 12.4, 12.9, 13.2, 13.5, 13.8, 14.0, 13.9, 13.9],
            "the dimension has its peak of 14.0 too near the end for a plateau, and no clear minimum follows it.",
        ),
    ],
    ids=[
        "short", "one", "none", "flat", "ripple", "dip", "falls", "hump", "rises", "rises, one step down", "valley, then rises",
        "keeps falling", "late peak", "reactions",
    ],
)  # fmt: skip
def test_curves_without_an_answer_get_a_reason(values, said):
    assert reason(values).startswith(said)
    answer = Minimum().recommend(make_profile([float(value) for value in values] or [float("nan")]))
    assert not answer.is_clear
    assert (answer.layers, answer.best, answer.regret) == ((), None, None)
    assert answer.headline == "No clear choice of layer."
    assert answer.reasons[0].lower().startswith(said)


def test_no_choice_still_tells_what_the_labels_say():
    answer = Minimum().recommend(make_profile([10.0] * 6, label_overlap=[0.1, 0.2, 0.6, 0.3, 0.3, 0.2]))
    assert not answer.is_clear
    assert "highest at block_02 (0.600); the last layer has 0.200" in answer.reasons[-1]
    at_the_end = Minimum().recommend(make_profile([10.0] * 6, label_overlap=[0.1, 0.2, 0.2, 0.3, 0.3, 0.6]))
    assert at_the_end.reasons[-1].endswith("the overlap is highest at block_05 (0.600), the last layer.")


def test_a_peak_and_a_rise_within_the_errors_do_not_count():
    assert find(CURVE, 0.2).kind == "minimum"
    assert reason(CURVE, 8.0) == (
        "the dimension has no peak that stands out: its highest value after the input is 20.0, the lowest before it 5.0; "
        "a peak rises by 5% and by 2 standard errors."
    )
    shallow = [5.0, 12.0, 20.0, 15.0, 10.0, 9.9, 10.3, 10.0, 10.2, 9.0]
    assert (find(shallow).kind, find(shallow).chosen) == ("minimum", 5)
    assert (find(shallow, 0.5).kind, find(shallow, 0.5).chosen) == ("plateau", 4)


def test_a_rise_of_three_percent_is_the_border():
    for last, kind in ((10.29, "plateau"), (10.31, "minimum")):
        assert find([5.0, 20.0, 12.0, 10.8, 10.0, 10.0, 10.1, 10.2, last]).kind == kind


def test_a_range_never_holds_the_layers_that_fall_back_towards_the_input():
    plateau = [10.0, 25.0, 22.0, 21.0, 21.1, 21.2, 21.0, 21.1, 20.9, 15.0, 12.0]
    found = find(plateau)
    assert (found.kind, found.first, found.last) == ("plateau", 2, 8)
    after_minimum = [10.0, 25.0, 22.0, 20.0, 21.0, 21.5, 15.0, 12.0]
    found = find(after_minimum)
    assert (found.kind, found.first, found.chosen, found.last) == ("minimum", 2, 3, 5)
    to_the_end = [10.0, 25.0, *[20.0] * 18]
    assert find(to_the_end).last == int(LATEST_KNEE * 19)


@pytest.mark.parametrize(("agree", "is_clear"), [(69, False), (70, True), (100, True)])
def test_the_choice_is_clear_when_seventy_percent_of_the_replicates_agree(agree, is_clear):
    other = [5.0, 8.0, 12.0, 20.0, 6.0, 10.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    replicates = np.array([CURVE] * agree + [other] * (100 - agree)).T
    answer = Minimum().recommend(make_profile(CURVE, replicates=replicates))
    assert answer.stability == agree / 100
    assert answer.is_clear is is_clear
    assert is_clear or answer.reasons[-1] == (
        "Only 69% of the bootstrap replicates choose a layer of this range; a clear choice needs 70%."
    )


def test_replicates_without_an_answer_or_a_number_do_not_agree():
    broken = [*CURVE]
    broken[7] = float("nan")
    replicates = np.array([CURVE] * 8 + [[10.0] * 11] + [broken]).T
    assert Minimum().recommend(make_profile(CURVE, replicates=replicates)).stability == 0.8


def test_reasons_hold_the_numbers():
    answer = Minimum().recommend(make_profile(CURVE))
    assert np.isnan(answer.stability)
    assert answer.reasons == (
        "The dimension rises from 5.0 to its main peak of 20.0 at block_03, then falls to its first clear minimum of 6.0 at "
        "block_07.",
        "Layers of the range stay within 10% of the lowest value there.",
    )


def test_a_range_of_one_layer_is_not_called_a_range():
    answer = Minimum().recommend(make_profile([5.0, 8.0, 12.0, 20.0, 15.0, 10.0, 7.0, 4.0, 6.5, 9.0, 12.0]))
    assert answer.layers == ("block_07",)
    assert len(answer.reasons) == 1


def test_causal_models_get_a_caution():
    causal = Minimum().recommend(make_profile(CURVE, provenance={"model": {"is_causal": True}}))
    assert "arXiv 2405.15471" in causal.cautions[0]
    assert Minimum().recommend(make_profile(CURVE, provenance={"model": {"is_causal": False}})).cautions == ()


def test_a_flat_end_is_no_plateau():
    """A model of reactions: 14.6 at its peak and 14.0 at its end say nothing about which of these layers is better."""
    albert = [8.5, 12.2, 13.6, 14.1, 14.3, 14.3, 14.6, 14.5, 14.3, 14.3, 14.3, 14.0, 14.1]
    assert reason(albert, 0.3) == "the dimension hardly falls after its peak (from 14.6 to 14.0); there is no plateau below it."
    lower = [*albert[:7], 13.6, 13.2, 13.1, 13.0, 12.9, 14.1]
    assert find(lower, 0.6).kind == "plateau"
