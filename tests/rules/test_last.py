"""The last layer, whatever the profile says."""

import pytest

from dimscope.rules.last import Last
from profiles import make_profile


@pytest.mark.parametrize(("final_norm", "name"), [(False, "block_04"), (True, "final_norm_03")])
def test_takes_the_last_row_and_says_what_it_costs(final_norm, name):
    profile = make_profile([9.0, 5.0, 1.0, 5.0, 9.0], label_overlap=[0.1, 0.2, 0.9, 0.5, 0.25], final_norm=final_norm)
    answer = Last().recommend(profile)
    assert (answer.is_clear, answer.layers, answer.best) == (True, (name,), name)
    assert answer.reasons == ("The last layer is taken whatever the profile says.",)
    assert answer.regret.regret == pytest.approx(0.65)
    assert answer.headline == f"Use {name}."
