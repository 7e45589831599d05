"""Decimation against recorded values and closed forms."""

import numpy as np
import pytest

from dimscope import dimension, dimension_scaling
from dimscope.errors import UsageError


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_the_ladder_of_dadapy(recipes, oracles, name):
    values, errors, sizes = oracles["dadapy"][f"{name}.return_id_scaling_2NN(return_sizes=True)"]
    found = dimension_scaling(recipes[name], "twonn", convention="dadapy")
    np.testing.assert_allclose([estimate.value for estimate in found], values, rtol=1e-8)
    np.testing.assert_allclose([estimate.stderr for estimate in found], errors, atol=1e-8)
    assert [estimate.n_used for estimate in found] == [int(0.9 * size) for size in sizes]
    radii = oracles["dadapy"][f"{name}.return_id_scaling_2NN()"][2]
    np.testing.assert_allclose([estimate.radius for estimate in found], radii, rtol=1e-8)


def test_equals_the_decimated_value_of_dadapy_at_another_fraction_and_repeats(recipes, oracles):
    """One scale alone starts its own stream: the first scale of a ladder that begins at a quarter."""
    points = recipes["A"]
    rng = np.random.default_rng(42)
    values = [dimension(points[rng.choice(400, 100, replace=False)], fraction=0.98).value for _ in range(7)]
    recorded = oracles["dadapy"]["A.compute_id_2NN(data_fraction=0.25,n_iter=7,mu_fraction=0.98)"]
    assert np.mean(values) == pytest.approx(recorded[0], rel=1e-8)


def test_independent_subsets_state_an_error_for_shared_points():
    """The mean over many draws of one half scatters between data sets twice as much as s / sqrt(repeats)."""
    found = []
    for seed in range(40):
        points = np.random.default_rng(seed).random((300, 2))
        found.append(dimension_scaling(points, "twonn", subsets="independent", repeats=12, smallest=150)[1])
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    stated = np.mean([estimate.stderr for estimate in found])
    assert 0.8 * scatter < stated < 1.7 * scatter
    plain = stated / np.sqrt(1 / 12 + 1 / 3) / np.sqrt(12)
    assert plain < 0.8 * scatter


def test_disjoint_subsets_state_the_scatter():
    found = []
    for seed in range(40):
        points = np.random.default_rng(seed).random((320, 2))
        found.append(dimension_scaling(points, "twonn", smallest=40)[3])
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(scatter, rel=0.4)


def test_fewer_repeats_take_the_first_parts(recipes):
    points = recipes["A"]
    order = np.random.default_rng(3).permutation(400)
    found = dimension_scaling(points, "mle", repeats=2, smallest=100, seed=3, k=10)
    parts = [dimension(points[np.sort(part)], "mle", k=10).value for part in np.array_split(order, 4)[:2]]
    assert found[2].value == pytest.approx(np.mean(parts), rel=1e-12)
    assert len(found) == 3


def test_subsets_hold_enough_neighbours_for_the_estimator(recipes):
    found = dimension_scaling(recipes["A"], "mle", k=60)
    assert [estimate.n_used for estimate in found] == [400, 200, 100]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"subsets": "overlapping"}, 'unknown kind of subsets "overlapping"'),
        ({"convention": "paper"}, "convention of decimation"),
        ({"repeats": 1}, "at least 2"),
        ({"repeats": 3}, "there are 2"),
        ({"fractions": 0.5}, 'unknown option of twonn "fractions"'),
    ],
)
def test_impossible_requests_are_refused(recipes, options, text):
    with pytest.raises(UsageError, match=text):
        dimension_scaling(recipes["A"], "twonn", **options)


def test_gride_takes_no_decimation(recipes):
    with pytest.raises(UsageError, match="option of gride over scales"):
        dimension_scaling(recipes["A"], "gride", repeats=2)
