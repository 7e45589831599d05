"""The folder of a comparison: every file, and every number in it."""

import numpy as np
import pandas
import pytest

from dimscope import overlap
from dimscope.comparison import Wanted, compare, drawn_kinds, open_runs, overlaps_at
from dimscope.comparison.write import profiles_for
from dimscope.errors import UsageError
from dimscope.plots import PLOTS
from dimscope.plots.theme import depth_color
from dimscope.progress import Silent


class Heard(Silent):
    """Keeps what was said."""

    def __init__(self):
        self.texts = []

    def message(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def three(runs):
    return open_runs([f"A & B={runs / 'a'}", str(runs / "b"), f"<script>={runs / 'bare'}"])


@pytest.fixture(scope="module")
def written(three, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "c"
    compare(three, out, Wanted(size="column"))
    return out


def test_every_figure_is_there_in_three_forms(three, written):
    names = {path.stem for path in (written / "figures").iterdir()}
    assert set(drawn_kinds(three)) <= names
    assert {name for name in names if name.startswith("map-")} == {"map-1-A-B-b", "map-2-A-B-script", "map-3-b-script"}
    for name in names:
        assert {path.suffix for path in (written / "figures").glob(f"{name}.*")} == {".svg", ".pdf", ".png"}


def test_published_curves_are_drawn_on_request(runs, written, tmp_path):
    compare(
        open_runs([str(runs / "a"), str(runs / "b")]),
        tmp_path / "c",
        Wanted(with_maps=False, with_scaling=False, published=True),
    )
    numbers = pandas.read_csv(tmp_path / "c" / "numbers.csv")
    known = numbers[numbers["site"] == "published"].groupby("figure")["run"].nunique()
    assert known.to_dict() == {"dimension": 4, "label_overlap": 1, "overlap": 3}
    assert (tmp_path / "c" / "comparison.html").read_text("utf-8").count("Dotted: published curves (arXiv 2302.00294)") == 3
    assert not (pandas.read_csv(written / "numbers.csv")["site"] == "published").any()


def test_numbers_are_those_of_the_profiles(three, written):
    numbers = pandas.read_csv(written / "numbers.csv")
    for run in three:
        part = numbers[(numbers["figure"] == "dimension") & (numbers["run"] == run.name)]
        np.testing.assert_allclose(part["value"], run.profile.values("dimension"), rtol=1e-12)
        np.testing.assert_allclose(part["x"], [layer.depth for layer in run.profile.layers])
    labels = numbers[numbers["quantity"] == "label_overlap"]
    assert set(labels["run"]) == {"A & B", "b"}


def test_overlaps_at_several_k_are_drawn_for_every_run(runs, three, written):
    numbers = pandas.read_csv(written / "numbers.csv")
    part = numbers[numbers["figure"] == "overlap_scaling"]
    assert set(part["run"]) == {"A & B", "b", "<script>"}
    expected = overlaps_at(runs / "a")
    for k in (1, 2, 5, 10, 20):
        chosen = part[(part["run"] == "A & B") & (part["quantity"] == f"overlap_next_k{k}")]
        np.testing.assert_allclose(chosen["value"], expected.values(f"overlap_next_k{k}")[:-1], rtol=1e-12)
    assert not three[0].profile.has("overlap_next_k5")  # the run itself is as it was


def test_an_order_colors_steps_and_compares_neighbors_in_it(runs, tmp_path):
    import shutil

    steps = [shutil.copytree(runs / "b", tmp_path / f"step{place}") for place in range(3)]
    compare(open_runs([str(step) for step in steps]), tmp_path / "c", Wanted(ordered=True, with_scaling=False))
    page = (tmp_path / "c" / "comparison.html").read_text("utf-8")
    assert all(depth_color(place / 2) in page for place in range(3))
    maps = {path.stem for path in (tmp_path / "c" / "figures").glob("map-*.svg")}
    assert maps == {"map-1-step0-step1", "map-2-step1-step2", "map-3-step0-step2"}


def test_a_run_without_tables_is_drawn_without_several_k(runs, tmp_path):
    import shutil

    bare = shutil.copytree(runs / "b", tmp_path / "bare")
    shutil.rmtree(bare / "neighbors")
    told = Heard()
    compare(open_runs([str(runs / "a"), str(bare)]), tmp_path / "c", progress=told)
    assert any("no overlaps of bare at several k: " in text and "has no neighbour tables" in text for text in told.texts)
    numbers = pandas.read_csv(tmp_path / "c" / "numbers.csv")
    assert set(numbers[numbers["figure"] == "overlap_scaling"]["run"]) == {"a"}


def test_arrays_are_matched_by_row_and_that_is_said(three, tmp_path):
    found = compare(three, tmp_path / "c", Wanted(with_scaling=False))
    assert "Map of A & B and b: The 120 rows were matched by their number alone" in found.cautions[-3]
    assert list(pandas.read_csv(tmp_path / "c" / "settings.csv").columns) == ["run", "data", "labels"]


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
    profiles = profiles_for(PLOTS.load("label_overlap"), three)
    assert list(profiles) == ["A & B", "b", "<script>"]
    assert np.isnan(profiles["<script>"].values("label_overlap")).all()


def test_other_examples_have_no_map_but_a_reason(runs, tmp_path):
    import shutil

    other = shutil.copytree(runs / "b", tmp_path / "other")
    table = pandas.read_parquet(other / "points.parquet")
    table["id"] = "x" + table["id"].astype(str)
    table.to_parquet(other / "points.parquet", index=False)
    compare(open_runs([str(runs / "a"), str(other)]), tmp_path / "c", Wanted(with_scaling=False))
    text = (tmp_path / "c" / "comparison.html").read_text("utf-8")
    assert "<bdi>a</bdi> and <bdi>other</bdi>: the two sides have no item in common" in text
    assert not (tmp_path / "c" / "maps.csv").exists()


def test_only_an_earlier_comparison_is_replaced(runs, written, tmp_path):
    two = open_runs([str(runs / "a"), str(runs / "b")])
    compare(two, tmp_path / "again", Wanted(with_scaling=False))
    assert list((tmp_path / "again" / "figures").glob("map-*"))
    (tmp_path / "again" / "figures" / "mine.svg").write_text("x", encoding="utf-8")
    compare(two, tmp_path / "again", Wanted(with_maps=False, with_scaling=False))
    assert not list((tmp_path / "again" / "figures").glob("map-*"))
    assert not (tmp_path / "again" / "maps.csv").exists()
    assert (tmp_path / "again" / "figures" / "mine.svg").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="mine exists and holds no comparison; choose another folder with -o"):
        compare(two, tmp_path / "mine")
