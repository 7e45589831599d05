"""The longest stretch of nearly constant dimension."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.rules.plateau import Plateau, find_plateau
from profiles import make_profile, published


@pytest.mark.parametrize(("model", "first", "last"), [("ESM-2 35M", 7, 10), ("ESM-2 650M", 16, 29), ("ESM-2 3B", 18, 29)])
def test_the_published_plateaus_of_protein_models(model, first, last):
    values = published(model)
    found = find_plateau(values, np.linspace(0, 1, len(values)))
    assert first <= found[0] < found[1] <= last


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 1.6), min_size=6, max_size=14))
def test_no_longer_stretch_exists(values):
    values = np.array([2.0, 2.5, *values])
    depths = np.linspace(0, 1, len(values))
    found = find_plateau(values, depths)
    ceiling = values[1:].max() / 1.1
    good = [
        (first, last)
        for first, last in combinations(range(1, len(values)), 2)
        if last - first >= 2
        and depths[last] <= 0.85
        and depths[last] - depths[first] >= 0.15
        and values[first : last + 1].max() <= ceiling
        and values[first : last + 1].max() <= 1.1 * values[first : last + 1].min() * (1 + 1e-12)
    ]
    if found is None:
        assert not good
    else:
        assert found[1] - found[0] == max(last - first for first, last in good)


def test_middle_reason_and_stability():
    values = [5.0, 20, 10, 9.5, 9.4, 9.6, 9.9, 14, 15, 16, 17]
    replicates = np.repeat(np.array(values)[:, None], 10, axis=1)
    replicates[4, :2] = 18  # two of ten have no such plateau
    found = Plateau().recommend(make_profile(values, replicates=replicates))
    assert (found.best, found.layers[0], found.layers[-1]) == ("block_04", "block_02", "block_06")
    assert found.stability == pytest.approx(0.8)
    assert found.reasons == ("The dimension stays between 9.4 and 10.0 from block_02 to block_06.",)
    replicates[4, :5] = 18
    shaky = Plateau().recommend(make_profile(values, replicates=replicates))
    assert not shaky.is_clear
    assert "Only 50% of the bootstrap replicates agree; 70% are needed." in shaky.reasons[0]


@pytest.mark.parametrize("values", [[9.0] * 12, list(np.linspace(20, 2, 12)), [9.0, 20, 9, 9]])
def test_flat_steep_and_short_curves_have_none(values):
    found = Plateau().recommend(make_profile(values))
    assert (found.is_clear, found.best) == (False, None)
    assert found.reasons == ("The dimension has no stretch of nearly constant values below its peak.",)
