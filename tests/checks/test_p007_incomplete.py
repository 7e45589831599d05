"""P007 speaks when examples were dropped, or when equal examples carry different labels."""

import pytest

from dimscope.checks.p007_incomplete import Incomplete
from profiles import make_profile


def look(**data):
    return Incomplete().look(make_profile([1.0], provenance={"data": data}))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"n_dropped": 3}, "3 rows without text or label were left out."),
        ({"n_label_conflicts": 2}, "2 examples equal an earlier one but carry another label; the first label counts."),
        (
            {"n_dropped": 3, "n_label_conflicts": 2},
            "3 rows without text or label were left out; 2 examples equal an earlier one but carry another label; the first "
            "label counts.",
        ),
    ],
)
def test_counts_each(data, text):
    finding = look(**data)
    assert (finding.code, finding.severity, finding.text) == ("P007", "tip", text)


@pytest.mark.parametrize("data", [{}, {"n_dropped": 0, "n_label_conflicts": 0}])
def test_is_silent_when_all_is_complete(data):
    assert look(**data) is None
