"""P008 speaks when a larger scale orders the layers differently."""

import pytest
from scipy.stats import spearmanr

from dimscope.checks.p008_scale_changes_shape import ScaleChangesShape
from profiles import make_profile

FINE = [5.0, 8.0, 12.0, 9.0, 6.0, 7.0]
NAN = float("nan")


def look(fine, wide, error=0.0, **options):
    return ScaleChangesShape().look(make_profile(fine, gride_16=wide, gride_16_err=error, dimension_err=error, **options))


def test_says_the_rank_correlation():
    wide = [9.0, 7.0, 5.0, 6.0, 8.0, 10.0]
    finding = look(FINE, wide)
    assert (finding.code, finding.severity) == ("P008", "issue")
    assert finding.text == (
        "Over embed_00 to block_05 (6 layers) the dimension and Gride at ranks 8 and 16 order the layers differently (rank "
        f"correlation {spearmanr(FINE, wide).statistic:.2f})."
    )


@pytest.mark.parametrize("wide", [FINE, [3 * value for value in FINE], [5.0, 8.0, 12.0, 9.0, 7.0, 6.0]])
def test_is_silent_when_the_order_is_about_the_same(wide):
    assert spearmanr(FINE, wide).statistic > 0.9
    assert look(FINE, wide) is None


@pytest.mark.parametrize(("least", "speaks"), [(0.257, False), (0.258, True)])
def test_its_threshold_is_the_correlation(least, speaks):
    wide = [5.0, 12.0, 8.0, 6.0, 9.0, 7.0]
    assert spearmanr(FINE, wide).statistic == pytest.approx(9 / 35)
    profile = make_profile(FINE, gride_16=wide, gride_16_err=0.0)
    assert (ScaleChangesShape(least=least).look(profile) is not None) is speaks


@pytest.mark.parametrize(("error", "speaks"), [(1.6, True), (1.7, False)])
def test_a_curve_that_is_flat_within_its_errors_has_no_order(error, speaks):
    """The fine curve spans 7, three errors of the difference are 3 sqrt(2) times the error: the border is 1.65."""
    wide = [90.0, 70.0, 50.0, 60.0, 80.0, 100.0]
    assert (look(FINE, wide, error) is not None) is speaks


def test_the_final_norm_and_layers_without_a_number_take_no_part():
    assert look([*FINE, 1.0], [*FINE, 99.0], final_norm=True) is None
    assert look([5.0, NAN, 12.0, 9.0, 6.0], [9.0, 1.0, 5.0, 6.0, 8.0]) is None
    assert look([5.0, NAN, 12.0, 9.0, 6.0, 7.0], [9.0, 1.0, 5.0, 6.0, 8.0, 7.0]) is not None


def test_is_silent_without_the_larger_scale():
    assert ScaleChangesShape().look(make_profile(FINE)) is None
