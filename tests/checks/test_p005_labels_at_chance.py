"""P005 speaks when no layer's label overlap is more than three standard errors above chance."""

import pytest

from dimscope.checks.p005_labels_at_chance import LabelsAtChance
from profiles import make_profile

NAN = float("nan")


def look(value, error=0.01, chance=0.1):
    return LabelsAtChance().look(
        make_profile([1.0] * len(value), label_overlap=value, label_overlap_err=error, label_overlap_chance=chance)
    )


def test_says_the_best_value_and_chance():
    finding = look([0.1, 0.11, 0.09])
    assert (finding.code, finding.severity) == ("P005", "issue")
    assert finding.text == "The best label overlap is 0.110 where chance gives 0.100."


@pytest.mark.parametrize(("best", "speaks"), [(0.1299, True), (0.1301, False), (0.05, True)])
def test_three_errors_are_the_border(best, speaks):
    assert (look([0.1, best]) is not None) is speaks


def test_one_layer_above_chance_is_enough_whatever_the_others():
    assert look([0.0, NAN, 0.5]) is None
    assert look([NAN, 0.1]) is not None


@pytest.mark.parametrize(("value", "chance", "speaks"), [([0.0, 0.0], 0.0, True), ([1.0, 1.0], 0.5, False)])
def test_errors_of_zero(value, chance, speaks):
    """Labels that are all different never agree; neighbourhoods that are all pure always do."""
    assert (look(value, 0.0, chance) is not None) is speaks


def test_is_silent_without_labels_or_values():
    assert LabelsAtChance().look(make_profile([1.0] * 3)) is None
    assert look([NAN, NAN]) is None
