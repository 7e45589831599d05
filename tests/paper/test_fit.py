import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper.fit import dimension_from_ratios, mean_and_error, slope
from dimscope.paper.legacy import PAPER_ZERO


def test_slope_is_the_least_squares_line():
    ratios = np.random.default_rng(1).pareto(7, 500) + 1
    x, y = np.log(np.sort(ratios)[:490]), -np.log(1 - np.arange(1, 491) / 500)
    assert slope(ratios, 0.98) == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0], rel=1e-12)
    assert slope(ratios[::-1] ** 0.5, 0.98) == pytest.approx(2 * slope(ratios, 0.98))
    with pytest.raises(InputError, match="9 ratios remain"):
        slope(ratios[:10], 0.98)
    with pytest.raises(InputError, match="no spread"):
        slope(np.ones(50), 0.9)
    with pytest.raises(InputError, match="zero or infinite within the fitted share"):
        slope(np.r_[0, ratios], 0.9)


def test_the_error_of_a_mean_in_both_conventions():
    values = np.array([1.0, 2, 4, 5])
    assert mean_and_error(values, "exact") == (3, pytest.approx(np.std(values, ddof=1) / 2))
    assert mean_and_error(values, "paper") == (3, pytest.approx(np.std(values) / 2))
    assert np.isnan(mean_and_error(values[:1], "exact")[1])
    assert mean_and_error(values[:1], "paper") == (1, 0)


def test_repeated_rows_are_left_out_or_pull():
    ratios = np.random.default_rng(1).pareto(7, (4, 500)) + 1
    assert dimension_from_ratios(ratios, 0.9, "exact")[0] == dimension_from_ratios(ratios, 0.9, "paper")[0]
    holes, huge = np.insert(ratios, [0, 7, 100], np.nan, axis=1), np.insert(ratios, [0, 7, 100], 1 / PAPER_ZERO, axis=1)
    assert dimension_from_ratios(holes, 0.9, "exact") == dimension_from_ratios(ratios, 0.9, "exact")
    by_hand = np.mean([slope(row, 0.9) for row in huge])
    assert dimension_from_ratios(huge, 0.9, "paper")[0] == by_hand
    assert by_hand < dimension_from_ratios(ratios, 0.9, "paper")[0] - 0.05


@pytest.mark.parametrize("name", ["A", "C"])
def test_fit_of_the_scripts(recipes, oracles, name):
    """What the paper's scripts gave; their curve_fit is exact to 1e-8."""
    from dimscope.paper.legacy import tables

    ratios = tables(recipes[name], 50, convention="paper")["mus"][:, 0]
    expected = oracles["seed"][f"{name}._compute_id_2NN(mus,fraction=0.98,algorithm='base')"][0]
    assert slope(ratios, 0.98) == pytest.approx(expected, rel=1e-8)
    assert dimension_from_ratios(ratios[None], 0.98, "exact")[0] == pytest.approx(expected, rel=1e-8)
