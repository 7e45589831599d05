import numpy as np

from dimscope.knn.rounding import CERTAIN, LARGEST_NORM, UNIT32


def test_the_unit_roundoff_is_half_the_spacing_at_one():
    assert np.finfo(np.float32).eps / 2 == UNIT32


def test_sums_of_four_million_squares_are_covered():
    assert (4_000_000 + 2) * np.finfo(np.float64).eps / 2 < CERTAIN - 1 < 1e-8


def test_squares_of_the_largest_norms_and_their_products_fit_float32():
    assert np.finfo(np.float32).max > 4 * LARGEST_NORM**2 * 100
