"""P012 speaks of massive activations, and says whether distances see them."""

from dimscope.checks.p012_one_coordinate import OneCoordinate
from profiles import make_profile


def look(top, variance, width=64):
    return OneCoordinate().look(make_profile([1.0] * len(top), top_coordinate=top, top_variance=variance, width=width))


def test_a_large_constant_coordinate_leaves_distances_alone():
    finding = look([0.1, 0.7, 0.98, 0.4], [0.02, 0.03, 0.2, 0.9])
    assert finding.code == "P012"
    assert finding.severity == "tip"
    assert finding.layers == ("block_01", "block_02")
    assert "In block_01, block_02 one coordinate holds up to 98% of the squared norm" in finding.text
    assert "It holds at most 20% of the variance" in finding.text


def test_a_coordinate_that_holds_the_variance_is_called_so():
    finding = look([0.6, 0.7, 0.98], [0.02, 0.81, 0.2])
    assert "At block_01 it also holds 81% of the variance: neighbours there are those of little more than one number." in (
        finding.text
    )


def test_is_silent_up_to_its_share_for_few_coordinates_and_without_the_column():
    assert look([0.5, 0.4], [0.9, 0.9]) is None
    assert look([0.9, 0.9], [0.9, 0.9], width=8) is None
    assert look([0.9, 0.9], [0.9, 0.9], width=9) is not None
    assert OneCoordinate().look(make_profile([1.0] * 3)) is None
