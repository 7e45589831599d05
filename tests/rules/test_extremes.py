"""The highest and lowest value between the ends."""

import numpy as np
import pytest

from dimscope.rules.extremes import Extreme, inner_layers, spread, take_extreme, unclear
from profiles import make_profile

HIGH = Extreme("rank", "effective rank", True, "a caution")
LOW = Extreme("entropy", "entropy", False, "a caution")
CURVE = [99.0, 5.0, 6.0, 9.8, 10.0, 9.6, 7.0, 4.0, 3.0, 99.0]


def test_the_ends_and_the_final_norm_take_no_part():
    profile = make_profile([1.0] * 10, final_norm=True)
    layers, values = inner_layers(profile, np.array([99, 1, 2, np.nan, 4, 5, 6, 7, 99, 99]))
    assert [layer.name for layer in layers] == ["block_01", "block_02", "block_04", "block_05", "block_06", "block_07"]
    assert list(values) == [1, 2, 4, 5, 6, 7]


def test_the_extreme_and_its_neighbours_within_five_percent():
    found = take_extreme(make_profile([1.0] * 10), np.array(CURVE), HIGH)
    assert (found.is_clear, found.best, found.layers) == (True, "block_04", ("block_03", "block_04", "block_05"))
    assert found.reasons == ("The effective rank is highest at block_04 (10), the two ends left out.",)
    assert found.cautions == ("a caution",)
    assert np.isnan(found.stability)
    low = take_extreme(make_profile([1.0] * 10), np.array(CURVE), LOW)
    assert (low.best, low.layers) == ("block_08", ("block_08",))


def test_the_cost_is_that_of_the_chosen_layer():
    overlap = [0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.4, 0.3, 0.2, 0.1]
    found = take_extreme(make_profile([1.0] * 10, label_overlap=overlap), np.array(CURVE), HIGH)
    assert (found.regret.best_layer, found.regret.chosen) == ("block_05", 0.5)
    assert found.regret.regret == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (None, "This profile holds no effective rank."),
        (np.full(10, 7.0) + 0.05 * np.arange(10) / 10, "The effective rank is the same in all layers."),
        (np.r_[np.full(6, np.nan), 1.0, 2.0, 3.0, 4.0], "3 layers between the ends are too few."),
    ],
)
def test_no_extreme_has_a_reason(values, reason):
    found = take_extreme(make_profile([1.0] * 10), values, HIGH)
    assert (found.is_clear, found.best, found.layers, found.reasons[0]) == (False, None, (), reason)


def test_spread_stops_at_the_first_gap():
    near = np.array([True, False, True, True, True, False, True])
    assert spread(near, 3) == (2, 4)
    assert spread(near, 0) == (0, 0)
    assert spread(near, 6) == (6, 6)


def test_without_a_choice_the_labels_still_speak():
    found = unclear(make_profile([1.0] * 3, label_overlap=[0.1, 0.6, 0.3]), "rank", "Why.", "caution")
    assert "the overlap is highest at block_01 (0.600); the last layer has 0.300" in found.reasons[1]
