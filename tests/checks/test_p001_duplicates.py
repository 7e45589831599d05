"""P001 speaks when more than one in twenty examples repeats another one."""

from dimscope.checks.p001_duplicates import Duplicates
from profiles import make_profile


def test_names_the_layers_the_largest_share_and_what_remains():
    finding = Duplicates().look(make_profile([1.0] * 4, n=200, n_unique=[40, 200, 189, 190]))
    assert finding.code == "P001"
    assert finding.severity == "tip"
    assert finding.layers == ("embed_00", "block_02")
    assert finding.text.startswith("Up to 80.0% of the examples repeat another one in embed_00, block_02;")
    assert finding.text.endswith("as few as 40 points remain.")


def test_is_silent_up_to_its_share():
    assert Duplicates().look(make_profile([1.0] * 2, n=200, n_unique=[190, 200])) is None
    assert Duplicates(share=0.04).look(make_profile([1.0] * 2, n=200, n_unique=[190, 200])).layers == ("embed_00",)
