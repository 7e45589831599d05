"""P010 speaks when normal points of a much larger dimension would be read as the same value."""

import numpy as np
import pytest

from dimscope import dimension
from dimscope.checks.p010_ceiling import DIMENSIONS, READ, Ceiling, normal_dimension
from profiles import make_profile


@pytest.mark.parametrize("n", READ)
def test_the_table_is_read_back(n):
    for d, value in zip(DIMENSIONS, READ[n], strict=True):
        assert normal_dimension(value, n) == pytest.approx(d)


def test_between_numbers_of_points_the_table_is_interpolated():
    small, large = sorted(READ)[:2]
    middle = np.sqrt(small * large)
    halfway = (READ[small][5] + READ[large][5]) / 2
    assert normal_dimension(halfway, middle) == pytest.approx(DIMENSIONS[5])
    assert normal_dimension(READ[small][2], small / 10) == pytest.approx(DIMENSIONS[2])


@pytest.mark.parametrize(("n", "d"), [(300, 20), (1000, 10)])
def test_the_table_says_what_twonn_reads(n, d):
    values = [dimension(np.random.default_rng(seed).standard_normal((n, d))).value for seed in range(12)]
    assert np.mean(values) == pytest.approx(READ[n][DIMENSIONS.index(d)], rel=0.05)


def test_more_points_read_more():
    table = np.array([READ[n] for n in sorted(READ)])
    assert (np.diff(table[:, 3:], axis=0) > 0).all()
    assert (np.diff(table, axis=1) > 0).all()


def test_high_values_speak_and_low_ones_do_not():
    assert Ceiling().look(make_profile([5.0, 9.0, 7.0], n_unique=1000)) is None
    finding = Ceiling().look(make_profile([5.0, 31.0, 24.0, 7.0], n_unique=1000))
    assert (finding.code, finding.severity) == ("P010", "tip")
    assert finding.layers == ("block_01", "block_02")
    assert finding.text.startswith("1000 normal points of dimension about 51 would also be read as 31 (block_01, block_02).")
    assert "lower bounds" in finding.remedy


def test_values_beyond_the_table_are_said_to_be_so():
    finding = Ceiling().look(make_profile([5.0, 120.0], n_unique=1000))
    assert "dimension 200 or more" in finding.text


def test_a_layer_without_a_value_is_no_finding():
    assert Ceiling().look(make_profile([float("nan"), 5.0], n_unique=1000)) is None


def test_the_factor_is_a_threshold():
    profile = make_profile([13.0, 5.0], n_unique=300)
    assert Ceiling(factor=1.1).look(profile) is not None
    assert Ceiling(factor=1.3).look(profile) is None
