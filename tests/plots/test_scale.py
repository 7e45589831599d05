import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_scale
from dimscope.plots.scale import scale_columns
from dimscope.plots.theme import depth_color
from dimscope.profile import Profile

RANKS = [2, 4, 8, 16, 32, 64]


def test_one_line_per_layer_against_the_rank(profile: Profile) -> None:
    plot = plot_scale(profile)
    assert len(plot.axes[0].lines) == 14
    for row, (line, layer) in enumerate(zip(plot.axes[0].lines, profile.layers, strict=True)):
        np.testing.assert_array_equal(line.get_xdata(), RANKS)
        np.testing.assert_array_equal(line.get_ydata(), [profile.values(f"gride_{rank}")[row] for rank in RANKS])
        assert line.get_color() == depth_color(layer.depth)


def test_columns_are_in_the_order_of_ranks_without_their_errors(profile: Profile) -> None:
    assert list(scale_columns(profile)) == RANKS


def test_runs_share_the_height_of_their_axes(profile: Profile, make_profile) -> None:
    plot = plot_scale({"a": profile, "b": make_profile(4, curve="monotone")}, size="page")
    assert len({axes.get_ylim() for axes in plot.axes}) == 1


def test_a_profile_without_scales_is_refused(profile: Profile) -> None:
    bare = Profile(profile.dataset.drop_vars([name for name in profile.quantities if name.startswith("gride")]))
    with pytest.raises(UsageError, match="holds no dimension at several scales; measure it with --estimator gride"):
        plot_scale(bare)


def test_one_layer_needs_no_bar_of_depths(profile: Profile, make_profile) -> None:
    assert len(plot_scale(make_profile(0)).figure.axes) == 1
    assert [axes.get_ylabel() for axes in plot_scale(profile).figure.axes] == ["intrinsic dimension", "depth"]


def test_bands_are_one_standard_error_and_left_out_where_they_would_cover_each_other(profile: Profile, make_profile) -> None:
    bands = plot_scale(profile).axes[0].collections
    assert len(bands) == 14
    corners = bands[3].get_paths()[0].vertices
    at_four = corners[corners[:, 0] == 4][:, 1]
    value, error = profile.values("gride_4")[3], profile.values("gride_4_err")[3]
    np.testing.assert_allclose(sorted(set(at_four)), [value - error, value + error])
    assert len(plot_scale(make_profile(20)).axes[0].collections) == 0


def test_many_runs_stand_in_rows_and_no_axes_collapse(make_profile) -> None:
    runs = {f"a run with a long name {place}": make_profile(3) for place in range(7)}
    plot = plot_scale(runs, size="column")
    plot.svg()  # places the axes; a warning would be an error
    assert all(axes.get_position().width > 0.25 for axes in plot.axes)
    assert len({axes.get_position().y0 for axes in plot.axes}) == 4
    assert all(len(axes.get_title(loc="left")) <= 20 for axes in plot.axes)
    assert not plot.figure.axes[7].axison
