"""Integer filters: the rotation as a matrix, digits that make up the codes, what is left out and what counts as error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brute import KINDS, cloud
from coarse import codes_of, digits_of, exact_rows, filled, rotation
from dimscope.knn.filters import Frame
from dimscope.knn.integers import LOW_SHARE, Int8Filter, Int16Filter, _rotate, combine
from dimscope.knn.on_tiles import frame_of


@pytest.mark.parametrize("width", [64, 128, 192, 320])
def test_the_rotation_is_orthogonal_and_the_kernel_computes_it(width):
    matrix = rotation(width)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(width), atol=1e-12)
    for unit in (0, 1, width - 1):
        row = np.zeros(width, np.float32)
        row[unit] = 1
        _rotate(row, width & -width, np.empty(width, np.float32))
        np.testing.assert_allclose(row / np.sqrt(width & -width), matrix[unit], atol=1e-6)


def test_the_error_of_8_bits_is_that_of_rounding_and_not_much_larger():
    points = np.random.default_rng(1).standard_normal((500, 256))
    made = filled(Int8Filter, points, frame_of(points, np.arange(500)))
    expected = made.rows.factors * np.sqrt(256 / 12)  # a uniform rounding error has variance 1 / 12
    np.testing.assert_allclose(made.rows.errors, expected, rtol=0.15)


def test_one_large_coordinate_is_spread_over_all():
    points = np.random.default_rng(2).standard_normal((300, 192))
    points[:, 5] *= 300
    made = filled(Int8Filter, points, frame_of(points, np.arange(300)))
    assert np.median(made.rows.errors / np.sqrt(made.rows.norms)) < 0.01  # its rounding alone is up to 1 / 254 of the norm


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(KINDS), n=st.integers(2, 40), d=st.sampled_from([1, 17, 64, 192, 500]), seed=st.integers(0, 10**6))
def test_digits_fit_into_8_bits_and_what_is_left_out_is_small(kind, n, d, seed):
    points = cloud(kind, n, d, seed)
    frame = frame_of(points, np.arange(n))
    single, pairs = filled(Int8Filter, points, frame), filled(Int16Filter, points, frame)
    assert (np.abs(single.codes.astype(int)) <= 127).all()
    assert (np.abs(pairs.codes.astype(int)) <= 127).all()
    high, low = digits_of(pairs)
    np.testing.assert_array_equal(pairs.codes[:, -high.shape[1] :], high)
    assert ((low**2).sum(axis=1) <= LOW_SHARE * (codes_of(pairs) ** 2).sum(axis=1)).all()


def test_the_error_of_pairs_is_that_of_rounding_and_not_much_larger():
    points = np.random.default_rng(1).standard_normal((500, 256))
    frame = frame_of(points, np.arange(500))
    made = filled(Int16Filter, points, frame)
    assert digits_of(made)[1].any(axis=1).mean() > 0.99  # hardly a row lost its low digits
    expected = made.rows.factors * np.sqrt(256 / 12)
    share = np.median(made.rows.errors / expected)
    assert 0.95 < share < 1.1
    single = filled(Int8Filter, points, frame)
    assert np.median(single.rows.errors / made.rows.errors) > 200


def test_a_row_whose_low_digits_weigh_too_much_loses_them_and_says_so():
    spike = np.zeros((2, 64))
    spike[0] = 3.1
    spike[0, 0] = 1000.0  # in the frame of the filter: one loud coordinate, the others far below one step of the high digit
    spike[1] = np.linspace(-1, 1, 64)
    points = spike @ rotation(64).T
    frame = Frame(1.0, np.zeros(64), np.ones(64))
    made = filled(Int16Filter, points, frame)
    low = digits_of(made)[1]
    assert not low[0].any()
    assert low[1].any()
    moved = np.linalg.norm(exact_rows(Int16Filter, points, frame) - codes_of(made) * made.rows.factors[:, None], axis=1)
    rest = 1000 * 126 / 32384  # of the loud coordinate, 254 * 127 + 126 steps
    np.testing.assert_allclose(moved[0], np.sqrt(rest**2 + 63 * 3.1**2), rtol=1e-4)
    assert (moved <= made.rows.errors).all()
    assert made.rows.errors[0] <= 1.01 * moved[0]


@pytest.mark.parametrize("in_place", [True, False])
def test_tiles_of_digits_are_combined(in_place):
    rng = np.random.default_rng(4)
    leading, mixed = (rng.integers(-(10**8), 10**8, (7, 9)).astype(np.int32) for _ in range(2))
    expected = 64516.0 * leading + 254.0 * mixed
    tile = leading.view(np.float32) if in_place else np.empty((7, 9), np.float32)
    combine(leading, mixed, tile)
    np.testing.assert_allclose(tile, expected, rtol=1e-6, atol=64516 * 8)


def test_the_widest_rows_do_not_overflow():
    from dimscope.knn.on_tiles import WIDEST

    assert WIDEST["int8"] * 127**2 < 2**31
    assert 2 * WIDEST["int16"] * 127**2 <= 2**31 - 1
