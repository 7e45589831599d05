import numpy as np
import pandas
import pytest

from dimscope.errors import InputError
from dimscope.paper.curves import Curve
from dimscope.paper.figures import frame, write_figures

CURVE = Curve("iGPT-L", "dimension", np.arange(3), np.arange(3) / 2, np.array([9.0, 20, 10]), np.full(3, 0.1))


def test_files_and_numbers(tmp_path):
    written = write_figures([CURVE], tmp_path, published=True)
    assert [path.name for path in written] == ["curves.csv", "igpt_id_ov_labels.png", "igpt_id_ov_labels.svg"]
    rows = pandas.read_csv(written[0])
    assert rows[rows["source"] == "computed"]["value"].tolist() == [9, 20, 10]
    assert "published" in written[2].read_text(encoding="utf-8") or written[2].stat().st_size > 1000
    assert frame([CURVE])["depth"].tolist() == [0, 0.5, 1]


def test_nothing_to_draw(tmp_path):
    with pytest.raises(InputError, match="nothing to draw"):
        write_figures([], tmp_path)
    assert not list(tmp_path.iterdir())
