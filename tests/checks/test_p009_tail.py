"""P009 speaks when TwoNN and Gride at rank 2 differ."""

import numpy as np
import pytest

from dimscope.checks.p009_tail import Tail
from dimscope.profile import Layer, Profile


def profile_of(twonn, gride, error=0.1):
    layers = [Layer(f"block_{row:02d}", "block", row, row / max(1, len(twonn) - 1)) for row in range(len(twonn))]
    columns = {
        "dimension": twonn,
        "dimension_err": [error] * len(twonn),
        "twonn": twonn,
        "twonn_err": [error] * len(twonn),
        "gride_2": gride,
        "gride_2_err": [error] * len(twonn),
    }
    return Profile.from_columns(layers, columns, np.empty((len(twonn), 0)), {})


def test_names_the_layer_with_the_largest_gap_and_both_values():
    finding = Tail().look(profile_of([10.0, 20.0, 10.0], [10.2, 12.0, 8.0]))
    assert finding is not None
    assert finding.layers == ("block_01", "block_02")
    assert "block_01: 20.0" in finding.text
    assert "12.0 from nearly all" in finding.text


@pytest.mark.parametrize(
    ("twonn", "gride", "error"),
    [([10.0], [10.9], 0.1), ([10.0], [12.0], 1.0), ([float("nan")], [9.0], 0.1)],
    ids=["within ten percent", "within three errors", "no estimate"],
)
def test_is_silent_when_the_gap_is_small_or_noise(twonn, gride, error):
    assert Tail().look(profile_of(twonn, gride, error)) is None
