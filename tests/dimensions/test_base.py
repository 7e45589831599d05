"""Ratios, radii and verdicts that the estimators share."""

import numpy as np
import pytest

from dimscope import neighbors
from dimscope.dimensions.base import MIN_POINTS, log_ratios, mean_radius, verdict, why_none
from dimscope.errors import UsageError
from dimscope.estimates import Status


@pytest.fixture
def line():
    """0, 1, 3, 7 on a line: distances 1 3 7, 1 2 6, 2 3 4, 4 6 7."""
    return neighbors(np.array([[0.0], [1.0], [3.0], [7.0]]), 3)


def test_log_ratios_of_any_two_ranks_in_the_order_of_the_table(line):
    ratios, dropped = log_ratios(line, 1, 3)
    np.testing.assert_allclose(ratios, np.log([7, 6, 2, 7 / 4]), rtol=1e-14)
    assert dropped == 0
    np.testing.assert_allclose(log_ratios(line, 2, 3)[0], np.log([7 / 3, 3, 4 / 3, 7 / 6]), rtol=1e-14)


def test_points_at_distance_zero_have_no_ratio():
    table = neighbors(np.array([[0.0], [0.0], [1.0], [3.0]]), 2, duplicates="keep")
    ratios, dropped = log_ratios(table, 1, 2)
    np.testing.assert_allclose(ratios, np.log([1, 1.5]), rtol=1e-14)
    assert dropped == 2


def test_a_ratio_beyond_the_table_is_refused(line):
    with pytest.raises(UsageError, match="a ratio of ranks 2 and 4 needs 4 neighbours of each point, the table holds 3"):
        log_ratios(line, 2, 4)


def test_mean_radius_is_the_mean_over_points_and_both_ranks(line):
    assert mean_radius(line, 1, 3) == pytest.approx((1 + 1 + 2 + 4 + 7 + 6 + 4 + 7) / 8, rel=1e-14)


@pytest.mark.parametrize("name", ["A", "C"])
def test_mean_radius_equals_the_recorded_scale(recipes, oracles, name):
    expected = oracles["dadapy"][f"{name}.compute_id_2NN(mu_fraction=0.9)"][2]
    assert mean_radius(neighbors(recipes[name], 2), 1, 2) == pytest.approx(expected, rel=1e-10)


def test_verdicts():
    spread = neighbors(np.random.default_rng(0).random((30, 2)), 4)
    assert verdict(spread, 1, 0) is Status.OK
    assert verdict(spread, 1, 3) is Status.NO_SPREAD
    pairs = neighbors(np.repeat(np.random.default_rng(0).random((30, 2)), 2, axis=0), 4, duplicates="keep")
    assert verdict(pairs, 1, 0) is Status.ZERO_DISTANCES
    assert verdict(pairs, 2, 0) is Status.OK


@pytest.mark.parametrize(("n", "share", "status"), [(9, 1.0, "TOO_FEW"), (10, 1.0, "NO_SPREAD"), (11, 0.9, "TOO_FEW")])
def test_too_few_points_are_told_from_points_without_spread(n, share, status):
    assert MIN_POINTS == 10
    table = neighbors(np.random.default_rng(0).random((n, 2)), 2)
    assert why_none(table, 1, share) is Status[status]
