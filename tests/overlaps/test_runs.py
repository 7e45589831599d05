"""Overlap of two run folders: ids, order, widths."""

import numpy as np
import pytest

from dimscope import overlap, run_overlap
from dimscope.config import config_from
from dimscope.errors import InputError, StoreError
from dimscope.pipeline.given import measure_arrays


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    base = rng.standard_normal((120, 4))
    made = {}
    for name, widths in (("a", (6, 9)), ("b", (3, 20, 5))):
        points = [base @ rng.standard_normal((4, d)) + 0.2 * rng.standard_normal((120, d)) for d in widths]
        np.savez(folder / f"{name}.npz", **{f"layer_{i}": layer for i, layer in enumerate(points)})
        config = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 0}})
        measure_arrays(folder / f"{name}.npz", config, folder / name, with_report=False)
        made[name] = points
    return folder, made


def test_cells_are_the_overlaps_of_the_arrays(runs):
    folder, made = runs
    found = run_overlap(folder / "a", folder / "b", k=10)
    assert found.layers_a == ("array_00", "array_01")
    assert found.layers_b == ("array_00", "array_01", "array_02")
    assert found.n_items == 120
    for i, a in enumerate(made["a"]):
        for j, b in enumerate(made["b"]):
            assert found.matrix.values[i, j] == pytest.approx(overlap(a, b, 10).value, rel=1e-12)


def rewrite(run, target, change):
    import shutil

    import pandas

    shutil.copytree(run, target)
    table = pandas.read_parquet(target / "points.parquet")
    change(table)
    table.to_parquet(target / "points.parquet", index=False)
    return target


def test_other_ids_texts_and_repeats_are_refused(runs, tmp_path):
    folder, _ = runs

    def rename(table):
        table["id"] = "x" + table["id"].astype(str)

    def repeat(table):
        table["id"] = "same"

    with pytest.raises(InputError, match="no item in common"):
        run_overlap(folder / "a", rewrite(folder / "b", tmp_path / "renamed", rename), k=10)
    with pytest.raises(InputError, match="119 ids"):
        run_overlap(folder / "a", rewrite(folder / "b", tmp_path / "repeated", repeat), k=10)


def test_other_texts_under_the_same_id_are_refused(runs, tmp_path):
    folder, _ = runs

    def write(text):
        def change(table):
            table["text"] = [f"{text} {row}" if row == 7 else f"t {row}" for row in range(len(table))]

        return change

    one = rewrite(folder / "a", tmp_path / "one", write("a"))
    other = rewrite(folder / "b", tmp_path / "other", write("b"))
    with pytest.raises(InputError, match="1 ids stand for different texts"):
        run_overlap(one, other, k=10)


def test_a_folder_without_tables_is_refused(runs, tmp_path):
    import shutil

    folder, _ = runs
    shutil.copytree(folder / "b", tmp_path / "bare")
    shutil.rmtree(tmp_path / "bare" / "neighbors")
    with pytest.raises(StoreError, match="no neighbour tables"):
        run_overlap(folder / "a", tmp_path / "bare", k=10)
    with pytest.raises(StoreError, match="not a run folder"):
        run_overlap(folder / "a", tmp_path / "nothing", k=10)


def test_rows_that_only_a_number_matches_are_said_to_be(runs, tmp_path):
    folder, _ = runs
    assert run_overlap(folder / "a", folder / "b", k=10).caution == (
        "The 120 rows were matched by their number alone, nothing else shows that they are the same."
    )

    def label(shift):
        def change(table):
            table["label"] = ["xyz"[(row + (row < shift)) % 3] for row in range(len(table))]

        return change

    one = rewrite(folder / "a", tmp_path / "one", label(0))
    assert "; their labels agree." in run_overlap(one, rewrite(folder / "b", tmp_path / "same", label(0)), k=10).caution
    other = rewrite(folder / "b", tmp_path / "other", label(7))
    assert "; their labels differ in 7." in run_overlap(one, other, k=10).caution


def test_ids_and_texts_of_their_own_need_no_caution(runs, tmp_path):
    folder, _ = runs

    def name(table):
        table["id"] = [f"p{row}" for row in range(len(table))]

    def write(table):
        table["text"] = [f"t {row}" for row in range(len(table))]

    for place, change in (("named", name), ("written", write)):
        one, other = (rewrite(folder / run, tmp_path / f"{place}-{run}", change) for run in "ab")
        assert run_overlap(one, other, k=10).caution == ""


def test_the_same_data_file_needs_no_caution_and_other_rows_are_refused(runs, tmp_path):
    folder, _ = runs
    same = rewrite(folder / "a", tmp_path / "same", lambda table: None)
    assert run_overlap(folder / "a", same, k=10).caution == ""

    def renumber(table):
        table["id"] = [str(row + 1) for row in range(len(table))]

    with pytest.raises(InputError, match="no ids or texts that could be matched; an overlap needs the same examples"):
        run_overlap(folder / "a", rewrite(folder / "b", tmp_path / "shifted", renumber), k=10)
