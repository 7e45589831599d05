"""The layer of the highest effective rank."""

from dimscope.rules import recommend
from dimscope.rules.rank import Rank
from profiles import make_profile


def test_the_highest_effective_rank_between_the_ends():
    found = Rank().recommend(make_profile([1.0] * 7, effective_rank=[500.0, 200, 240, 300, 250, 100, 400]))
    assert (found.rule, found.best, found.layers) == ("rank", "block_03", ("block_03",))


def test_without_the_column_there_is_no_choice():
    assert Rank().recommend(make_profile([1.0] * 7)).reasons == ("This profile holds no effective rank.",)
    assert not recommend(make_profile([1.0] * 7), "rank").is_clear
