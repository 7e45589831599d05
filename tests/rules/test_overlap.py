"""The longest run of layers that keep their neighbours."""

import numpy as np
import pytest

from dimscope.rules.overlap import Overlap, find_quiet
from profiles import make_profile

ESM_650M = [
    .35, .82, .67, .68, .63, .50, .46, .55, .49, .51, .51, .65, .70, .78, .80, .87, .82, .87, .91, .91, .94, .94, .92, .94, .94,
    .93, .93, .92, .83, .82, .81, .75, .51,
]  # fmt: skip
"""Digitised from Valeriani et al. 2023, figure 2."""


def test_the_published_plateau_of_esm():
    """Labels are read best in layers 18 to 28 there."""
    assert find_quiet(np.array(ESM_650M)) == (17, 28)
    found = Overlap().recommend(make_profile([1.0] * 34, overlap_next=[*ESM_650M, np.nan], overlap_next_err=0.004))
    assert (found.best, found.layers[0], found.layers[-1]) == ("block_22", "block_17", "block_28")
    assert found.reasons[0].startswith(
        "From block_17 to block_28 each layer keeps at least 87% of its predecessor's neighbours;"
    )
    assert found.stability > 0.95


def test_noise_lowers_the_stability():
    stable, shaky = (
        Overlap().recommend(make_profile([1.0] * 34, overlap_next=[*ESM_650M, np.nan], overlap_next_err=error)).stability
        for error in (0.004, 0.2)
    )
    assert shaky < 0.8 < stable


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([0.9, 0.9, 0.9, 0.9, 0.2], (1, 4)),  # the step out of the input is left out
        ([0.2, 0.9, 0.9, 0.2, 0.9, 0.9], None),  # two steps are no run
        ([0.2, 0.9, 0.9, np.nan, 0.9, 0.9, 0.9], (4, 7)),
        ([0.2, 0.85, 0.85, 0.85, 0.1, 0.9, 0.9, 0.9], (5, 8)),  # of equal length the quieter one
        ([0.5, np.nan, np.nan], None),
    ],
)
def test_runs(steps, found):
    assert find_quiet(np.array(steps)) == found


def test_no_run_and_no_column_have_reasons():
    assert Overlap().recommend(make_profile([1.0] * 4, overlap_next=[0.2, 0.9, 0.1, np.nan])).reasons == (
        "There is no run of three steps or more that keep the neighbours.",
    )
    assert Overlap().recommend(make_profile([1.0] * 4)).reasons == ("This profile holds no overlap with the next layer.",)


def test_the_step_to_the_final_norm_takes_no_part():
    steps = [0.5, 0.9, 0.9, 0.9, 0.9, np.nan]
    found = Overlap().recommend(make_profile([1.0] * 6, overlap_next=steps, final_norm=True))
    assert found.layers == ("block_01", "block_02", "block_03", "block_04")
