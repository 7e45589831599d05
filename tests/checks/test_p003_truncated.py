"""P003 speaks when any example was cut."""

import pytest

from dimscope.checks.p003_truncated import Truncated
from profiles import make_profile


def look(**data):
    model = {"max_tokens": data.pop("limit")} if "limit" in data else {}
    return Truncated().look(make_profile([1.0], provenance={"data": data, "model": model}))


def test_counts_what_was_cut_and_names_the_limit():
    finding = look(n_truncated=1, n_examples=60, limit=256)
    assert (finding.code, finding.severity, finding.layers) == ("P003", "tip", ())
    assert finding.text == "1 of 60 examples were longer than 256 tokens; only their beginning was read."


def test_without_a_limit_the_sentence_is_still_one():
    assert look(n_truncated=2, n_examples=60).text.startswith("2 of 60 examples were longer than the model reads; only")


@pytest.mark.parametrize("data", [{}, {"n_truncated": 0, "n_examples": 60}])
def test_is_silent_when_nothing_was_cut(data):
    assert look(**data) is None
