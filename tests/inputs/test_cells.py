"""A cell as text."""

import pytest

from dimscope.errors import InputError
from dimscope.inputs.cells import cell_text


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (" ", " "), (7, "7"), (0.5, "0.5"), (True, "True"), (0, "0"), (None, None), ("", None), (float("nan"), None)],
)
def test_what_a_cell_says(value, text):
    assert cell_text(value, "here") == text


@pytest.mark.parametrize("value", [[1], (1,), {"a": 1}, b"x"])
def test_a_cell_that_holds_several_values_is_refused(value):
    with pytest.raises(InputError) as caught:
        cell_text(value, "row 3")
    assert str(caught.value) == f"row 3 holds a value of type {type(value).__name__}; a text or a number is expected."


def test_half_of_a_character_is_refused():
    with pytest.raises(InputError) as caught:
        cell_text("a\ud83d", "row 3")
    assert str(caught.value) == "row 3 holds half of a character (\\ud83d); mend or remove it."
