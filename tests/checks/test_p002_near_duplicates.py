"""P002 speaks when more than one point in a hundred is nearer to another than the stored numbers resolve."""

from dimscope.checks.p002_near_duplicates import NearDuplicates
from profiles import make_profile


def test_names_the_layers_and_the_largest_share_of_the_distinct_points():
    finding = NearDuplicates().look(make_profile([1.0] * 3, n=400, n_unique=[200, 400, 400], n_near=[20, 5, 4]))
    assert (finding.code, finding.severity) == ("P002", "issue")
    assert finding.layers == ("embed_00", "block_01")
    assert finding.text.startswith("In embed_00, block_01 up to 10.0% of the points have a nearest neighbour so near")


def test_is_silent_up_to_its_share():
    profile = make_profile([1.0] * 2, n=400, n_unique=400, n_near=4)
    assert NearDuplicates().look(profile) is None
    assert NearDuplicates(share=0.009).look(profile) is not None
