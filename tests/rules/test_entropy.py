"""The valley of the entropy."""

from dimscope.rules.entropy import Entropy
from profiles import make_profile


def test_the_lowest_entropy_between_the_ends():
    found = Entropy().recommend(make_profile([1.0] * 7, von_neumann_entropy=[0.5, 4.0, 3.0, 2.0, 2.05, 3.0, 0.4]))
    assert (found.rule, found.best, found.layers) == ("entropy", "block_03", ("block_03", "block_04"))
    assert "P012" in found.cautions[0]


def test_without_the_column_there_is_no_choice():
    assert Entropy().recommend(make_profile([1.0] * 7)).reasons == ("This profile holds no von Neumann entropy.",)
