"""P013 takes over from P001 where one token is read from the input of the first block."""

import pytest

from dimscope.checks.p001_duplicates import Duplicates
from dimscope.checks.p013_few_inputs import FewInputs
from profiles import make_profile


def profile_of(pool, n_unique):
    return make_profile([1.0] * len(n_unique), n=200, n_unique=n_unique, provenance={"model": {"pool": pool}})


@pytest.mark.parametrize("pool", ["last", "cls"])
def test_few_tokens_at_the_input(pool):
    finding = FewInputs().look(profile_of(pool, [12, 200, 199]))
    assert (finding.code, finding.severity, finding.layers) == ("P013", "tip", ("embed_00",))
    assert f"With --pool {pool} the 200 examples have only 12 distinct vectors at embed_00" in finding.text


def test_other_reasons_for_equal_rows_are_left_to_p001():
    assert FewInputs().look(profile_of("mean", [12, 200, 199])) is None
    assert FewInputs().look(profile_of("last", [100, 200, 199])) is None  # half of them differ
    assert FewInputs().look(profile_of("last", [200, 12, 12])) is None  # not the input
    assert FewInputs().look(make_profile([1.0] * 3, n=200, n_unique=12)) is None  # arrays


def test_nothing_is_said_twice():
    assert Duplicates().look(profile_of("last", [12, 200, 199])) is None
    assert Duplicates().look(profile_of("last", [12, 200, 150])).layers == ("block_02",)
    assert Duplicates().look(profile_of("last", [12, 200, 150])).text.endswith("as few as 150 points remain.")
    assert Duplicates().look(profile_of("last", [150, 200, 200])).layers == ("embed_00",)  # P013 is silent
