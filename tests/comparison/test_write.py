"""The folder of a comparison: every file, and every number in it."""

import numpy as np
import pandas
import pytest

from dimscope import overlap
from dimscope.comparison import compare, drawn_kinds, open_runs
from dimscope.comparison.write import profiles_for
from dimscope.errors import UsageError
from dimscope.plots import PLOTS


@pytest.fixture(scope="module")
def three(runs):
    return open_runs([f"A & B={runs / 'a'}", str(runs / "b"), f"<script>={runs / 'bare'}"])


@pytest.fixture(scope="module")
def written(three, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "c"
    compare(three, out, size="column")
    return out


def test_every_figure_is_there_in_three_forms(three, written):
    names = {path.stem for path in (written / "figures").iterdir()}
    assert set(drawn_kinds(three)) <= names
    assert {name for name in names if name.startswith("map-")} == {"map-1-A-B-b", "map-2-A-B-script", "map-3-b-script"}
    for name in names:
        assert {path.suffix for path in (written / "figures").glob(f"{name}.*")} == {".svg", ".pdf", ".png"}


def test_numbers_are_those_of_the_profiles(three, written):
    numbers = pandas.read_csv(written / "numbers.csv")
    for run in three:
        part = numbers[(numbers["figure"] == "dimension") & (numbers["run"] == run.name)]
        np.testing.assert_allclose(part["value"], run.profile.values("dimension"), rtol=1e-12)
        np.testing.assert_allclose(part["x"], [layer.depth for layer in run.profile.layers])
    labels = numbers[numbers["quantity"] == "label_overlap"]
    assert set(labels["run"]) == {"A & B", "b"}


def test_maps_are_the_overlaps_of_the_arrays(runs, written):
    maps = pandas.read_csv(written / "maps.csv")
    part = maps[(maps["run"] == "A & B") & (maps["other_run"] == "b")]
    a, b = (list(np.load(runs / f"{name}.npz").values()) for name in "ab")
    assert len(part) == len(a) * len(b)
    for row in part.itertuples():
        expected = overlap(a[int(row.name[-2:])], b[int(row.other_name[-2:])], 10)
        assert row.value == pytest.approx(expected.value, rel=1e-9)
        assert row.chance == pytest.approx(expected.chance, rel=1e-9)


def test_a_run_without_labels_keeps_its_color(three):
    profiles = profiles_for("label_overlap", PLOTS.load("label_overlap"), three)
    assert list(profiles) == ["A & B", "b", "<script>"]
    assert np.isnan(profiles["<script>"].values("label_overlap")).all()


def test_other_examples_have_no_map_but_a_reason(runs, tmp_path):
    import shutil

    other = shutil.copytree(runs / "b", tmp_path / "other")
    table = pandas.read_parquet(other / "points.parquet")
    table["id"] = "x" + table["id"].astype(str)
    table.to_parquet(other / "points.parquet", index=False)
    compare(open_runs([str(runs / "a"), str(other)]), tmp_path / "c")
    assert "No map: the two sides have no item in common" in (tmp_path / "c" / "comparison.html").read_text("utf-8")
    assert not (tmp_path / "c" / "maps.csv").exists()


def test_only_an_earlier_comparison_is_replaced(runs, written, tmp_path):
    two = open_runs([str(runs / "a"), str(runs / "b")])
    compare(two, tmp_path / "again", with_maps=False)
    compare(two, tmp_path / "again", with_maps=False)
    assert not list((tmp_path / "again" / "figures").glob("map-*"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="mine exists and holds no comparison; choose another folder with -o"):
        compare(two, tmp_path / "mine")
