from itertools import pairwise

import pytest

from dimscope.plots import plot_dimension, plot_overlap
from dimscope.plots.lines import layer_ticks
from dimscope.profile import Profile


def tick_labels(axes) -> list[str]:
    return [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.parametrize("high", [1, 6, 12, 24, 33, 48, 80, 126, 1000])
def test_ticks_are_round_and_few(high: int) -> None:
    found = layer_ticks(range(high + 1), "column")
    assert found[0] == 0
    assert 2 <= len(found) <= 8
    assert len({b - a for a, b in pairwise(found)}) == 1


def test_one_profile_counts_layers_and_names_the_norm(profile: Profile) -> None:
    (axes,) = plot_dimension(profile, size="screen").axes
    assert tick_labels(axes) == [*map(str, range(13)), "norm"]
    assert axes.get_xlabel() == "layer (0 = embedding)"


def test_no_label_runs_into_that_of_the_norm(make_profile) -> None:
    (axes,) = plot_dimension(make_profile(49)).axes
    assert tick_labels(axes)[-1] == "norm"
    assert "49" not in tick_labels(axes)


def test_the_norm_is_not_joined_to_the_line(profile: Profile) -> None:
    (axes,) = plot_dimension(profile).axes
    long = [line for line in axes.lines if len(line.get_xdata()) > 1]
    assert [len(line.get_xdata()) for line in long] == [13]
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert diamonds[0].get_xdata()[0] == 13
    assert diamonds[0].get_ydata()[0] == profile.values("dimension")[-1]


def test_a_comparison_names_runs_once_and_explains_marks(profile: Profile, make_profile) -> None:
    plot = plot_overlap({"first": profile, "_second": make_profile(6)})
    texts = [text.get_text() for text in plot.figure.legends[0].get_texts()]
    assert texts == ["first", "_second", "chance", "final norm"]
    colors = [handle.get_color() for handle in plot.figure.legends[0].legend_handles[:2]]
    drawn = {line.get_color() for line in plot.axes[0].lines if len(line.get_xdata()) in (7, 13)}
    assert set(colors) == drawn


def test_one_profile_needs_no_legend(profile: Profile) -> None:
    assert plot_dimension(profile).figure.legends == []
