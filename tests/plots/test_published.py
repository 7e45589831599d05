import numpy as np
import pytest

from dimscope.plots import plot_dimension, plot_label_overlap, plot_overlap
from dimscope.plots.published import published_rows
from dimscope.plots.theme import PALETTE
from dimscope.profile import Profile

MODELS = ["ESM-2 35M", "ESM-2 650M", "ESM-2 3B", "iGPT-L"]


def published_of(plot):
    return plot.frame()[plot.frame()["site"] == "published"]


def test_published_curves_are_those_of_the_paper() -> None:
    rows = published_rows()
    line = rows[(rows["model"] == "ESM-2 35M") & (rows["quantity"] == "dimension")]
    assert line["value"].tolist()[:4] == [13.3, 16.0, 17.5, 19.4]
    assert line["depth"].tolist()[-1] == 1
    assert (rows[rows["quantity"] == "label_overlap"]["source"] == "published, k = 10").all()


def test_published_dimensions_lie_at_their_depth_on_the_axis_of_layers(profile: Profile) -> None:
    found = published_of(plot_dimension(profile, show_published=True))
    assert list(found["run"].unique()) == MODELS
    rows = published_rows()
    expected = rows[rows["quantity"] == "dimension"]
    np.testing.assert_allclose(found["x"], 12 * expected["depth"])
    np.testing.assert_array_equal(found["value"], expected["value"])
    assert found.groupby("run")["x"].agg(["min", "max"]).to_numpy().tolist() == [[0, 12]] * 4


def test_a_run_of_some_layers_has_depth_one_where_its_last_block_would_be(profile: Profile) -> None:
    found = published_of(plot_dimension(Profile(profile.dataset.isel(layer=slice(0, 7))), show_published=True))
    assert found["x"].max() == pytest.approx(12)


def test_a_comparison_has_them_by_depth(profile: Profile) -> None:
    found = published_of(plot_dimension({"a": profile, "b": profile}, show_published=True))
    np.testing.assert_allclose(found["x"], found["depth"])


def test_they_are_dotted_named_and_inside_the_axes(profile: Profile) -> None:
    plain, plot = plot_dimension(profile), plot_dimension(profile, show_published=True)
    assert not len(published_of(plain))
    assert [text.get_text() for text in plot.figure.legends[0].get_texts()] == [f"{name}, published" for name in MODELS]
    assert plot.axes[0].get_ylim()[1] > 31.9 > plain.axes[0].get_ylim()[1]
    dotted = [line for line in plot.axes[0].lines if line.get_linestyle() != "-" and len(line.get_xdata()) > 10]
    assert len(dotted) == 4


def test_overlaps_with_the_next_layer_stand_at_the_first_of_the_two(profile: Profile) -> None:
    plot = plot_overlap({"a": profile, "b": profile}, show_published=True)
    found = published_of(plot)
    assert found.groupby("run", sort=False).size().to_dict() == {"ESM-2 650M": 33, "ESM-2 35M": 12, "ESM-2 8M": 6}
    small = found[found["run"] == "ESM-2 8M"]
    assert small["value"].tolist() == [0.26, 0.39, 0.31, 0.33, 0.54, 0.42]
    np.testing.assert_allclose(small["x"], np.arange(6) / 6)
    single = published_of(plot_overlap(profile, show_published=True))
    np.testing.assert_allclose(single[single["run"] == "ESM-2 8M"]["x"], 2 * np.arange(6))
    assert not len(published_of(plot_overlap(profile)))


def test_label_overlaps_lie_in_their_own_axes(profile: Profile) -> None:
    first, *others = plot_label_overlap({"a": profile, "b": profile}, size="page", show_published=True).panels
    assert first.rows[first.rows["site"] == "published"]["value"].max() == 0.83
    assert not any((panel.rows["site"] == "published").any() for panel in others)
    plot = plot_label_overlap(profile, show_published=True)
    assert len(published_of(plot)) == 34
    assert "ESM-2 650M, published, k = 10" in [text.get_text() for text in plot.figure.legends[0].get_texts()]


def test_no_run_of_a_comparison_has_the_color_of_a_published_curve(profile: Profile) -> None:
    plot = plot_dimension({"a": profile, "b": profile, "c": profile}, show_published=True)
    dotted = {line.get_color() for line in plot.axes[0].lines if len(line.get_xdata()) > 13 or line.get_linestyle() == ":"}
    assert not dotted & set(PALETTE[:3])


def test_a_model_has_one_color_in_all_plots(profile: Profile) -> None:
    found = {}
    for draw in (plot_dimension, plot_overlap, plot_label_overlap):
        legend = draw({"a": profile, "b": profile}, size="page", show_published=True).figure.legends[0]
        colors = {
            text.get_text().partition(", published")[0]: handle.get_color()
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
            if "published" in text.get_text()
        }
        assert len(set(colors.values())) == len(colors)
        assert all(found.setdefault(model, color) == color for model, color in colors.items())
    assert set(found) == {*MODELS, "ESM-2 8M"}


def test_a_run_of_one_layer_has_no_depth_to_lay_them_at(make_profile) -> None:
    assert not len(published_of(plot_dimension(make_profile(0), show_published=True)))
