"""The main peak of the dimension."""

import numpy as np
import pytest

from dimscope.rules.peak import Peak
from profiles import make_profile, published

PEAKS = {"ESM-2 35M": 3, "ESM-2 650M": 5, "ESM-2 3B": 5, "iGPT-S": 8, "iGPT-M": 11, "iGPT-L": 11}
CURVE = np.array([5.0, 8, 12, 20, 19, 10, 7, 6, 6.5])


@pytest.mark.parametrize("model", PEAKS)
def test_the_published_peaks(model):
    assert Peak().recommend(make_profile(list(published(model)))).best == f"block_{PEAKS[model]:02d}"


def test_range_and_stability():
    rng = np.random.default_rng(0)
    replicates = CURVE[:, None] + 0.1 * rng.normal(size=(9, 50))
    replicates[6, :10] = 40  # in ten of fifty replicates the peak is elsewhere
    found = Peak().recommend(make_profile(list(CURVE), replicates=replicates))
    assert (found.best, found.layers) == ("block_03", ("block_03", "block_04"))
    assert found.stability == pytest.approx(0.8)
    assert found.reasons == ("The dimension has its main peak of 20.0 at block_03.",)


def test_a_curve_without_a_peak():
    found = Peak().recommend(make_profile([9.0, 8, 7, 6, 5, 4]))
    assert not found.is_clear
    assert found.reasons[0].startswith("The dimension falls from the first layer on")


def test_the_input_is_never_in_the_range():
    assert Peak().recommend(make_profile([19.0, 15, 19.5, 20, 9, 8, 7, 9])).layers == ("block_02", "block_03")
