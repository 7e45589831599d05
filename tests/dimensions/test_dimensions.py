"""The public functions: choice of estimator, its options, and the dimension over scales."""

import numpy as np
import pytest

import dimscope
from dimscope import dimension, dimension_scaling, neighbors
from dimscope.dimensions import ESTIMATORS, make_estimator
from dimscope.dimensions.twonn import TwoNN
from dimscope.errors import InputError, UsageError
from dimscope.estimates import Status


def test_the_default_is_the_line_fit_of_twonn(recipes, oracles):
    expected = oracles["dedup_reference"]["TwoNN linear .9"]
    assert dimscope.dimension(recipes["A"]).value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_points_get_the_table_that_the_estimator_needs(recipes, name):
    needed = make_estimator(name, {}).min_k
    wide, own = dimension(neighbors(recipes["A"], 120), name), dimension(recipes["A"], name)
    assert (own.value, own.stderr) == (wide.value, wide.stderr)
    with pytest.raises(UsageError, match=f"needs {needed} neighbours of each point, the table holds {needed - 1}"):
        dimension(neighbors(recipes["A"], needed - 1), name)


def test_options_reach_the_estimator(recipes):
    assert dimension(recipes["A"], "twonn", method="ml", fraction=0.5) != dimension(recipes["A"])
    assert dimension(recipes["A"], "gride", ranks=6).scale == (3, 6)
    assert make_estimator("twonn", {"method": "ml", "fraction": 0.5}) == TwoNN("ml", 0.5)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("two-nn", {}, r'^unknown estimator "two-nn"\. Did you mean "twonn"\?  All: .*gride.*  \(dimscope list estimators\)$'),
        (
            "twonn",
            {"fractoin": 0.5},
            r'^unknown option of twonn "fractoin"\. Did you mean "fraction"\?  All: convention, errors, frac',
        ),
        ("gride", {"k": 4}, r'^unknown option of gride "k"\.  All: convention, errors, near, ranks$'),
    ],
)
def test_unknown_names_and_options_are_refused_with_the_near_one(recipes, name, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        dimension(recipes["A"], name, **options)


def test_more_neighbours_than_points_are_refused():
    with pytest.raises(InputError, match="k=100 neighbours were asked for, 50 points were found; k may be 1 to 49"):
        dimension(np.random.default_rng(0).random((50, 2)), "mom")


@pytest.mark.parametrize("duplicates", ["merge", "keep"])
def test_a_table_is_read_as_it_is_whatever_the_convention(recipes, duplicates):
    table = neighbors(recipes["D"], 2, duplicates=duplicates)
    mine = dimension(table, convention="dadapy").value
    expected = recipes["A"] if duplicates == "merge" else recipes["D"]
    assert mine == dimension(expected, convention="dadapy").value


def test_gride_over_scales_is_gride_at_each_power_of_two(recipes):
    table = neighbors(recipes["A"], 100)
    found = dimension_scaling(table, "gride")
    assert [estimate.scale for estimate in found] == [(1, 2), (2, 4), (4, 8), (8, 16), (16, 32), (32, 64)]
    assert [e.value for e in found] == [dimension(table, "gride", ranks=2**j).value for j in range(1, 7)]
    assert [e.value for e in dimension_scaling(recipes["A"])] == [e.value for e in found]


@pytest.mark.parametrize(("max_rank", "k", "last"), [(64, 20, 16), (8, 100, 8), (9, 100, 8), (2, 2, 2)])
def test_gride_stops_at_the_asked_rank_or_the_width_of_the_table(recipes, max_rank, k, last):
    assert dimension_scaling(neighbors(recipes["A"], k), max_rank=max_rank)[-1].scale == (last // 2, last)


@pytest.mark.parametrize("max_rank", [1, 0, -4])
def test_no_rank_to_read_is_refused(recipes, max_rank):
    with pytest.raises(UsageError, match=f"max_rank={max_rank} was asked for; gride compares rank 1 with rank 2"):
        dimension_scaling(recipes["A"], max_rank=max_rank)


def test_a_table_without_second_neighbours_has_no_scale(recipes):
    with pytest.raises(UsageError, match="gride needs 2 neighbours of each point, the table holds 1"):
        dimension_scaling(neighbors(recipes["A"], 1))


@pytest.mark.parametrize("seed", [0, 7])
def test_twonn_over_scales_is_the_mean_over_disjoint_parts(recipes, seed):
    found = dimension_scaling(recipes["D"], "twonn", seed=seed)
    points = recipes["A"]
    order = np.random.default_rng(seed).permutation(400)
    assert len(found) == 5  # 400, 200, 100, 50 and 25 points; parts of 12 are too small
    assert found[0].value == dimension(points).value
    for estimate, parts in zip(found[1:], [2, 4, 8, 16], strict=True):
        values = [dimension(points[part]).value for part in np.array_split(order, parts)]
        assert estimate.value == pytest.approx(np.mean(values), rel=1e-12)
        assert estimate.stderr == pytest.approx(np.std(values, ddof=1) / np.sqrt(parts), rel=1e-10)
        assert (estimate.n_used, estimate.scale) == (int(400 / parts * 0.9), (1, 2))
    radii = [estimate.radius for estimate in found]
    assert radii == sorted(radii)


def test_decimation_needs_the_points(recipes):
    with pytest.raises(UsageError, match=r'decimation with "twonn" needs the points; .* gives the scale by "gride"'):
        dimension_scaling(neighbors(recipes["A"], 10), "twonn")


def test_an_unknown_estimator_has_no_scale(recipes):
    with pytest.raises(UsageError, match=r'^unknown estimator "mlee"\. Did you mean "mle"\?  All: .*twonn'):
        dimension_scaling(recipes["A"], "mlee")


def test_a_scale_without_spread_is_nan_with_a_status():
    lattice = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)
    first = dimension_scaling(lattice, "twonn")[0]
    assert np.isnan(first.value)
    assert first.status is Status.NO_SPREAD
