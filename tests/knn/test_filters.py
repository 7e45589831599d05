"""The coarse copies against their definition in float64: the stated errors hold, row by row and pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scipy.spatial.distance import cdist

from brute import KINDS, cloud
from dimscope.knn.filters import BLOCK_ROWS, UNIT32, Float32Filter, Frame, Int8Filter, Rows, _rotate, with_mix
from dimscope.knn.on_tiles import _frame
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


def filled(kind, points, frame, places=None):
    places = np.arange(len(points)) if places is None else places
    with Scratch(points) as scratch:
        return kind(points, places, places, frame, scratch, lambda work, items: [*map(work, items)])


def rotation(width):
    """The orthogonal map of `Int8Filter` without its signs as a matrix (width, width), from its description."""
    block = width & -width
    n_blocks = width // block
    mirror = np.eye(n_blocks) - 2 / n_blocks if n_blocks > 1 else np.eye(1)
    return np.kron(mirror, hadamard(block) / np.sqrt(block))


def turned(points, frame):
    """The rows t_i of the module's text, in float64."""
    wide = np.zeros((len(points), len(frame.signs)))
    wide[:, : points.shape[1]] = points.astype(np.float64) * frame.scale - frame.mean
    return (wide * frame.signs) @ rotation(len(frame.signs))


def coarse_of(made):
    return made.codes.astype(np.float64) * made.rows.factors.astype(np.float64)[:, None]


