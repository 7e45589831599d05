import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest

from dimscope.errors import UsageError
from dimscope.plots import PLOTS, plot_dimension
from dimscope.plots.base import LEAST_WIDTH, as_runs, grid_shape, layer_positions, title_length
from dimscope.plots.theme import SIZES
from dimscope.profile import Profile

NAMES = list(PLOTS)
HOSTILE = {"a$b_{x}$^2 <&>": 12, "_hidden" + "y" * 200: 6, "\N{GRINNING FACE} \u05d0\u05d1": 3, "$": 2}


@pytest.mark.parametrize("name", NAMES)
class TestEveryPlot:
    def test_has_a_summary_and_says_what_it_needs(self, name: str, profile: Profile) -> None:
        kind = PLOTS.load(name)
        assert kind.summary
        assert kind.is_drawable(profile)
        assert kind.function.__name__ == f"plot_{name}"

    def test_draws_one_layer(self, name: str, make_profile) -> None:
        plot = PLOTS.load(name)(make_profile(0))
        assert set(plot.frame()["name"]) == {"final_norm_00"}
        assert plot.svg().startswith("<?xml")

    def test_frame_holds_the_values_of_the_profile(self, name: str, profile: Profile) -> None:
        frame = PLOTS.load(name)(profile).frame()
        rows = {layer.name: place for place, layer in enumerate(profile.layers)}
        assert len(frame) == len(profile.layers) * frame["quantity"].nunique()
        for line in frame.itertuples():
            expected = profile.values(line.quantity)[rows[line.name]]
            np.testing.assert_equal(line.value, expected)
            if profile.has(f"{line.quantity}_err"):
                np.testing.assert_equal(line.error, profile.values(f"{line.quantity}_err")[rows[line.name]])
            if profile.has(f"{line.quantity}_chance"):
                np.testing.assert_equal(line.chance, profile.values(f"{line.quantity}_chance")[rows[line.name]])

    def test_draws_gaps(self, name: str, profile_with_gaps: Profile) -> None:
        plot = PLOTS.load(name)(profile_with_gaps)
        assert plot.frame()["value"].isna().any()
        assert "nan" not in plot.svg().lower().replace("dominant", "")

    def test_compares_a_dict_against_depth_and_shows_any_name(self, name: str, make_profile) -> None:
        plot = PLOTS.load(name)({run: make_profile(n) for run, n in HOSTILE.items()}, size="page")
        frame = plot.frame()
        assert set(frame["run"]) == set(HOSTILE)
        if name != "scale":  # its x is the rank
            assert (frame["x"] == frame["depth"]).all()
        assert "a$b_{x}$^2 &lt;&amp;&gt;" in plot.svg(has_text=True)

    def test_draws_a_hundred_layers(self, name: str, make_profile) -> None:
        assert PLOTS.load(name)(make_profile(100)).frame()["name"].nunique() == 102

    def test_same_profile_same_drawing(self, name: str, profile: Profile) -> None:
        kind = PLOTS.load(name)
        first = kind(profile).svg()
        assert first == kind(profile).svg()
        assert first.startswith("<?xml")

    def test_an_unknown_size_is_refused(self, name: str, profile: Profile) -> None:
        with pytest.raises(UsageError, match="unknown size"):
            PLOTS.load(name)(profile, size="huge")


def test_same_profile_same_bytes_in_every_format(profile: Profile, tmp_path: Path) -> None:
    for ending, begin in ((".svg", b"<?xm"), (".pdf", b"%PDF"), (".png", b"\x89PNG")):
        first = plot_dimension(profile).save(tmp_path / f"a{ending}").read_bytes()
        assert first == plot_dimension(profile).save(tmp_path / f"b{ending}").read_bytes()
        assert first.startswith(begin)


def test_the_frame_is_a_copy(profile: Profile) -> None:
    plot = plot_dimension(profile)
    mine = plot.frame()
    mine["value"] = 0.0
    assert plot.frame()["value"].min() > 0


def test_an_unknown_ending_is_refused_and_leaves_nothing(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'unknown ending of a figure ".svgg".*\.svg'):
        plot_dimension(profile).save(tmp_path / "a.svgg")
    assert list(tmp_path.iterdir()) == []


def test_a_notebook_gets_a_png(profile: Profile) -> None:
    assert plot_dimension(profile)._repr_png_().startswith(b"\x89PNG")


def test_only_profiles_are_drawn(profile: Profile) -> None:
    with pytest.raises(UsageError, match="empty dict"):
        as_runs({})
    with pytest.raises(UsageError, match='"a" is of type int'):
        as_runs({"a": 1})  # type: ignore[dict-item]
    with pytest.raises(UsageError, match="found list"):
        as_runs([profile])  # type: ignore[arg-type]


def test_the_final_norm_stands_apart_from_the_last_block(make_profile) -> None:
    assert layer_positions(make_profile(4), by_depth=False).tolist() == [0, 1, 2, 3, 4, 5]
    assert layer_positions(make_profile(96), by_depth=False)[-2:].tolist() == [96, 100]
    assert layer_positions(make_profile(4), by_depth=True).tolist() == [0, 0.25, 0.5, 0.75, 1, 1]


def test_the_folder_loads_no_matplotlib_and_drawing_no_pyplot(profile: Profile) -> None:
    code = "import sys, dimscope.plots; sys.exit('matplotlib' in sys.modules or 'pandas' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
    code = (
        "import sys; import numpy as np; from dimscope.profile import Layer, Profile;"
        "from dimscope.plots import plot_dimension;"
        "p = Profile.from_columns([Layer('a', 'array', 0, 0.0)], {'dimension': [1.0]}, np.ones((1, 2)), {});"
        "plot_dimension(p).svg(); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_order_needs_several_runs(profile: Profile) -> None:
    with pytest.raises(UsageError, match="an order was asked for, but one profile was given"):
        plot_dimension(profile, ordered=True)


@pytest.mark.parametrize("size", list(SIZES))
def test_many_axes_are_spread_over_full_rows_of_enough_width(size: str) -> None:
    for count in range(1, 40):
        rows, columns = grid_shape(count, size)
        assert rows * columns >= count > (rows - 1) * columns
        assert rows * columns - count < rows
        assert columns == 1 or SIZES[size].width / columns >= LEAST_WIDTH
        assert title_length(size, columns) >= 8


def test_needs_with_a_star_stand_for_any_number(profile: Profile) -> None:
    assert PLOTS.load("scale").present(profile) == [f"gride_{2**step}" for step in range(1, 7)]
    assert not PLOTS.load("scale").is_drawable(profile.without([f"gride_{2**step}" for step in range(1, 7)]))
    assert PLOTS.load("overlap").present(profile) == ["overlap_next"]
    assert profile.numbered("gride_") == {2**step: f"gride_{2**step}" for step in range(1, 7)}
    assert profile.numbered("overlap_next") == {}
