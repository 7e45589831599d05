import numpy as np
import pytest

from dimscope.plots import plot_dimension
from dimscope.plots.published import published_rows
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


def test_a_run_of_one_layer_has_no_depth_to_lay_them_at(make_profile) -> None:
    assert not len(published_of(plot_dimension(make_profile(0), show_published=True)))
