"""P006 speaks when a layer has no dimension."""

import pytest

from dimscope.checks.p006_no_estimate import NoEstimate
from profiles import make_profile


@pytest.mark.parametrize("missing", [float("nan"), float("inf")])
def test_names_the_layers_and_the_reason_of_the_first(missing):
    profile = make_profile(
        [missing, 5.0, missing], n_unique=[2, 60, 30], dimension_status=["too few points", "ok", "no spread"]
    )
    finding = NoEstimate().look(profile)
    assert (finding.code, finding.severity) == ("P006", "issue")
    assert finding.layers == ("embed_00", "block_02")
    assert finding.text == "No dimension for embed_00, block_02: too few points (distinct rows: 2)."


def test_is_silent_when_every_layer_has_a_number():
    assert NoEstimate().look(make_profile([1.0, 0.0], n_unique=9, dimension_status="ok")) is None