@pytest.mark.parametrize("width", [64, 128, 192, 320])
def test_the_rotation_is_orthogonal_and_the_kernel_computes_it(width):
    matrix = rotation(width)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(width), atol=1e-12)
    for unit in (0, 1, width - 1):
        row = np.zeros(width, np.float32)
        row[unit] = 1
        _rotate(row, width & -width)
        np.testing.assert_allclose(row / np.sqrt(width & -width), matrix[unit], atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(2, 40),
    d=st.sampled_from([1, 3, 17, 64, 65, 128, 192, 320, 500]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 10**6),
)
def test_no_code_is_farther_from_its_row_than_stated(kind, n, d, dtype, seed):
    points = cloud(kind, n, d, seed).astype(dtype)
    frame = _frame(points, np.arange(n))
    exact, made = turned(points, frame), filled(Int8Filter, points, frame)
    slack = 1e-12 * np.linalg.norm(exact, axis=1)  # of this test's own rotation
    assert (np.linalg.norm(exact - coarse_of(made), axis=1) <= made.rows.errors + slack).all()
    np.testing.assert_allclose(made.rows.norms, (coarse_of(made) ** 2).sum(axis=1), rtol=1e-12, atol=1e-50)
    assert (np.abs(made.codes.astype(int)) <= 127).all()
    exact, made = points.astype(np.float64) * frame.scale - frame.mean, filled(Float32Filter, points, frame)
    assert (np.linalg.norm(exact - made.codes, axis=1) <= made.rows.errors).all()
    np.testing.assert_allclose(made.rows.norms, (coarse_of(made) ** 2).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("small", [1e-15, 1e-21, 1e-23, 1e-30, 1e-40, 1e-44, 0.0])
def test_errors_hold_for_rows_whose_squares_underflow(small):
    points = np.random.default_rng(0).standard_normal((30, 100)) * small
    frame = Frame(1.0, np.zeros(100), np.ones(128))
    for kind, exact in ((Int8Filter, turned(points, frame)), (Float32Filter, points)):
        made = filled(kind, points, frame)
        assert (np.linalg.norm(exact - coarse_of(made), axis=1) <= made.rows.errors).all()


def test_the_error_of_8_bits_is_that_of_rounding_and_not_much_larger():
    points = np.random.default_rng(1).standard_normal((500, 256))
    made = filled(Int8Filter, points, _frame(points, np.arange(500)))
    expected = made.rows.factors * np.sqrt(256 / 12)  # a uniform rounding error has variance 1 / 12
    np.testing.assert_allclose(made.rows.errors, expected, rtol=0.15)


def test_one_large_coordinate_is_spread_over_all():
    points = np.random.default_rng(2).standard_normal((300, 192))
    points[:, 5] *= 300
    made = filled(Int8Filter, points, _frame(points, np.arange(300)))
    assert np.median(made.rows.errors / np.sqrt(made.rows.norms)) < 0.01  # its rounding alone is up to 1 / 254 of the norm


@pytest.mark.parametrize("kind", [Int8Filter, Float32Filter])
@pytest.mark.parametrize("d", [17, 64, 200])
def test_tiles_are_the_products_of_the_codes(kind, d):
    points = np.random.default_rng(3).standard_normal((150, d)).astype(np.float32)
    frame = _frame(points, np.arange(150))
    made, other = filled(kind, points, frame), filled(kind, points[::-1].copy(), frame)
    room = np.empty(64 * 64, np.float32)
    tile = made.tile(10, 70, other, 100, 149, room)
    exact = made.codes[10:70].astype(np.float64) @ other.codes[100:149].astype(np.float64).T
    assert np.shares_memory(tile, room)
    if kind is Int8Filter:
        assert tile.dtype == np.int32
        np.testing.assert_array_equal(tile, exact)
    else:
        norms = np.sqrt(made.rows.norms[10:70, None] * other.rows.norms[100:149])
        assert (np.abs(tile - exact) <= d * UNIT32 / (1 - d * UNIT32) * norms).all()


@settings(max_examples=20, deadline=None)
@given(mix=st.floats(1e-7, 1e3), seed=st.integers(0, 10**6))
def test_the_two_sides_of_the_test_add_up_to_the_reach(mix, seed):
    """(R + e_i + e_j)^2 <= (1 + mix)(R + e_i)^2 + (1 + 1/mix) e_j^2 for every weight, so a_i + b_j <= c_i.c_j within reach."""
    rng = np.random.default_rng(seed)
    norms, errors, radius = rng.lognormal(0, 2, 200), rng.lognormal(-4, 2, 200), rng.lognormal(-1, 2, 200)[:, None]
    made = with_mix(Rows(np.ones(200, np.float32), np.empty(0), norms, errors, np.arange(200), 1.0, 1.0, 1e-6), mix)
    reach = radius + errors[:, None] + errors
    limits = (norms[:, None] - (1 + mix) * (radius + errors[:, None]) ** 2) / 2
    products = (norms[:, None] + norms - reach**2) / 2
    assert (limits + made.offsets <= products + 1e-6 * reach**2).all()


def test_offsets_follow_their_definition():
    points = np.random.default_rng(4).standard_normal((50, 8))
    made = with_mix(filled(Float32Filter, points, _frame(points, np.arange(50))).rows, 0.25)
    hidden = 5 * made.errors**2
    np.testing.assert_allclose(made.offsets, (made.norms - hidden) / 2 - made.blur * (made.norms + hidden), rtol=1e-6)
    assert made.mix == 0.25


def test_rows_are_filled_block_by_block_in_the_order_of_places():
    points = np.random.default_rng(5).standard_normal((BLOCK_ROWS + 40, 5)).astype(np.float32)
    places = np.random.default_rng(6).permutation(len(points))[: BLOCK_ROWS + 20]
    frame = _frame(points, places)
    for kind in (Int8Filter, Float32Filter):
        made, plain = filled(kind, points, frame, places), filled(kind, points, frame)
        np.testing.assert_array_equal(made.codes, plain.codes[places])
        np.testing.assert_array_equal(made.rows.errors, plain.rows.errors[places])
        np.testing.assert_array_equal(made.rows.labels, places)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e10, 1e40, 1e130])
def test_a_row_far_out_has_an_error_that_holds(far):
    points = np.random.default_rng(8).standard_normal((30, 70))
    points[4] *= far
    frame = Frame(1.0, np.zeros(70), np.ones(128))
    for kind, exact in ((Int8Filter, turned(points, frame)), (Float32Filter, points)):
        made = filled(kind, points, frame)
        moved = np.linalg.norm(exact - coarse_of(made), axis=1)
        assert (moved <= made.rows.errors * (1 + 1e-12)).all()
        assert (made.rows.errors <= 1.02 * moved + 1e-3 * np.sqrt(made.rows.norms) + 1e-15).all()
        assert (made.rows.norms[4] == 0) == (far > 1e9)
        assert np.isfinite(made.rows.norms).all()
