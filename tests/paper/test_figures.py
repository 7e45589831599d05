import numpy as np
import pandas
import pytest

from dimscope.errors import InputError
from dimscope.paper.curves import Curve
from dimscope.paper.figures import draw_figures, frame, write_figures

CURVE = Curve("iGPT-L", "dimension", np.arange(3), np.array([9.0, 20, 10]), np.full(3, 0.1))
OWN = Curve("my-run", "label_overlap", np.arange(3), np.array([0.1, 0.4, 0.2]), np.full(3, np.nan))


def test_files_and_numbers(tmp_path):
    written = write_figures([CURVE, OWN], tmp_path, published=True, k=7)
    names = [f"{name}_id_ov_labels.{ending}" for name in ("igpt", "other") for ending in ("png", "svg", "pdf")]
    assert [path.name for path in written] == ["curves.csv", *names]
    rows = pandas.read_csv(written[0])
    computed = rows[rows["source"] == "computed"]
    assert computed["value"].tolist() == [9, 20, 10, 0.1, 0.4, 0.2]
    assert computed["depth"].tolist() == [0, 0.5, 1] * 2
    assert len(rows[(rows["model"] == "iGPT-L") & (rows["source"] == "published")]) == 50
    assert frame([CURVE])["error"].tolist() == [0.1] * 3


def test_what_stands_in_the_figures():
    plots = draw_figures([CURVE, OWN], published=True, k=7)
    igpt, other = plots["igpt_id_ov_labels"], plots["other_id_ov_labels"]
    assert [text.get_text() for text in igpt.figure.legends[0].get_texts()] == ["iGPT-L"]
    assert [text.get_text() for text in igpt.axes[0].get_legend().get_texts()] == ["published, digitised (±0.3)"]
    assert [axes.get_ylabel() for axes in igpt.axes] == ["intrinsic dimension", "label overlap, k = 7"]
    assert igpt.axes[1].get_xlabel() == "depth: layer / last layer"
    assert [text.get_text() for text in igpt.axes[1].texts] == ["no array of this panel is there"]
    assert igpt.axes[0].get_shared_x_axes().joined(*igpt.axes)
    names = [text.get_text() for text in other.figure.legends[0].get_texts()]
    assert names == ["my-run", "ESM-2 35M", "ESM-2 650M", "ESM-2 3B", "iGPT-L"]
    assert [text.get_text() for text in other.axes[1].get_legend().get_texts()] == ["published, k = 10, digitised (±0.01)"]
    assert len(other.axes[1].lines) == 2  # one's own, and ESM-2 650M as published
    assert list(draw_figures([CURVE])) == ["igpt_id_ov_labels"]


def test_lines_are_the_numbers():
    upper, _ = draw_figures([CURVE], published=True)["igpt_id_ov_labels"].axes
    assert upper.containers[0].lines[0].get_xydata().tolist() == [[0, 9], [0.5, 20], [1, 10]]
    bars = upper.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [[8.9, 9.1], [19.9, 20.1], [9.9, 10.1]])
    dotted = upper.lines[-1]
    assert dotted.get_xydata()[[0, -1]].tolist() == [[0, 11.8], [1, 11.8]]
    band = next(found for found in upper.collections if len(found.get_paths()[0].vertices) > 50).get_paths()[0].vertices
    np.testing.assert_allclose(sorted(band[band[:, 0] == 1][:, 1])[:1] + sorted(band[band[:, 0] == 1][:, 1])[-1:], [11.5, 12.1])


def test_nothing_to_draw(tmp_path):
    with pytest.raises(InputError, match="nothing to draw"):
        write_figures([], tmp_path)
    assert not list(tmp_path.iterdir())
