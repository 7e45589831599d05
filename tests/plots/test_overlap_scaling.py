import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_overlap_scaling
from dimscope.plots.overlap_scaling import overlap_columns
from dimscope.plots.theme import depth_color
from dimscope.profile import Profile

COUNTS = [1, 5, 30]


def drawn(axes, values) -> list:
    """The lines that show these values without the final norm."""
    expected = np.asarray(values)[:-1]
    return [
        line for line in axes.lines
        if len(line.get_ydata()) == len(expected) and np.array_equal(line.get_ydata(), expected, equal_nan=True)
    ]  # fmt: skip


def test_one_line_per_k_from_blue_to_orange(profile: Profile) -> None:
    plot = plot_overlap_scaling(profile)
    assert [axes.get_title(loc="left") for axes in plot.axes] == ["Overlap with the next layer", "Label overlap"]
    for axes, quantity in zip(plot.axes, ("overlap_next", "label_overlap"), strict=True):
        for place, k in enumerate(COUNTS):
            (line,) = drawn(axes, profile.values(f"{quantity}_k{k}"))
            assert line.get_color() == depth_color(place / 2)
    texts = [text.get_text() for text in plot.figure.legends[0].get_texts()]
    assert texts == ["k = 1", "k = 5", "k = 30", "chance"]


def test_chance_differs_between_k_for_layers_and_not_for_labels(profile: Profile) -> None:
    layers, labels = plot_overlap_scaling(profile).axes
    for place, k in enumerate(COUNTS):
        (line,) = drawn(layers, profile.values(f"overlap_next_k{k}_chance"))
        assert (line.get_color(), line.is_dashed()) == (depth_color(place / 2), True)
    assert len(drawn(labels, profile.values("label_overlap_k1_chance"))) == 1


def test_columns_are_in_the_order_of_k_without_errors_and_chance(profile: Profile) -> None:
    assert list(overlap_columns(profile, "overlap_next")) == COUNTS
    assert overlap_columns(profile, "overlap_next")[5] == "overlap_next_k5"


def test_each_run_has_a_column_and_each_quantity_a_row_of_its_own(profile: Profile, make_profile) -> None:
    plot = plot_overlap_scaling({"a": profile, "bare": make_profile(6, has_labels=False), "c": make_profile(3)}, size="page")
    assert [axes.get_title(loc="left") for axes in plot.axes] == ["a", "bare", "c", "a", "c"]
    places = [axes.get_subplotspec().get_geometry()[:3] for axes in plot.axes]
    assert places == [(2, 3, place) for place in (0, 1, 2, 3, 5)]
    assert [axes.get_ylabel() for axes in plot.axes] == ["overlap with next", "", "", "label overlap", ""]
    assert not plot.figure.axes[4].axison  # where the labels of the run without labels would be


def test_a_profile_without_them_is_refused(profile: Profile, make_profile) -> None:
    bare = profile.without([name for name in profile.quantities if "_k" in name and name.split("_k")[1][:1].isdigit()])
    with pytest.raises(UsageError, match=r"this profile holds no overlap at several k; read them with dimscope\.overlaps_at"):
        plot_overlap_scaling(bare)
    with pytest.raises(UsageError, match='the profile "b" holds no overlap'):
        plot_overlap_scaling({"a": profile, "b": bare})
