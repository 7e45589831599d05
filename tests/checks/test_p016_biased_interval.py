"""P016 speaks where an interval of 1.96 stated errors is known to miss the truth, and is silent where it holds it."""

import numpy as np
import pytest

from dimscope import dimension, neighbors
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


def at_scales(value, error, *, read=2, name="twonn", **wide):
    """A layer that was read at rank `read`, with Gride (value, error) per rank as gride_32=(4.4, 0.03)."""
    columns = {key: pair[0] for key, pair in wide.items()} | {f"{key}_err": pair[1] for key, pair in wide.items()}
    return make_profile(
        [value], dimension_err=[error], dimension_scale=read, n_unique=2000,
        provenance={"measure": {"estimators": [name]}}, **columns,
    )  # fmt: skip


def test_a_value_that_changes_farther_out_is_told_with_both_numbers():
    finding = BiasedInterval().look(at_scales(4.67, 0.1, gride_2=(4.66, 0.1), gride_8=(4.5, 0.05), gride_32=(4.35, 0.03)))
    assert finding.layers == ("embed_00",)
    assert finding.text == (
        "Gride at rank 32 gives 4.35 where 4.67 was read, more than 2 stated errors apart (embed_00): density or curvature "
        "change within such neighbourhoods, and within those that were read."
    )


@pytest.mark.parametrize(
    "profile",
    [
        at_scales(4.67, 0.1, gride_32=(4.47, 0.03)),  # within two errors
        at_scales(4.67, 0.1, gride_64=(3.0, 0.03)),  # farther than 16 times
        at_scales(4.67, 0.1, read=32, gride_2=(9.0, 0.1), gride_32=(9.0, 0.1)),  # not farther than what was read
        at_scales(4.67, 0.1, gride_32=(float("nan"), float("nan"))),
        at_scales(4.67, 0.0, gride_32=(4.0, 0.0)),  # no errors are known
    ],
    ids=["within errors", "too far", "nearer", "no value", "no errors"],
)
def test_no_change_within_reach_is_no_finding(profile):
    assert BiasedInterval().look(profile) is None


def test_the_largest_change_is_named():
    profile = make_profile(
        [3.0, 4.0, 5.0], dimension_err=0.1, n_unique=2000, gride_16=[3.0, 4.5, 8.0], gride_16_err=[0.1, 0.1, 0.1],
        gride_32=[3.1, 4.6, 7.0], gride_32_err=[0.1, 0.1, 0.1],
    )  # fmt: skip
    finding = BiasedInterval().look(profile)
    assert finding.layers == ("block_01", "block_02")
    assert "Gride at rank 32 gives 7 where 5 was read" in finding.text


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
