"""The coarse copies against their definition in float64: the stated errors hold, row by row and pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from brute import KINDS, cloud
from coarse import KINDS_OF_FILTER, coarse_of, codes_of, exact_rows, filled
from dimscope.knn.filters import BLOCK_ROWS, Float32Filter, Frame, Rows, cut, joined, with_mix
from dimscope.knn.integers import Int8Filter, Int16Filter
from dimscope.knn.on_tiles import frame_of
from dimscope.knn.rounding import UNIT32

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
    return filled(kind, points, Frame(0.5, points.mean(axis=0) * 0.5, RNG.choice([-1.0, 1.0], width)))


@pytest.mark.parametrize("kind", KINDS_OF_FILTER)
@pytest.mark.parametrize("name", CLOUDS)
def test_no_distance_leaves_its_bounds(kind, name):
    points = CLOUDS[name]
    made, n = make(kind, points), len(points)
    tile = made.tile(0, n, made, 0, n, np.empty(2 * n * n, np.float32)).astype(np.float64)
    rows = made.rows
    factors = rows.factors.astype(np.float64)
    squares = rows.norms[:, None] + rows.norms - 2 * tile * factors[:, None] * factors
    blur = rows.blur * (rows.norms[:, None] + rows.norms)
    errors = rows.errors[:, None] + rows.errors
    true = cdist(points, points) * 0.5
    assert (np.sqrt(np.maximum(squares - blur, 0)) - errors <= true * (1 + 1e-12)).all()
    assert (np.sqrt(np.maximum(squares + blur, 0)) + errors >= true * (1 - 1e-12)).all()
    coarsest = {Int8Filter: 0.015, Int16Filter: 1e-4, Float32Filter: 1e-7}[kind]
    if name == "gaussian":
        assert np.median(rows.errors / np.sqrt(rows.norms)) < coarsest  # coarse, but not useless


@pytest.mark.parametrize("kind", KINDS_OF_FILTER)
@pytest.mark.parametrize("mix", [1e-3, 0.02, 1.0])
def test_the_test_of_a_tile_never_loses_a_pair_within_the_radius(mix, kind):
    points = CLOUDS["gaussian"]
    made, n = make(kind, points), len(points)
    rows = with_mix(made.rows, mix)
    tile = made.tile(0, n, made, 0, n, np.empty(2 * n * n, np.float32))
    products = tile.astype(np.float32) * rows.factors * rows.factors[:, None]
    true = cdist(points, points) * 0.5
    radii = np.sort(true, axis=1)[:, 10]
    reach = (1 + mix) * (radii + rows.errors) ** 2
    limits = ((rows.norms - reach) / 2 - rows.blur * (rows.norms + reach)).astype(np.float32)
    kept = products >= limits[:, None] + rows.offsets
    assert kept[true <= radii[:, None]].all()
    assert mix == 1 or kept.mean() < 1


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
    frame = frame_of(points, np.arange(n))
    for filter_kind in KINDS_OF_FILTER:
        exact, made = exact_rows(filter_kind, points, frame), filled(filter_kind, points, frame)
        slack = 1e-12 * np.linalg.norm(exact, axis=1)  # of this test's own rotation
        assert (np.linalg.norm(exact - coarse_of(made), axis=1) <= made.rows.errors + slack).all()
        np.testing.assert_allclose(made.rows.norms, (coarse_of(made) ** 2).sum(axis=1), rtol=1e-12, atol=1e-50)


@pytest.mark.parametrize("small", [1e-15, 1e-21, 1e-23, 1e-30, 1e-40, 1e-44, 0.0])
def test_errors_hold_for_rows_whose_squares_underflow(small):
    points = np.random.default_rng(0).standard_normal((30, 100)) * small
    frame = Frame(1.0, np.zeros(100), np.ones(128))
    for kind in KINDS_OF_FILTER:
        exact, made = exact_rows(kind, points, frame), filled(kind, points, frame)
        assert (np.linalg.norm(exact - coarse_of(made), axis=1) <= made.rows.errors).all()


@pytest.mark.parametrize("kind", KINDS_OF_FILTER)
@pytest.mark.parametrize("d", [17, 64, 200])
def test_tiles_are_the_products_of_the_codes(kind, d):
    points = np.random.default_rng(3).standard_normal((150, d)).astype(np.float32)
    frame = frame_of(points, np.arange(150))
    made, other = filled(kind, points, frame), filled(kind, points[::-1].copy(), frame)
    room = np.empty(2 * 64 * 64, np.float32)
    tile = made.tile(10, 70, other, 100, 149, room)
    exact = codes_of(made)[10:70] @ codes_of(other)[100:149].T
    assert np.shares_memory(tile, room)
    if kind is Int8Filter:
        assert tile.dtype == np.int32
        np.testing.assert_array_equal(tile, exact)
        return
    norms = made.rows.norms[10:70, None] + other.rows.norms[100:149]
    scales = np.outer(made.rows.factors[10:70].astype(np.float64), other.rows.factors[100:149].astype(np.float64))
    allowed = d * UNIT32 / (1 - d * UNIT32) if kind is Float32Filter else made.rows.blur - 6 * UNIT32
    assert (np.abs(tile - exact) * scales <= allowed * norms / 2).all()


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
    made = with_mix(filled(Float32Filter, points, frame_of(points, np.arange(50))).rows, 0.25)
    hidden = 5 * made.errors**2
    np.testing.assert_allclose(made.offsets, (made.norms - hidden) / 2 - made.blur * (made.norms + hidden), rtol=1e-6)
    assert made.mix == 0.25


def test_rows_are_filled_block_by_block_in_the_order_of_places():
    points = np.random.default_rng(5).standard_normal((BLOCK_ROWS + 40, 5)).astype(np.float32)
    places = np.random.default_rng(6).permutation(len(points))[: BLOCK_ROWS + 20]
    frame = frame_of(points, places)
    for kind in KINDS_OF_FILTER:
        made, plain = filled(kind, points, frame, places), filled(kind, points, frame)
        np.testing.assert_array_equal(made.codes, plain.codes[places])
        np.testing.assert_array_equal(made.rows.errors, plain.rows.errors[places])
        np.testing.assert_array_equal(made.rows.labels, places)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e10, 1e40, 1e130])
def test_a_row_far_out_has_an_error_that_holds(far):
    points = np.random.default_rng(8).standard_normal((30, 70))
    points[4] *= far
    frame = Frame(1.0, np.zeros(70), np.ones(128))
    for kind in KINDS_OF_FILTER:
        exact, made = exact_rows(kind, points, frame), filled(kind, points, frame)
        moved = np.linalg.norm(exact - coarse_of(made), axis=1)
        assert (moved <= made.rows.errors * (1 + 1e-12)).all()
        assert (made.rows.errors <= 1.02 * moved + 1e-3 * np.sqrt(made.rows.norms) + 1e-15).all()
        assert (made.rows.norms[4] == 0) == (far > 1e9)
        assert np.isfinite(made.rows.norms).all()


@pytest.mark.parametrize("kind", KINDS_OF_FILTER)
def test_rows_that_are_cut_out_and_joined_are_those_of_the_whole(kind):
    whole = make(kind, CLOUDS["gaussian"])
    parts = [cut(whole, 0, 40), cut(whole, 40, 90)]
    for found, expected in zip(joined([part.rows for part in parts]), whole.rows, strict=True):
        np.testing.assert_array_equal(found, expected)
    room = np.empty(2 * 90 * 90, np.float32)
    expected = whole.tile(10, 40, whole, 50, 90, room).copy()
    np.testing.assert_array_equal(parts[0].tile(10, 40, parts[1], 10, 50, room), expected)
    assert np.shares_memory(parts[1].codes, whole.codes)
    assert joined([whole.rows]) is whole.rows
