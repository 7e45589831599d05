"""The layer at half depth, the earlier of two."""

import pytest

from dimscope.rules.middle import Middle
from profiles import make_profile


@pytest.mark.parametrize("n_blocks", range(1, 61))
def test_takes_the_earlier_of_two_for_any_number_of_blocks(n_blocks):
    """Of blocks 0..L the middle is L/2 rounded down, in whole numbers."""
    answer = Middle().recommend(make_profile([1.0] * (n_blocks + 1)))
    expected = n_blocks // 2
    assert answer.best == (f"block_{expected:02d}" if expected else "embed_00")
    assert answer.layers == (answer.best,)


def test_says_what_it_costs():
    answer = Middle().recommend(make_profile([1.0] * 5, label_overlap=[0.1, 0.9, 0.5, 0.4, 0.3]))
    assert answer.best == "block_02"
    assert answer.regret.regret == pytest.approx(0.4)
    assert answer.reasons == ("The layer at half depth is taken whatever the profile says.",)
