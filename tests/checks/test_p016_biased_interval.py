"""P016 speaks where an interval of 1.96 stated errors is known to miss the truth, and is silent where it holds it."""

import numpy as np
import pytest

from dimscope import dimension, neighbors
from dimscope.checks.p010_ceiling import normal_dimension
from dimscope.checks.p016_biased_interval import ALWAYS, BiasedInterval, drift_of
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


def at_scales(value, error, *, read=2, name="twonn", **wide):
    """A layer that was read at rank `read`, with Gride (value, error) per rank as gride_32=(4.4, 0.03)."""
    columns = {key: pair[0] for key, pair in wide.items()} | {f"{key}_err": pair[1] for key, pair in wide.items()}
    return make_profile(
        [value], dimension_err=[error], dimension_scale=read, n_unique=2000,
        provenance={"measure": {"estimators": [name]}}, **columns,
    )  # fmt: skip


def test_a_value_that_drifts_with_the_scale_is_told_with_both_ends():
    finding = BiasedInterval().look(at_scales(4.67, 0.1, gride_2=(4.66, 0.1), gride_8=(4.5, 0.05), gride_32=(4.35, 0.03)))
    assert finding.layers == ("embed_00",)
    assert finding.text == (
        "In embed_00 Gride drifts from 4.66 at rank 2 to 4.35 at rank 32, which makes more than 2 stated errors of 0.1 at the "
        "scale that was read (embed_00): density or curvature change within the neighbourhoods, or noise or a boundary is "
        "in them."
    )


@pytest.mark.parametrize(
    "profile",
    [
        at_scales(4.67, 0.1, gride_2=(4.5, 0.1), gride_32=(4.3, 0.1)),  # the slope is within two of its errors
        at_scales(4.67, 1.0, gride_2=(4.66, 0.02), gride_32=(4.35, 0.02)),  # the bias is within two stated errors
        at_scales(4.67, 0.1, gride_2=(4.67, 0.1), gride_64=(3.0, 0.03)),  # farther than 16 times
        at_scales(4.67, 0.1, gride_32=(4.0, 0.03)),  # one rank has no slope
        at_scales(4.67, 0.1, gride_2=(4.67, 0.1), gride_32=(float("nan"), float("nan"))),
        at_scales(4.67, 0.1, gride_2=(5.0, 0.0), gride_32=(4.0, 0.0)),  # no errors are known
    ],
    ids=["slope within errors", "bias within errors", "too far", "one rank", "no value", "no errors"],
)
def test_no_drift_within_reach_is_no_finding(profile):
    assert BiasedInterval().look(profile) is None


@pytest.mark.parametrize(("read", "dimension"), [(2, 4.67), (8, 2.5), (32, 5.0)])
def test_the_drift_is_that_of_a_weighted_fit_of_rank_to_the_inverse_dimension(read, dimension):
    ranks, values, errors = [2, 4, 8, 16, 32], np.array([4.9, 4.7, 4.75, 4.4, 4.3]), np.array([0.2, 0.15, 0.1, 0.07, 0.05])
    drift = drift_of(dimension, read, np.array(ranks), values, errors)
    powers = np.array(ranks) ** (1 / dimension)
    fit, covariance = np.polyfit(powers, values, 1, w=1 / errors, cov="unscaled")
    assert drift.bias == pytest.approx(fit[0] * read ** (1 / dimension), rel=1e-9)
    assert drift.error == pytest.approx(np.sqrt(covariance[0, 0]) * read ** (1 / dimension), rel=1e-9)
    assert drift.ranks == (2, 32)


def test_where_density_and_tangent_space_are_constant_it_speaks_in_a_few_percent_of_data_sets():
    rng, m = np.random.default_rng(0), 1000
    errors = {2: 0.14, 4: 0.1, 8: 0.07, 16: 0.05, 32: 0.04}  # of Gride on 2000 points in 5 dimensions
    columns = {f"gride_{rank}": (5 + error * rng.standard_normal(m)).tolist() for rank, error in errors.items()}
    columns |= {f"gride_{rank}_err": error for rank, error in errors.items()}
    profile = make_profile(columns["gride_16"], dimension_err=0.05, dimension_scale=16, n_unique=2000, **columns)
    found = BiasedInterval().look(profile)
    assert 0.01 < len(found.layers) / m < 0.06  # what two errors of a slope leave


def test_the_largest_drift_is_named():
    profile = make_profile(
        [3.0, 4.0, 5.0], dimension_err=0.1, n_unique=2000, gride_2=[3.0, 4.0, 5.0], gride_2_err=0.1,
        gride_32=[3.1, 4.6, 7.0], gride_32_err=0.1,
    )  # fmt: skip
    finding = BiasedInterval().look(profile)
    assert finding.layers == ("block_01", "block_02")
    assert "In block_02 Gride drifts from 5 at rank 2 to 7 at rank 32" in finding.text


def gride_columns(table):
    found = {rank: dimension(table, "gride", ranks=rank) for rank in (2, 4, 8, 16, 32, 64)}
    return {f"gride_{rank}": (one.value, one.stderr) for rank, one in found.items()}


def speaks(points, name):
    table = neighbors(points, 100)
    found = dimension(table, name)
    profile = at_scales(found.value, found.stderr, read=found.scale[1], name=name, **gride_columns(table))
    return BiasedInterval().look(profile) is not None


def cube(d, seed):
    return np.random.default_rng(seed).random((2000, d))


def joined_circles(d, seed):
    angles = 2 * np.pi * np.random.default_rng(seed).random((2000, d))
    return np.hstack([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize("name", ["twonn", "gride", "mle"])
@pytest.mark.parametrize(("shape", "d"), [(cube, 5), (joined_circles, 5)])
def test_it_speaks_of_boundaries_and_curvature(shape, d, name):
    """docs/calibration.md: intervals of these cover 0 to 80 %."""
    assert sum(speaks(shape(d, seed), name) for seed in range(3)) >= 2


@pytest.mark.parametrize("name", ["twonn", "gride", "mle"])
def test_it_is_mostly_silent_where_the_assumptions_hold(name):
    """Two circles joined: no boundary, constant density, and hardly any curvature among so many points."""
    assert sum(speaks(joined_circles(2, seed), name) for seed in range(4)) <= 1
