"""The layer whose nearest neighbours are nearest, by the norm."""

from dimscope.rules.nearest import Nearest
from profiles import make_profile


def test_distances_are_read_by_the_norm():
    distance, norm = [1.0, 2, 2, 2, 2, 2, 1], [1.0, 4, 5, 10, 5, 4, 9]
    found = Nearest().recommend(make_profile([1.0] * 7, r1_median=distance, norm_median=norm))
    assert (found.rule, found.best) == ("nearest", "block_03")
    assert "is lowest at block_03 (0.2)" in found.reasons[0]


def test_norms_of_zero_and_absent_columns():
    found = Nearest().recommend(make_profile([1.0] * 7, r1_median=1.0, norm_median=[1.0, 0, 2, 3, 4, 3, 9]))
    assert not found.is_clear  # four layers are left
    assert Nearest().recommend(make_profile([1.0] * 7, r1_median=1.0)).reasons == (
        "This profile holds no nearest distance over the norm.",
    )
