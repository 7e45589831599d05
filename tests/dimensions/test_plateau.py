"""The choice of a scale on curves whose answer is known."""

import numpy as np
import pytest

from dimscope import dimension_scaling
from dimscope.dimensions import choose_scale
from dimscope.dimensions.plateau import PLATEAU_CHANGE, common_scale
from dimscope.errors import UsageError

RANKS = (2, 4, 8, 16, 32, 64)


def curves(rows, error=0.01):
    values = np.array(rows, dtype=float)
    return values, error * values


def test_finds_the_flat_part():
    found = common_scale(RANKS, *curves([[20, 14, 10, 10.1, 10, 7], [40, 28, 21, 20.5, 20, 13]]))
    assert (found.rank, found.is_plateau) == (16, True)
    expected = np.median([abs(np.log(10 / 10)), abs(np.log(20 / 21))]) / 2
    assert found.change[3] == pytest.approx(expected)
    assert np.isnan(found.change[[0, 5]]).all()


def test_a_smaller_rank_within_the_noise_is_preferred():
    rows = [[10.0, 10.1, 10.0, 10.05, 10.0, 10.0]]
    assert common_scale(RANKS, *curves(rows, 0.02)).rank == 4
    exact = common_scale(RANKS, *curves([[12.0, 11.0, 10.2, 10.0, 10.0, 10.0]], 1e-6))
    assert exact.rank == 32


def test_steep_curves_have_no_plateau():
    found = common_scale(RANKS, *curves([[64, 50, 38, 28, 21, 15]]))
    assert not found.is_plateau
    assert np.nanmin(found.change) > PLATEAU_CHANGE
    assert "no plateau" in str(found)


def test_robustness_is_the_rank_correlation_at_half_and_twice():
    flat = np.array([10.0, 11, 12, 13])
    values = np.stack([flat[::-1] * 1.01, flat, flat * 1.001, flat[::-1]], axis=1)
    found = common_scale((2, 4, 8, 16), values, 0.2 * values)
    assert found.rank == 4
    assert found.like_half == pytest.approx(-1)
    assert found.like_twice == pytest.approx(1)


def test_layers_without_values_do_not_count():
    rows = [[20, 14, 10, 10.1, 10, 7], [np.nan] * 6]
    assert common_scale(RANKS, *curves(rows)).rank == common_scale(RANKS, *curves(rows[:1])).rank


def test_noise_below_the_signal_is_passed_over():
    """A plane in 10 dimensions with noise: small ranks see the noise, larger ones the plane."""
    rng = np.random.default_rng(0)
    plane = np.c_[rng.random((4000, 2)), np.zeros((4000, 8))] + 0.006 * rng.standard_normal((4000, 10))
    found = choose_scale([dimension_scaling(plane, max_rank=256)])
    assert found.rank >= 64
    assert found.is_plateau


@pytest.mark.parametrize(
    ("layers", "text"), [([], "no layer"), ([[2, 4], [2, 4, 8]], "different ranks"), ([[2, 4]], "half and twice")]
)
def test_what_has_no_scale_is_refused(recipes, layers, text):
    read = {found.scale[1]: found for found in dimension_scaling(recipes["A"], max_rank=8)}
    with pytest.raises(UsageError, match=text):
        choose_scale([[read[rank] for rank in layer] for layer in layers])
