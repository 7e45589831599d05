import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dimscope.knn.filters import Float32Filter, Frame, Int8Filter, with_mix
from dimscope.knn.scratch import Scratch

RNG = np.random.default_rng(5)
CLOUDS = {
    "gaussian": RNG.normal(size=(90, 70)),
    "offset": RNG.normal(size=(90, 70)) + 1e6,
    "one large coordinate": RNG.normal(size=(90, 70)) * np.r_[1e3, np.ones(69)],
    "one far row": np.r_[RNG.normal(size=(89, 70)), 1e4 * np.ones((1, 70))],
    "constant columns": np.c_[RNG.normal(size=(90, 3)), np.ones((90, 200))],
    "one column": RNG.normal(size=(90, 1)),
}


def make(kind, points):
    width = -(-points.shape[1] // 64) * 64
    frame = Frame(0.5, points.mean(axis=0) * 0.5, RNG.choice([-1.0, 1.0], width))
    with Scratch(points) as scratch:
        return kind(
            points, np.arange(len(points)), np.arange(len(points)), frame, scratch, lambda work, items: [work(i) for i in items]
        )


@pytest.mark.parametrize("kind", [Int8Filter, Float32Filter])
@pytest.mark.parametrize("name", CLOUDS)
def test_no_distance_leaves_its_bounds(kind, name):
    points = CLOUDS[name]
    made, n = make(kind, points), len(points)
    tile = made.tile(0, n, made, 0, n, np.empty(n * n, np.float32)).astype(np.float64)
    rows = made.rows
    factors = rows.factors.astype(np.float64)
    squares = rows.norms[:, None] + rows.norms - 2 * tile * factors[:, None] * factors
    blur = rows.blur * (rows.norms[:, None] + rows.norms)
    errors = rows.errors[:, None] + rows.errors
    true = cdist(points, points) * 0.5
    assert (np.sqrt(np.maximum(squares - blur, 0)) - errors <= true * (1 + 1e-12)).all()
    assert (np.sqrt(np.maximum(squares + blur, 0)) + errors >= true * (1 - 1e-12)).all()
    if kind is Int8Filter and name == "gaussian":
        assert np.median(rows.errors / np.sqrt(rows.norms)) < 0.015  # coarse, but not useless


@pytest.mark.parametrize("mix", [1e-3, 0.02, 1.0])
def test_the_test_of_a_tile_never_loses_a_pair_within_the_radius(mix):
    points = CLOUDS["gaussian"]
    made, n = make(Int8Filter, points), len(points)
    rows = with_mix(made.rows, mix)
    tile = made.tile(0, n, made, 0, n, np.empty(n * n, np.float32))
    products = tile.astype(np.float32) * rows.factors * rows.factors[:, None]
    true = cdist(points, points) * 0.5
    radii = np.sort(true, axis=1)[:, 10]
    reach = (1 + mix) * (radii + rows.errors) ** 2
    limits = ((rows.norms - reach) / 2 - rows.blur * (rows.norms + reach)).astype(np.float32)
    kept = products >= limits[:, None] + rows.offsets
    assert kept[true <= radii[:, None]].all()
    assert mix == 1 or kept.mean() < 1
