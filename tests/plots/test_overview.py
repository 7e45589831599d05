import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_overview
from dimscope.profile import Profile
from dimscope.rules.base import Recommendation

QUANTITIES = ["dimension", "overlap_next", "label_overlap"]
CHOICE = Recommendation("minimum", True, ("block_07", "block_08"), "block_08", 0.9, ("why",))


def test_one_panel_per_quantity_with_its_numbers(profile: Profile) -> None:
    plot = plot_overview(profile)
    assert [set(panel.rows["quantity"]) for panel in plot.panels] == [{name} for name in QUANTITIES]
    for axes, name in zip(plot.axes, QUANTITIES, strict=True):
        path = next(line for line in axes.lines if len(line.get_xdata()) == 13)
        np.testing.assert_array_equal(path.get_ydata(), profile.values(name)[:13])


def test_shares_are_drawn_from_zero_to_one_with_their_chance(profile: Profile) -> None:
    plot = plot_overview(profile)
    for axes, chance in zip(plot.axes[1:], (0.01, 0.074), strict=True):
        assert axes.get_ylim() == (0, 1.03)
        assert axes.get_ylabel() == "share of 30 neighbours"
        dashed = next(line for line in axes.lines if line.get_linestyle() == "--")
        np.testing.assert_allclose(dashed.get_ydata(), chance)
    assert [text.get_text() for text in plot.figure.legends[0].get_texts()] == ["chance"]


def test_without_labels_there_are_two_panels(make_profile) -> None:
    plot = plot_overview(make_profile(has_labels=False))
    assert [axes.get_title(loc="left") for axes in plot.axes] == ["Intrinsic dimension", "Overlap with the next layer"]


def test_panels_stand_in_a_row_or_in_a_column(profile: Profile) -> None:
    for size, rows in (("page", 1), ("column", 3)):
        plot = plot_overview(profile, size=size)
        plot.svg()
        assert len({round(axes.get_position().y0, 3) for axes in plot.axes}) == rows


def test_the_range_is_shaded_in_the_panel_of_the_dimension_only(profile: Profile) -> None:
    plot = plot_overview(profile, recommendation=CHOICE)
    assert [len(axes.patches) for axes in plot.axes] == [1, 0, 0]
    span = plot.axes[0].patches[0].get_extents().transformed(plot.axes[0].transData.inverted())
    np.testing.assert_allclose([span.x0, span.x1], [6.5, 8.5])
    with pytest.raises(UsageError, match="belongs to one profile"):
        plot_overview({"a": profile}, recommendation=CHOICE)
