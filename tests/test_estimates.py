"""The container of one number: what it says as text, and what a missing number says."""

import math
import re
from dataclasses import FrozenInstanceError

import pytest

from dimscope.estimates import Estimate, Status, no_estimate


def test_as_number_and_as_text():
    found = Estimate(5.0758693, 0.26789, (1, 2), 360)
    assert float(found) == 5.0758693
    assert str(found) == "5.076 +- 0.27"
    assert found.status is Status.OK
    assert found.n_dropped == 0
    assert math.isnan(found.radius)
    assert math.isnan(found.chance)
    assert found.local is None


def test_a_limited_number_says_why_in_its_text():
    found = Estimate(2.0, 0.1, (1, 2), 90, 10, Status.ZERO_DISTANCES)
    assert str(found).startswith("2 +- 0.1 (some points lie at distance 0")
    assert "duplicates='merge'" in str(found)


def test_no_estimate_is_nan_with_its_reason():
    found = no_estimate((3, 6), 4, Status.TOO_FEW, 2)
    assert math.isnan(found.value)
    assert math.isnan(found.stderr)
    assert (found.scale, found.n_used, found.n_dropped, found.status) == ((3, 6), 4, 2, Status.TOO_FEW)


@pytest.mark.parametrize("status", list(Status))
def test_only_ok_is_ok_and_every_other_sentence_names_a_cause_or_remedy(status):
    assert status.is_ok == (status.name == "OK")
    if not status.is_ok:
        assert len([part for part in re.split("[;:]", status.value) if len(part) > 15]) >= 2


def test_estimates_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        no_estimate((1, 2), 0, Status.TOO_FEW).value = 1.0
