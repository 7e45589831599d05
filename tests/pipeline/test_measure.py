"""The second stage: tables, profile, resuming and the refusals of a folder that cannot be measured."""

import csv
import json
from dataclasses import replace

import numpy as np
import pandas
import pytest
from scipy.spatial.distance import cdist

import dimscope
from dimscope.config import config_from
from dimscope.errors import InputError, StoreError
from dimscope.pipeline import layers as measures
from dimscope.pipeline import measure as module
from dimscope.pipeline import searching
from dimscope.pipeline.extract import extract
from dimscope.pipeline.measure import environment, measure
from dimscope.profile import Profile
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from dimscope.store.tables import read_table


@pytest.fixture
def folder(small, bert, tmp_path):
    """A run folder of 60 texts that was extracted and not measured."""
    made = RunFolder(tmp_path / "run")
    extract(small(bert, {"group": "group"}), made, Silent())
    return made


@pytest.fixture
def config(small, bert):
    return small(bert, {"group": "group"})


def with_measure(config, **options):
    return config_from({"measure": options}, config)


def distinct(folder, layer):
    points = np.load(folder.states / f"{layer}.npy").astype(float)
    rows = np.sort(np.unique(points, axis=0, return_index=True)[1])
    return rows, points[rows]


def test_tables_are_the_nearest_distinct_examples(folder, config):
    profile = measure(config, folder, Silent())
    for layer in profile.layers:
        rows, points = distinct(folder, layer.name)
        distances = cdist(points, points)
        np.fill_diagonal(distances, np.inf)
        order = np.argsort(distances, axis=1, kind="stable")[:, :20]
        table = read_table(folder.table_of(layer.name))
        np.testing.assert_array_equal(table.duplicates.rows, rows)
        np.testing.assert_allclose(table.distances, np.take_along_axis(distances, order, axis=1), rtol=1e-9)
        assert (table.indices == order).mean() > 0.999


def test_the_profile_is_stored_as_table_and_data_set(folder, config):
    profile = measure(config, folder, Silent())
    with folder.table.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0])[:4] == ["layer", "site", "depth", "name"]
    assert [row["name"] for row in rows] == ["embed_00", "block_01", "block_02", "block_03"]
    assert [row["n"] for row in rows] == ["60"] * 4
    loaded = Profile.load(folder.profile)
    for name in profile.quantities:
        np.testing.assert_array_equal(loaded.values(name), profile.values(name))
        cells = [float(row[name] or "nan") for row in rows]
        np.testing.assert_array_equal(cells, profile.values(name))
    assert loaded.provenance == profile.provenance
    assert loaded.dataset["dimension_replicates"].shape == (4, 10)


def test_columns_that_the_contract_names(folder, config):
    measure(config, folder, Silent())
    columns = set(pandas.read_csv(folder.table).columns)
    assert columns >= {
        "layer", "site", "depth", "n", "n_unique", "twonn", "twonn_err", "gride_2", "gride_2_err", "gride_4", "gride_16",
        "dimension", "dimension_err", "dimension_scale", "overlap_next", "label_overlap", "label_overlap_balanced",
        "knn_accuracy", "effective_rank", "participation_ratio", "anisotropy", "r1_median",
    }  # fmt: skip


def test_without_labels_there_are_no_label_columns(small, bert, texts, tmp_path):
    made = RunFolder(tmp_path / "bare")
    config = config_from({"data": {"path": str(texts), "text": "text"}, "measure": {"k": 20, "overlap_k": 10}})
    config = replace(config, model=replace(config.model, name=str(bert)))
    extract(config, made, Silent())
    profile = measure(config, made, Silent())
    assert not [name for name in profile.quantities if "label" in name or "accuracy" in name]
    assert profile.provenance["data"]["n_labels"] == 0


