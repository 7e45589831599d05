from itertools import pairwise

import numpy as np
import pytest

from dimscope.plots import plot_dimension, plot_label_overlap, plot_overlap, plot_overview, plot_spectrum
from dimscope.plots.lines import layer_ticks
from dimscope.plots.theme import MUTED, depth_color, run_style
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


def with_controls(profile: Profile) -> Profile:
    ones = np.ones(len(profile.layers))
    return profile.with_columns(
        {
            "dimension_untrained": 30 * ones,
            "dimension_untrained_err": ones,
            "dimension_gaussian": 40 * ones,
            "overlap_next_untrained": np.append(0.9 * ones[1:], np.nan),
            "label_overlap_permuted": 0.07 * ones,
        }
    )


@pytest.mark.parametrize(
    ("plot", "words", "quantities"),
    [
        (plot_dimension, ["fresh weights", "normal points"], ["dimension_untrained", "dimension_gaussian"]),
        (plot_overlap, ["fresh weights"], ["overlap_next_untrained"]),
        (plot_label_overlap, ["permuted labels"], ["label_overlap_permuted"]),
        (
            plot_overview,
            ["fresh weights", "normal points", "permuted labels"],
            ["dimension_untrained", "dimension_gaussian", "overlap_next_untrained", "label_overlap_permuted"],
        ),
    ],
)
def test_controls_are_dashed_grey_lines_of_the_same_numbers(profile: Profile, plot, words, quantities) -> None:
    controlled = with_controls(profile)
    made = plot(controlled)
    legend = [text.get_text() for text in made.figure.legends[0].get_texts()]
    assert [text for text in legend if text in words] == words
    frame = made.frame()
    assert [
        name for name in frame["quantity"].unique() if name in controlled.quantities and name not in profile.quantities
    ] == quantities
    for name in quantities:
        drawn = frame[frame["quantity"] == name]
        expected = controlled.values(name)[:-1]  # without the final norm
        np.testing.assert_array_equal(drawn["value"], expected)
        (line,) = [
            line for axes in made.axes for line in axes.lines
            if len(line.get_ydata()) == len(expected) and np.array_equal(line.get_ydata(), expected, equal_nan=True)
        ]  # fmt: skip
        assert line.get_color() == MUTED
        assert line.is_dashed()


def test_a_comparison_draws_no_controls(profile: Profile) -> None:
    frame = plot_dimension({"a": with_controls(profile), "b": profile}).frame()
    assert set(frame["quantity"]) == {"dimension"}


def test_steps_of_an_order_go_from_blue_to_orange(make_profile) -> None:
    steps = {f"step {place}": make_profile(4 + place, has_norm=False) for place in range(5)}
    for plot in (plot_dimension, plot_overlap, plot_label_overlap, plot_overview, plot_spectrum):
        made = plot(steps, ordered=True)
        colors = [handle.get_color() for handle in made.figure.legends[0].legend_handles[:5]]
        assert colors == [depth_color(place / 4) for place in range(5)]
        for place, profile in enumerate(steps.values()):
            assert any(
                line.get_color() == colors[place] and len(line.get_xdata()) == len(profile.layers)
                for line in made.axes[0].lines
            )


def test_a_long_order_names_its_ends_and_steps_between(make_profile) -> None:
    steps = {f"step {place}": make_profile(2, has_norm=False) for place in range(30)}
    texts = [text.get_text() for text in plot_dimension(steps, ordered=True).figure.legends[0].get_texts()]
    assert (texts[0], texts[-1], len(texts)) == ("step 0", "step 29", 12)
    assert len(plot_dimension(steps).figure.legends[0].get_texts()) == 30


def test_chance_that_differs_has_the_color_of_its_run(profile: Profile, make_profile) -> None:
    other = make_profile(6)
    other = other.with_columns({"overlap_next_chance": np.full(len(other.layers), 0.3)})
    axes = plot_overlap({"a": profile, "b": other}).axes[0]
    dashed = [line for line in axes.lines if line.is_dashed() and np.ptp(line.get_ydata()) == 0]
    assert {(line.get_ydata()[0], line.get_color()) for line in dashed} == {
        (0.01, run_style(0)["color"]),
        (0.3, run_style(1)["color"]),
    }
    same = plot_overlap({"a": profile, "b": make_profile(6)}).axes[0]
    assert [line.get_color() for line in same.lines if line.is_dashed()] == [MUTED]
