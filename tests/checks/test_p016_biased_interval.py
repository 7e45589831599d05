"""P016 speaks where an interval of 1.96 stated errors is known to miss the truth, and is silent where it holds it."""

import numpy as np
import pytest

from dimscope import dimension
from dimscope.checks.p010_ceiling import normal_dimension
from dimscope.checks.p016_biased_interval import ALWAYS, BiasedInterval
from dimscope.dimensions import ESTIMATORS
from profiles import make_profile


def measured(points, name="twonn"):
    estimate = dimension(points, name)
    return make_profile(
        [estimate.value],
        dimension_err=[estimate.stderr],
        n_unique=len(points),
        provenance={"measure": {"estimators": [name]}},
    )


@pytest.mark.parametrize("d", [2, 5])
def test_where_intervals_hold_nothing_is_said(d):
    assert BiasedInterval().look(measured(np.random.default_rng(d).standard_normal((1000, d)))) is None


def test_normal_points_of_many_dimensions_are_read_too_low_and_it_is_said_by_how_much():
    points = np.random.default_rng(0).standard_normal((1000, 20))
    profile = measured(points)
    value, error = profile.values("dimension")[0], profile.values("dimension_err")[0]
    assert value + 1.96 * error < 20  # the interval misses the truth
    finding = BiasedInterval().look(profile)
    assert (finding.code, finding.severity, finding.layers) == ("P016", "tip", ("embed_00",))
    assert f"1000 normal points of dimension {normal_dimension(value, 1000):.3g} would" in finding.text
    assert f"read as {value:.3g}, more than 2 stated errors of {error:.2g} below (embed_00)." in finding.text


def test_the_layer_that_is_furthest_off_is_named_in_numbers():
    profile = make_profile([3.0, 20.0, 21.0], dimension_err=[0.1, 0.2, 1.4], n_unique=1000)
    finding = BiasedInterval().look(profile)
    assert finding.layers == ("block_01", "block_02")
    assert "would on average be read as 20," in finding.text


def test_a_line_has_errors_that_are_too_small():
    line = np.random.default_rng(1).random((500, 1))
    finding = BiasedInterval().look(measured(line))
    assert finding.text == "Near dimension 1 (embed_00) the errors are too small by up to a third."
    assert BiasedInterval(line=0.5).look(measured(line)) is None


@pytest.mark.parametrize("name", ALWAYS)
def test_estimators_that_are_biased_everywhere_say_so(name):
    assert name in ESTIMATORS.places
    points = np.random.default_rng(2).random((800, 3))
    finding = BiasedInterval().look(measured(points, name))
    assert finding.text.lower().startswith(ALWAYS[name].lower())


def test_only_the_estimator_of_the_profile_counts():
    quiet = make_profile([3.0], dimension_err=[0.1], n_unique=500, provenance={"measure": {"estimators": ["twonn", "mom"]}})
    assert BiasedInterval().look(quiet) is None


def test_layers_without_value_or_error_are_silent():
    values = [float("nan"), 40.0]
    assert BiasedInterval().look(make_profile(values, dimension_err=[float("nan"), float("nan")], n_unique=500)) is None
    assert BiasedInterval().look(make_profile(values, n_unique=500)) is None
