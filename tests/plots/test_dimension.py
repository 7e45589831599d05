import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_dimension
from dimscope.profile import Profile
from dimscope.rules.base import Recommendation

CHOICE = Recommendation("minimum", True, ("block_07", "block_08"), "block_08", 0.9, ("why",))
OPEN = Recommendation("minimum", False, (), None, float("nan"), ("why",))


def test_the_band_is_one_standard_error(profile: Profile) -> None:
    (axes,) = plot_dimension(profile).axes
    corners = axes.collections[0].get_paths()[0].vertices
    at_four = corners[corners[:, 0] == 4][:, 1]
    value, error = profile.values("dimension")[4], profile.values("dimension_err")[4]
    np.testing.assert_allclose(sorted(set(at_four)), [value - error, value + error])


def test_the_recommended_range_is_shaded_and_its_best_layer_ringed(profile: Profile) -> None:
    (axes,) = plot_dimension(profile, recommendation=CHOICE).axes
    span = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    np.testing.assert_allclose([span.x0, span.x1], [6.5, 8.5])
    ring = next(line for line in axes.lines if line.get_markerfacecolor() == "none")
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (8, profile.values("dimension")[8])


def test_no_clear_choice_shades_nothing(profile: Profile) -> None:
    assert len(plot_dimension(profile, recommendation=OPEN).axes[0].patches) == 0


def test_a_recommendation_needs_its_own_profile(profile: Profile, make_profile) -> None:
    with pytest.raises(UsageError, match="belongs to one profile"):
        plot_dimension({"a": profile}, recommendation=CHOICE)
    with pytest.raises(UsageError, match="names layers that this profile lacks"):
        plot_dimension(make_profile(3), recommendation=CHOICE)


def test_other_scales_are_faint_and_in_the_frame(profile: Profile) -> None:
    plot = plot_dimension(profile, show_scales=True)
    assert set(plot.frame()["quantity"]) == {"dimension", *(f"gride_{2**step}" for step in range(1, 7))}
    faint = [line for line in plot.axes[0].lines if line.get_alpha() is not None]
    assert len(faint) == 6
    np.testing.assert_array_equal(faint[0].get_ydata(), profile.values("gride_2")[:-1])


def test_the_axis_starts_at_zero(profile: Profile) -> None:
    low, high = plot_dimension(profile).axes[0].get_ylim()
    assert low == 0
    assert high > (profile.values("dimension") + profile.values("dimension_err")).max()


@pytest.mark.parametrize(
    ("layers", "side", "place"),
    [(("embed_00",), "left", -0.5), (("block_06", "block_07"), "center", 6.5), (("block_11", "block_12"), "right", 12.5)],
)
def test_the_name_of_the_range_stays_inside_the_axes(profile: Profile, layers, side: str, place: float) -> None:
    plot = plot_dimension(profile, recommendation=Recommendation("r", True, layers, layers[-1], 0.9, ("why",)))
    (word,) = plot.axes[0].texts
    assert (word.get_text(), word.get_ha(), word.get_position()[0]) == ("recommended", side, place)
    plot.svg()
    box, axes = word.get_window_extent(), plot.axes[0].get_window_extent()
    assert axes.x0 <= box.x0 and box.x1 <= axes.x1
