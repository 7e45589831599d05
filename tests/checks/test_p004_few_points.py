"""P004 speaks when the dimension needs more points than there are: n < 2 ** (d / 2)."""

import pytest

from dimscope.checks.p004_few_points import FewPoints
from profiles import make_profile


def test_the_border_is_twice_the_logarithm():
    """1024 = 2 ** 10 points reach up to dimension 20."""
    assert FewPoints().look(make_profile([20.0, 19.0], n_unique=1024)) is None
    assert FewPoints().look(make_profile([20.001, 19.0], n_unique=1024)).layers == ("embed_00",)


def test_each_layer_is_held_against_its_own_points():
    finding = FewPoints().look(make_profile([13.0, 15.0, 25.0], n_unique=[64, 1024, 1024]))
    assert (finding.code, finding.severity) == ("P004", "tip")
    assert finding.layers == ("embed_00", "block_02")
    assert finding.text.startswith(
        "A dimension of up to 25 was read from 1024 points in embed_00, block_02; above about 20 values"
    )


@pytest.mark.parametrize("dimension", [float("nan"), 1.0])
def test_a_layer_without_a_number_or_with_one_point_is_no_finding(dimension):
    assert FewPoints().look(make_profile([dimension, 2.0], n_unique=[2, 1000])) is None


def test_the_base_is_a_threshold():
    assert FewPoints(base=10.0).look(make_profile([6.5], n_unique=1000)) is not None
    assert FewPoints(base=10.0).look(make_profile([5.9], n_unique=1000)) is None
