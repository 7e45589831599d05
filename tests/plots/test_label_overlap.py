import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import PLOTS, plot_label_overlap
from dimscope.profile import Profile


def test_a_profile_without_labels_is_refused(make_profile) -> None:
    bare = make_profile(has_labels=False)
    assert not PLOTS.load("label_overlap").is_drawable(bare)
    with pytest.raises(UsageError, match=r"measured without labels; name their column with --label"):
        plot_label_overlap(bare)


def test_each_quantity_has_its_own_chance_line(profile: Profile) -> None:
    plot = plot_label_overlap(profile)
    dashed = [line for line in plot.axes[0].lines if len(line.get_xdata()) == 2]
    assert [line.get_ydata()[0] for line in dashed] == pytest.approx([0.074, 0.066, 0.1])
    solid = [line for line in plot.axes[0].lines if len(line.get_xdata()) == 13]
    assert [line.get_color() for line in dashed] == [line.get_color() for line in solid]


def test_a_comparison_has_one_panel_per_quantity(profile: Profile, make_profile) -> None:
    plot = plot_label_overlap({"a": profile, "b": make_profile(6)}, size="page")
    assert [axes.get_title(loc="left") for axes in plot.axes] == ["label overlap", "label overlap, balanced", "kNN accuracy"]
    for panel, name in zip(plot.panels, ("label_overlap", "label_overlap_balanced", "knn_accuracy"), strict=True):
        chosen = panel.rows[panel.rows["run"] == "a"]
        np.testing.assert_array_equal(chosen["value"], profile.values(name))


def test_titles_of_narrow_axes_have_two_lines_and_stay_inside(profile: Profile) -> None:
    plot = plot_label_overlap({"a": profile, "b": profile}, size="column")
    assert plot.axes[1].get_title(loc="left") == "label overlap,\nbalanced"
    plot.figure.draw_without_rendering()
    width = plot.figure.bbox.width
    assert all(axes._left_title.get_window_extent().x1 <= width for axes in plot.axes[:3])
