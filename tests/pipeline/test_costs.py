"""Costs fitted to trials."""

import time

import numpy as np
import pytest

from dimscope.pipeline.costs import fit_costs, time_of


def test_costs_of_any_scale_are_found():
    truth = np.array([3e-3, 2e-9, 5e-14])
    features = [[1, 1e3, 1e6], [1, 4e3, 9e6], [1, 2e5, 8e9], [1, 6e5, 3e10]]
    assert fit_costs(features, np.array(features) @ truth) == pytest.approx(truth, rel=1e-6)


def test_no_cost_is_negative_and_errors_count_by_their_share():
    found = fit_costs([[1, 10], [1, 20]], [1.0, 1.0])
    assert (found >= 0).all()
    assert found[0] == pytest.approx(1.0)
    falling = fit_costs([[1, 10], [1, 20]], [2.0, 1.0])  # no line above 0 through both: least squares of c / t - 1
    assert falling[0] == pytest.approx((1 / 2 + 1 / 1) / (1 / 4 + 1 / 1))
    assert falling[1] == 0


def test_one_trial_of_the_same_size_gives_its_own_time_back():
    assert fit_costs([[500, 250_000]], [0.7]) @ [500, 250_000] == pytest.approx(0.7)


@pytest.mark.parametrize(("warm", "calls"), [(True, 2), (False, 1)])
def test_the_last_call_is_timed(warm, calls):
    naps = []
    seconds = time_of(lambda: naps.append(time.sleep(0.02 if len(naps) == calls - 1 else 0.2)), warm=warm)
    assert len(naps) == calls
    assert 0.02 <= seconds < 0.15
