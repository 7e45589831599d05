"""P015 compares the profile with the controls that were asked for."""

import numpy as np
import pytest

from dimscope.checks.p015_like_its_null import LikeItsNull
from profiles import make_profile

CURVE = np.array([9.0, 8.0, 12.0, 15.0, 11.0, 10.0, 9.0, 9.5, 10.0, 10.5, 11.0])


def look(final_norm=False, **controls):
    columns = {}
    for name, values in controls.items():
        columns |= {f"dimension_{name}": list(values), f"dimension_{name}_err": 0.1}
    return LikeItsNull().look(make_profile(list(CURVE), dimension_err=0.1, final_norm=final_norm, **columns))


def test_the_same_curve_within_errors():
    finding = look(untrained=CURVE + 0.4)  # 3 errors of the difference are 0.42
    assert (finding.code, finding.severity) == ("P015", "issue")
    assert "is that of the same model with fresh weights (100% of the layers), within errors" in finding.text
    assert finding.text.endswith("what the model learned.")


@pytest.mark.parametrize("name", ["untrained", "shuffled", "gaussian"])
def test_another_curve(name):
    assert look(**{name: CURVE * 1.2}) is None
    assert look(**{name: CURVE[::-1]}) is None


def test_one_layer_in_ten_may_differ():
    null = CURVE.copy()
    null[3] += 5
    assert "(91% of the layers)" in look(gaussian=null).text
    null[4] += 5
    assert look(gaussian=null) is None


def test_the_first_layer_does_not_speak_for_shuffled_tokens():
    null = CURVE * 1.2
    assert look(shuffled=np.r_[CURVE[0], null[1:]]) is None
    far = np.r_[CURVE[0] + 9, CURVE[1:]]
    assert look(shuffled=far) is not None


def test_the_final_norm_is_left_out():
    assert "(100% of the layers)" in look(final_norm=True, gaussian=np.r_[CURVE[:-1], 99.0]).text


def test_several_controls_are_named_and_none_is_no_finding():
    assert "normal points of the same covariance" in look(untrained=CURVE * 1.2, gaussian=CURVE).text
    assert "fresh weights" not in look(untrained=CURVE * 1.2, gaussian=CURVE).text
    assert LikeItsNull().look(make_profile(list(CURVE))) is None
