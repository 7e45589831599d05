"""Bytes in words: three digits in every unit, no unit with a thousand."""

import pytest

from dimscope.sizes import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (1_234_000, "1.23 MB"),
        (15_550_000_000, "15.6 GB"), (2e12, "2 TB"), (3e15, "3 PB"), (4e18, "4e+03 PB"),
    ],
)  # fmt: skip
def test_three_digits_in_the_unit_that_suits(size, text):
    assert size_text(size) == text
