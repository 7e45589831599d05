import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import plot_overlap
from dimscope.profile import Profile


def test_each_overlap_stands_at_the_layer_before_the_step(profile: Profile) -> None:
    frame = plot_overlap(profile).frame()
    np.testing.assert_array_equal(frame["x"][:13], np.arange(13))
    np.testing.assert_array_equal(frame["value"][:13], profile.values("overlap_next")[:13])
    assert np.isnan(frame["value"].iloc[-1])


def test_chance_is_drawn_where_it_is(profile: Profile) -> None:
    plot = plot_overlap(profile)
    dashed = next(line for line in plot.axes[0].lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_ydata(), [0.01, 0.01])
    assert plot.axes[0].get_ylabel() == "shared fraction of 30 neighbours"


def test_a_profile_without_this_overlap_is_refused(profile: Profile) -> None:
    bare = Profile(profile.dataset.drop_vars(["overlap_next", "overlap_next_err", "overlap_next_chance"]))
    with pytest.raises(UsageError, match="this profile holds no overlap_next; it needs at least two layers"):
        plot_overlap(bare)
    with pytest.raises(UsageError, match='the profile "b" holds no overlap_next'):
        plot_overlap({"a": profile, "b": bare})


def test_chance_of_a_comparison_is_one_line_per_run(profile: Profile, make_profile) -> None:
    other = make_profile(6).dataset.copy(deep=True)
    other["overlap_next_chance"].values[:-1] = 0.03
    plot = plot_overlap({"a": profile, "b": Profile(other)})
    dashed = [line for line in plot.axes[0].lines if line.get_linestyle() == "--"]
    assert [sorted(set(line.get_ydata())) for line in dashed] == [[0.01], [0.03]]
    assert all((np.diff(line.get_xdata()) > 0).all() for line in dashed)  # never back to the start


def test_the_axis_says_that_the_step_to_the_next_layer_is_meant(profile: Profile) -> None:
    assert plot_overlap(profile).axes[0].get_xlabel() == "layer (0 = embedding), compared with the next"
    assert plot_overlap({"a": profile}).axes[0].get_xlabel() == "depth (layer / number of blocks)"
