"""The default rule: valley where there is one, otherwise the last layer before the break at the end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.rules import recommend
from dimscope.rules.minimum import Minimum
from dimscope.rules.turn import HIDDEN, WEAK, Turn, find_end
from profiles import LANDMARKS, make_profile, published

FALLING = [20.0, 19.0, 18.0, 17.0, 16.5, 16.0, 15.0]
ENCODER = [0.68, 0.75, 0.71, 0.75, 0.69, 0.39, np.nan]
"""Overlap of consecutive layers of all-MiniLM-L6-v2 on glosses, rounded; labels are read best at block_05."""
MODELS = ["ESM-2 35M", "ESM-2 650M", "ESM-2 3B", "iGPT-L", *LANDMARKS]


def answer(steps, dimension=FALLING, **columns):
    return Turn().recommend(make_profile(dimension, overlap_next=list(steps), **columns))


@pytest.mark.parametrize("model", MODELS)
def test_the_published_curves_get_their_valley(model):
    profile = make_profile(published(model).tolist())
    found, valley = Turn().recommend(profile), Minimum().recommend(profile)
    assert found.is_clear
    assert not found.is_weak
    assert (found.best, found.layers, found.reasons) == (valley.best, valley.layers, valley.reasons)
    assert found.rule == "turn"


def test_the_layer_before_the_break_is_a_weak_answer():
    found = answer(ENCODER, overlap_next_err=0.004)
    assert (found.best, found.layers, found.is_weak) == ("block_05", ("block_05",), True)
    assert found.stability == 1
    assert found.headline == "Weak evidence: use block_05 (100% of the bootstrap replicates agree)."
    assert found.reasons == (
        "The dimension falls from the first layer on; it has no peak after which to look for a minimum.",
        "After block_05 the neighbours are rearranged: a typical step keeps 71% of the neighbours, the one to block_06 only "
        "39%. Last layers of this kind serve the task that the model was trained on.",
    )
    assert found.cautions == (WEAK,)
    assert found.to_dict()["is_weak"] is True


def test_without_a_break_the_last_layer_is_a_weak_answer():
    found = answer([0.68, 0.75, 0.71, 0.75, 0.69, 0.70, np.nan])
    assert (found.best, found.layers, found.is_weak) == ("block_06", ("block_06",), True)
    assert found.reasons[1] == (
        "The last step does not stand out (a typical step keeps 71% of the neighbours, the last 70%; less than 53% would be a "
        "break): the last layer is taken."
    )
    unknown = answer([0.68, 0.75, 0.71, 0.75, 0.69, np.nan, np.nan])
    assert unknown.best == "block_06"
    assert unknown.reasons[1] == "The overlap of the last two layers is unknown, so the last layer is taken."


def test_a_profile_without_overlaps_says_so():
    found = Turn().recommend(make_profile(FALLING))
    assert (found.best, found.is_weak) == ("block_06", True)
    assert found.reasons[1] == "The profile holds no overlap of consecutive layers, so the last layer is taken."
    unknown = answer([np.nan] * 7)
    assert unknown.best == "block_06"
    assert unknown.reasons[1] == "The overlap of consecutive layers is unknown, so the last layer is taken."


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ([0.1, 0.8, 0.8, 0.8, 0.8, 0.8], 6),  # the step out of the input does not count
        ([0.8, 0.8, 0.8, 0.8, 0.8, 0.61], 6),
        ([0.8, 0.8, 0.8, 0.8, 0.8, 0.59], 5),  # three quarters of 0.8 is the border
        ([0.8, 0.8, 0.8, 0.8, 0.3, 0.3], 4),
        ([0.8, 0.8, 0.8, 0.8, 0.3, 0.8], 6),  # a break that is not at the end is none
        ([0.8, 0.9, 0.9, 0.9, 0.9, np.nan], 6),
        ([0.8, 0.9, 0.9, 0.9, np.nan, 0.2], 5),
    ],
)
def test_breaks_at_the_end(steps, end):
    assert find_end(np.array(steps), np.linspace(0, 1, 7)) == end


def test_breaks_are_looked_for_in_the_last_third_only():
    steps = np.array([0.9] * 7 + [0.2] * 5)
    assert find_end(steps, np.linspace(0, 1, 13)) == 8
    assert find_end(np.array([0.9] * 5 + [0.2] * 4), np.linspace(0, 1, 10)) == 6


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=5, max_size=30), st.floats(0.01, 1))
def test_only_the_ratio_of_the_steps_matters(steps, factor):
    steps = np.array(steps)
    borders = steps / (0.75 * np.median(steps[1:]))
    if np.abs(borders - 1).min() > 1e-9:  # rounding must not decide
        depths = np.linspace(0, 1, len(steps) + 1)
        assert find_end(factor * steps, depths) == find_end(steps, depths)


def test_the_final_norm_takes_no_part():
    with_norm = make_profile([*FALLING, 1.0], overlap_next=[*ENCODER[:-1], 0.99, np.nan], final_norm=True)
    assert Turn().recommend(with_norm).layers == ("block_05",)


def test_noise_lowers_the_stability():
    assert answer(ENCODER, overlap_next_err=0.2).stability < 0.95 < answer(ENCODER, overlap_next_err=0.004).stability


def test_an_unstable_valley_is_no_choice():
    curve = [5.0, 8.0, 12.0, 20.0, 15.0, 10.0, 7.0, 6.0, 6.5, 9.0, 12.0]
    other = [5.0, 8.0, 12.0, 20.0, 6.0, 10.0, 12.0, 13.0, 14.0, 15.0, 16.0]
    replicates = np.array([curve] * 50 + [other] * 50).T
    found = Turn().recommend(make_profile(curve, replicates=replicates, overlap_next=[0.9] * 11))
    assert (found.is_clear, found.best, found.stability) == (False, None, 0.5)


@pytest.mark.parametrize("model", [name for name in MODELS if name.startswith("iGPT")])
def test_noise_never_sends_an_image_model_to_its_last_layers(model):
    """There the last layers reach 8 to 14 % of the best label overlap: no choice is better."""
    values, rng = published(model), np.random.default_rng(5)
    chosen = []
    for _ in range(60):
        noisy = values * (1 + 0.03 * rng.normal(size=len(values)))
        errors = (0.03 * values).tolist()
        profile = make_profile(noisy.tolist(), dimension_err=errors, provenance={"model": {"is_causal": True}})
        chosen.append(Turn().recommend(profile).best)
    found = [int(name[-2:]) / (len(values) - 1) for name in chosen if name is not None]
    assert len(found) >= 15
    assert max(found) <= 0.85


def test_a_hidden_valley_of_a_causal_model_is_no_choice():
    falling = [5.0, 30, 24, 19, 15, 12, 9.5, 7.5, 6, 4.7]
    causal = answer([0.9] * 10, falling, provenance={"model": {"is_causal": True}})
    assert not causal.is_clear
    assert causal.reasons[1] == HIDDEN
    other = answer([0.9] * 10, falling, provenance={"model": {"is_causal": False}})
    assert (other.best, other.is_weak) == ("block_09", True)
    no_peak = answer(ENCODER, provenance={"model": {"is_causal": True}})
    assert (no_peak.best, no_peak.is_weak) == ("block_05", True)
    assert "arXiv 2405.15471" in no_peak.cautions[1]


def test_few_layers_are_no_choice():
    found = Turn().recommend(make_profile([5.0, 4.0, 3.0, 2.0], overlap_next=[0.9] * 4))
    assert not found.is_clear
    assert found.reasons[0] == "4 layers are too few to see a peak and what follows it."


def test_a_layer_of_one_number_is_no_choice():
    found = answer(ENCODER, top_variance=[0.0] * 5 + [0.98, 0.0])
    assert not found.is_clear
    assert found.reasons[1] == (
        "At block_05, the last layer before the turn, one coordinate holds most of the variance (check P012)."
    )
    assert answer(ENCODER, top_variance=[0.98] * 5 + [0.4, 0.9]).best == "block_05"


def test_labels_say_what_the_choice_costs():
    found = answer(ENCODER, label_overlap=[0.44, 0.47, 0.495, 0.551, 0.580, 0.581, 0.554])
    assert (found.regret.best_layer, found.regret.regret, found.regret.last) == ("block_05", 0, 0.554)


def test_the_parts_of_the_rule_do_not_confirm_it():
    profile = make_profile(published("iGPT-L"))
    assert "minimum" not in recommend(profile).others
    assert "turn" not in recommend(profile, "minimum").others
    assert "turn" in recommend(profile, "peak").others
