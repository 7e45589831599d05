"""Manifolds of known dimension: values within 3 stated errors where the assumptions hold, errors that shrink like n^-1/2.

Constant density and no edge hold on circles, flat tori and spheres. Curvature is felt once k neighbours reach far, so
estimators that read many neighbours are asked only where it is weak.
"""

import numpy as np
import pytest

from dimscope import dimension, dimension_scaling, label_overlap, neighbors, overlap


def torus(n, d, rng):
    angles = 2 * np.pi * rng.random((n, d))
    return np.hstack([np.cos(angles), np.sin(angles)])


def sphere(n, d, rng):
    points = rng.standard_normal((n, d + 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def helix(n, d, rng):
    turn = 6 * np.pi * rng.random(n)
    return np.stack([np.cos(turn), np.sin(turn), turn / 3], axis=1)


def tilted(points, rng, width=60):
    """The same shape, turned, in many more columns."""
    turn = np.linalg.qr(rng.standard_normal((width, width)))[0]
    return np.hstack([points, np.zeros((len(points), width - points.shape[1]))]) @ turn


MANIFOLDS = {
    "circle": (torus, 1),
    "helix": (helix, 1),
    "torus": (torus, 2),
    "sphere": (sphere, 2),
    "sphere of 4": (sphere, 4),
}
NEAR = {
    "twonn": ("twonn", {}),
    "twonn ml": ("twonn", {"method": "ml"}),
    "twonn .98": ("twonn", {"fraction": 0.98}),
    "gride_2": ("gride", {"ranks": 2}),
    "gride_4": ("gride", {"ranks": 4}),
    "mle of 5": ("mle", {"k": 5}),
}
FAR = {"mle": ("mle", {}), "binomial": ("binomial", {})}


@pytest.fixture(scope="module")
def tables():
    """Five neighbour tables of 1 500 points for each manifold, in 60 columns."""

    def make(name, seed):
        shape, d = MANIFOLDS[name]
        rng = np.random.default_rng(seed)
        return neighbors(tilted(shape(1500, d, rng), rng), 20)

    return {name: [make(name, seed) for seed in range(5)] for name in MANIFOLDS}


def assert_known(found, d):
    """Each value within 3 stated errors, their mean within 3 errors of the mean and 1 % of model error."""
    values, errors = np.array([(estimate.value, estimate.stderr) for estimate in found]).T
    assert (np.abs(values - d) < 3 * errors).all()
    assert abs(values.mean() - d) < 3 * errors.mean() / np.sqrt(len(found)) + 0.01 * d


@pytest.mark.parametrize("manifold", MANIFOLDS)
@pytest.mark.parametrize("estimator", NEAR)
def test_first_neighbours_tell_the_dimension(tables, manifold, estimator):
    name, options = NEAR[estimator]
    assert_known([dimension(table, name, **options) for table in tables[manifold]], MANIFOLDS[manifold][1])


@pytest.mark.parametrize("manifold", ["circle", "helix", "sphere"])
@pytest.mark.parametrize("estimator", FAR)
def test_more_neighbours_tell_it_where_they_stay_near(tables, manifold, estimator):
    name, options = FAR[estimator]
    assert_known([dimension(table, name, **options) for table in tables[manifold]], MANIFOLDS[manifold][1])


@pytest.mark.parametrize("manifold", ["circle", "sphere"])
def test_mom_is_high_by_the_share_of_the_farthest_neighbour(tables, manifold):
    """The mean of k distances, the k-th among them, over r_k is (k d + 1) / (k (d + 1)) on average."""
    d, k = MANIFOLDS[manifold][1], 20
    for table in tables[manifold]:
        share = (table.distances[:, :k].mean(axis=1) / table.distances[:, k - 1]).mean()
        assert share == pytest.approx((k * d + 1) / (k * (d + 1)), rel=0.01)
        assert dimension(table, "mom", k=k).value > (k * d + 1) / (k - 1)


def test_noise_adds_dimensions_only_below_its_own_scale():
    rng = np.random.default_rng(0)
    points = torus(4000, 1, rng) + 0.003 * rng.standard_normal((4000, 2))
    found = dimension_scaling(points, "gride")
    assert found[0].value > 1.4
    assert found[-1].value == pytest.approx(1, abs=0.1)
    assert [estimate.radius for estimate in found] == sorted(estimate.radius for estimate in found)


SIZES = np.array([80, 320, 1280])
MEASURES = ("twonn", "gride_4", "mle of 5", "overlap", "label_overlap")


@pytest.fixture(scope="module")
def repeated():
    """Values and stated errors, shape (sizes, repeats), of several measures on a flat torus."""
    values = {name: np.empty((len(SIZES), 40)) for name in MEASURES}
    errors = {name: np.empty((len(SIZES), 40)) for name in MEASURES}
    for row, n in enumerate(SIZES):
        for column in range(40):
            rng = np.random.default_rng([row, column])
            points = torus(n, 2, rng)
            table = neighbors(points, 5)
            # Noise of the size of the spacing, so that the overlap has the same expectation at each n.
            moved = neighbors(points + 2 / np.sqrt(n) * rng.standard_normal(points.shape), 5)
            found = [dimension(table, name, **options) for name, options in map(NEAR.get, MEASURES[:3])]
            found += [overlap(table, moved, 5), label_overlap(table, rng.integers(0, 3, n), 5)]
            for name, estimate in zip(MEASURES, found, strict=True):
                values[name][row, column], errors[name][row, column] = estimate.value, estimate.stderr
    return values, errors


@pytest.mark.parametrize("name", MEASURES)
def test_scatter_and_stated_errors_shrink_like_the_root_of_n(repeated, name):
    values, errors = repeated
    stated, scatter = errors[name].mean(axis=1), values[name].std(axis=1, ddof=1)
    assert np.polyfit(np.log(SIZES), np.log(stated), 1)[0] == pytest.approx(-0.5, abs=0.04)
    # A standard deviation from 40 values is uncertain by 11 %, the slope over a factor of 16 by 0.06.
    assert np.polyfit(np.log(SIZES), np.log(scatter), 1)[0] == pytest.approx(-0.5, abs=0.15)
    assert np.mean(scatter / stated) == pytest.approx(1, rel=0.2)