def test_a_second_call_measures_nothing(folder, config, monkeypatch):
    first = measure(config, folder, Silent())
    monkeypatch.setattr(module, "measured", lambda *_: pytest.fail("measured"))
    again = measure(config, folder, Silent())
    np.testing.assert_array_equal(again.values("dimension"), first.values("dimension"))


def count_searches(monkeypatch):
    searched = []
    original = searching.search_distinct

    def spy(points, k, duplicates, **options):
        searched.append(k)
        return original(points, k, duplicates, **options)

    monkeypatch.setattr(searching, "search_distinct", spy)
    return searched


def test_only_what_the_changed_options_touch_is_computed(folder, config, monkeypatch):
    searched = count_searches(monkeypatch)
    measure(config, folder, Silent())
    assert searched == [20] * 4
    profile = measure(with_measure(config, overlap_k=5, estimators=("mle",)), folder, Silent())
    assert searched == [20] * 4
    assert "mle" in profile.quantities and "twonn" not in profile.quantities
    measure(with_measure(config, k=25), folder, Silent())
    assert searched == [20] * 4 + [25] * 4
    measure(with_measure(config, k=25, duplicates="keep"), folder, Silent())
    assert searched[8:] == [25] * 4


def test_finished_tables_of_an_interrupted_run_are_kept(folder, config, monkeypatch):
    expected = None
    for stop in (2, None):
        searched = count_searches(monkeypatch)
        original = measures.measure_table
        calls = []

        def interrupt(*arguments, stop=stop, original=original, calls=calls):
            calls.append(None)
            if len(calls) == stop:
                raise KeyboardInterrupt
            return original(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(measures, "measure_table", interrupt)
            if stop:
                with pytest.raises(KeyboardInterrupt):
                    measure(config, folder, Silent())
                assert not folder.table.exists()
            else:
                expected = measure(config, folder, Silent())
    assert searched == [20] * 2  # two of four were there
    for file in (folder.profile, folder.table, *folder.neighbors.iterdir()):
        file.unlink()
    fresh = measure(config, folder, Silent())
    np.testing.assert_array_equal(fresh.values("dimension"), expected.values("dimension"))


def test_duplicates_are_merged_or_kept(folder, config):
    merged = measure(config, folder, Silent())
    kept = measure(with_measure(config, duplicates="keep"), folder, Silent())
    rows, _ = distinct(folder, "block_01")
    assert merged.values("n_unique").tolist() == kept.values("n_unique").tolist() == [len(rows)] * 4
    assert len(read_table(folder.table_of("block_01")).indices) == 60
    assert read_table(folder.table_of("block_01")).distances[7, 0] == 0
    assert len(rows) < 60


def test_more_neighbours_than_distinct_points_are_capped_and_said(folder, config):
    rows, _ = distinct(folder, "block_01")
    profile = measure(with_measure(config, k=58, overlap_k=10), folder, Silent())
    assert profile.values("k").tolist() == [min(58, len(rows) - 1)] * 4


def test_groups_can_be_excluded(folder, config):
    plain = measure(config, folder, Silent())
    apart = measure(with_measure(config, exclude_group=True), folder, Silent())
    assert not np.array_equal(apart.values("label_overlap"), plain.values("label_overlap"))
    np.testing.assert_array_equal(apart.values("twonn"), plain.values("twonn"))


def test_groups_that_are_not_there(small, bert, tmp_path):
    made, config = RunFolder(tmp_path / "bare"), small(bert)
    extract(config, made, Silent())
    with pytest.raises(InputError, match="--exclude-group was asked for, but the examples have no groups; name their column"):
        measure(with_measure(config, exclude_group=True), made, Silent())


def test_provenance_says_what_made_the_numbers(folder, config):
    found = measure(config, folder, Silent()).provenance
    assert found["dimscope"] == dimscope.__version__
    assert found["seed"] == 0
    assert found["config"] == config.to_dict()
    assert found["measure"] == config.to_dict()["measure"]
    assert found["model"]["class"] == "BertModel"
    assert found["data"]["n_examples"] == 60
    assert found["data"]["n_label_conflicts"] == 0
    assert found["environment"] == environment()
    assert {"python", "platform", "numpy", "torch", "transformers"} <= set(environment())


def test_labels_that_contradict_each_other_on_one_text_are_counted(small, bert, texts, tmp_path):
    lines = texts.read_text().splitlines()
    cells = lines[9].split(",")  # row 8 repeats the text of row 7
    cells[2] = {"odd": "even", "even": "odd"}[cells[2]]
    lines[9] = ",".join(cells)
    texts.write_text("\n".join(lines) + "\n")
    made, config = RunFolder(tmp_path / "bare"), small(bert)
    extract(config, made, Silent())
    assert measure(config, made, Silent()).provenance["data"]["n_label_conflicts"] == 1


def overwrite(folder, layer, change):
    path = folder.states / f"{layer}.npy"
    states = np.load(path)
    change(states)
    np.save(path, states)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_bad_numbers_in_the_states_are_named(folder, config, value):
    overwrite(folder, "block_02", lambda states: np.put(states, [4 * 32 + 1, 9 * 32 + 5], value))
    with pytest.raises(InputError, match=r"^layer block_02: 2 of 60 rows hold NaN or Inf \(rows 4, 9\)"):
        measure(config, folder, Silent())
    assert not folder.table.exists()


def test_layers_without_any_geometry_are_refused(folder, config):
    for layer in ("embed_00", "block_01", "block_02", "block_03"):
        overwrite(folder, layer, lambda states: states.fill(2.5))
    with pytest.raises(InputError, match="all 60 points are equal in every layer; there is no geometry to measure"):
        measure(config, folder, Silent())
    assert not folder.table.exists()


def test_a_k_that_is_too_large_is_refused(folder, config):
    with pytest.raises(InputError, match=r"60 examples were found, but --k 59 needs at least 61\. .* choose --k 58 or less"):
        measure(with_measure(config, k=59), folder, Silent())


def test_a_folder_without_states(config, tmp_path):
    with pytest.raises(StoreError, match="has no finished states; run `dimscope extract`"):
        measure(config, RunFolder(tmp_path / "empty"), Silent())
    assert not (tmp_path / "empty").exists()


def test_a_folder_whose_reading_was_interrupted(folder, config):
    manifest = Manifest(folder.path)
    del manifest.content["stages"]["extract"]
    manifest.write()
    with pytest.raises(StoreError, match="has no finished states"):
        measure(config, folder, Silent())


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_states_are_refused(folder, config, damage):
    path = folder.states / "block_02.npy"
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-10])
    with pytest.raises(StoreError, match=r"block_02\.npy is damaged" if damage == "cut" else r"no states at .*block_02\.npy"):
        measure(config, folder, Silent())


def test_hashes_of_all_results_are_recorded(folder, config):
    measure(config, folder, Silent())
    hashes = json.loads((folder.path / "manifest.json").read_text())["hashes"]
    written = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}
    assert set(hashes) == written - {"manifest.json", "log.jsonl", "config.toml", "states/progress.json"}
    assert Manifest(folder.path).damaged_files() == []


@pytest.mark.parametrize(("device", "expected"), [("auto", "auto"), ("cpu", "cpu"), ("mps", "cpu"), ("cuda:1", "cuda:1")])
def test_neighbours_are_searched_on_the_device_of_the_run(folder, config, monkeypatch, device, expected):
    asked = []
    original = searching.search_distinct

    def watched(points, k, duplicates, *, device, tiles):
        asked.append((device, type(points)))
        assert tiles is None  # nothing of another process
        return original(points, k, duplicates)

    monkeypatch.setattr(searching, "search_distinct", watched)
    config = config_from({"model": {"device": device}}, config)
    measure(config, folder, Silent())
    assert set(asked) == {(expected, np.memmap)}  # the file is mapped, not copied
