"""`recommend`: the rules by their names."""

import pytest

import dimscope
from dimscope.config import RunConfig
from dimscope.errors import UsageError
from dimscope.rules import DEFAULT, RULES, recommend
from profiles import make_profile, published

CURVE = make_profile(published("iGPT-L"), dimension_err=0.2)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_answers_under_its_name(name):
    answer = recommend(CURVE, name)
    assert answer.rule == name
    assert answer.reasons
    assert answer.is_clear == bool(answer.layers) == (answer.best is not None)
    assert set(answer.layers) <= {layer.name for layer in CURVE.layers}


def test_the_default_is_the_turn():
    assert RunConfig().measure.rule == DEFAULT == "turn"
    named = recommend(CURVE, "turn").to_dict()
    assert recommend(CURVE).to_dict() == dimscope.recommend(CURVE).to_dict() == named
    assert recommend(CURVE).layers != recommend(CURVE, "last").layers


def test_an_unknown_rule_names_the_nearest():
    with pytest.raises(UsageError) as error:
        recommend(CURVE, "minimun")
    assert str(error.value) == (
        'unknown rule "minimun". Did you mean "minimum"?  All: entropy, last, middle, minimum, nearest, overlap, peak, '
        "plateau, rank, turn  (dimscope list rules)"
    )
