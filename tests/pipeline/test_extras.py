"""Measures on request: added, kept, resumed and taken away without touching the rest of a run."""

import json

import numpy as np
import pandas as pd
import pytest

import dimscope
from dimscope.config import MeasureConfig, config_from
from dimscope.errors import InputError, UsageError
from dimscope.pipeline import extras
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.requested import REQUESTS, requests
from dimscope.pipeline.run import finish_run
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder, clear_results, read_folder_config
from dimscope.store.manifest import Manifest

N = 90
ALL = list(REQUESTS)
CONFIG = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 3, "estimators": ["twonn"]}})


def asking(measures=(), further_k="", config=CONFIG, **options):
    return config_from({"measure": {"measures": list(measures), "further_k": further_k, **options}}, config)


def measured_again(config, out):
    """What `dimscope measure RUN --measure ...` does."""
    base = read_folder_config(RunFolder(out))
    options = {"measures": list(config.measure.measures), "further_k": config.measure.further_k}
    return finish_run(config_from({"measure": options}, base), RunFolder(out), Silent(), with_report=False).profile


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Three layers of labelled points; row 7 repeats row 6 in all of them."""
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("arrays")
    labels = np.array(["a", "b", "c"])[np.arange(N) % 3]
    first = rng.standard_normal((N, 5)) + 1.5 * (np.arange(N) % 3)[:, None]
    layers = {"l0": first, "l1": np.tanh(first) @ rng.standard_normal((5, 4)), "l2": first**3}
    for points in layers.values():
        points[7] = points[6]
    np.savez(folder / "layers.npz", **layers)
    (folder / "labels.txt").write_text("\n".join(labels), encoding="utf-8")
    return folder


@pytest.fixture
def run(source, tmp_path):
    """Measures the arrays into a folder, `run(measures, further_k, config=...)`."""

    def make(*asked, out=tmp_path / "run", labels=source / "labels.txt", **options):
        return measure_arrays(source / "layers.npz", asking(*asked, **options), out, labels=labels, with_report=False).profile

    return make


def test_everything_that_was_asked_for_stands_beside_the_rest(run, tmp_path):
    plain, full = run(out=tmp_path / "plain"), run(ALL, "3,15")
    for quantity in plain.quantities:
        np.testing.assert_array_equal(full.values(quantity), plain.values(quantity))
    added = [name for name in full.quantities if name not in plain.quantities]
    assert all(extras.COLUMN.fullmatch(name) for name in added)
    assert not any(extras.COLUMN.fullmatch(name) for name in plain.quantities)
    values = [name for name in added if not name.endswith(("_err", "_chance"))]
    assert values == [
        "class_fraction_overlap", "retrieval_accuracy_k1", "retrieval_accuracy_k10", "linear_probe", "clusters", "cluster_core",
        "cluster_ari", "cluster_nmi", "mutual_knn_next", "cka_next", "imbalance_next", "imbalance_back", "label_overlap_k3",
        "overlap_next_k3", "label_overlap_k15", "overlap_next_k15",
    ]  # fmt: skip
    for name in values:
        gaps = np.isnan(full.values(name)).tolist()
        assert gaps == [False, False, "next" in name or "back" in name]
        if not name.startswith(("clusters", "cluster_core")):
            assert np.isnan(full.values(f"{name}_err")).tolist() == gaps
            assert np.isnan(full.values(f"{name}_chance")).tolist() == gaps
    assert set(added) <= set(pd.read_csv(tmp_path / "run" / "profile.csv").columns)
    assert full.provenance["measure"]["measures"] == ALL
    assert Manifest(tmp_path / "run").damaged_files() == []


def test_they_are_added_to_a_finished_run_and_taken_away_again(run, tmp_path):
    out, plain = tmp_path / "run", run()
    with pytest.raises(UsageError, match=r"measure.measures = \[\], now \['cka'\].*dimscope measure"):
        run(["cka"])
    full = measured_again(asking(["cka", "linear_probe"], "5"), out)
    assert dimscope.load(out).values("cka_next").tolist() == pytest.approx(full.values("cka_next").tolist(), nan_ok=True)
    less = measured_again(asking(["cka"]), out)
    assert {name for name in less.quantities if name not in plain.quantities} == {"cka_next", "cka_next_err", "cka_next_chance"}
    assert less.provenance["config"]["measure"]["measures"] == ["cka"]
    assert measured_again(asking(), out).quantities == plain.quantities


def test_what_was_found_is_not_computed_again(run, tmp_path, monkeypatch):
    first = run(["cka", "density_peaks"])

    def refuse(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(extras, "measured_extras", refuse)
    measured_again(asking(["density_peaks"]), tmp_path / "run")
    again = measured_again(asking(["cka", "density_peaks"]), tmp_path / "run")
    np.testing.assert_array_equal(again.values("cka_next"), first.values("cka_next"))
    np.testing.assert_array_equal(again.values("clusters"), first.values("clusters"))


def test_an_interrupted_request_goes_on(run, tmp_path, monkeypatch):
    run()
    whole, made = extras.measured_extras, []

    def failing(task):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(task.place)
        return whole(task)

    monkeypatch.setattr(extras, "measured_extras", failing)
    with pytest.raises(KeyboardInterrupt):
        measured_again(asking(["cka", "retrieval_accuracy"]), tmp_path / "run")
    assert not dimscope.load(tmp_path / "run").has("cka_next")  # the run itself is whole
    monkeypatch.setattr(extras, "measured_extras", lambda task: made.append(task.place) or whole(task))
    resumed = measured_again(asking(["cka", "retrieval_accuracy"]), tmp_path / "run")
    assert made == [0, 1, 2]
    fresh = run(["cka", "retrieval_accuracy"], out=tmp_path / "fresh")
    np.testing.assert_array_equal(resumed.values("cka_next"), fresh.values("cka_next"))
    np.testing.assert_array_equal(resumed.values("retrieval_accuracy_k1"), fresh.values("retrieval_accuracy_k1"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 1, "values": 3}', '{"key": "KEY", "values": [1]}'])
def test_a_damaged_store_is_measured_again(run, tmp_path, content):
    first = run(["cka"])
    place = tmp_path / "run" / "measures.json"
    key = json.loads(place.read_text(encoding="utf-8"))["key"]
    place.write_text(content.replace("KEY", key), encoding="utf-8")
    again = measured_again(asking(["cka"]), tmp_path / "run")
    np.testing.assert_array_equal(again.values("cka_next"), first.values("cka_next"))


def test_other_neighbours_are_measured_anew(run, tmp_path):
    run(["retrieval_accuracy"])
    base = read_folder_config(RunFolder(tmp_path / "run"))
    wider = config_from({"measure": {"overlap_k": 15}}, base)
    found = finish_run(wider, RunFolder(tmp_path / "run"), Silent(), with_report=False).profile
    assert found.has("retrieval_accuracy_k15")
    assert not found.has("retrieval_accuracy_k10")


def test_a_layer_that_does_not_allow_a_measure_leaves_a_gap_and_says_why(source, tmp_path):
    with np.load(source / "layers.npz") as stored:
        layers = dict(stored)
    layers["l1"][3] = 0  # a row without a direction
    layers["l2"][:] = 1.0  # no geometry: no table
    np.savez(tmp_path / "layers.npz", **layers)
    told = []

    class Listening(Silent):
        def message(self, text):
            told.append(text)

    labels, config = source / "labels.txt", asking(["mutual_knn", "linear_probe", "cka"])
    profile = measure_arrays(
        tmp_path / "layers.npz", config, tmp_path / "run", labels=labels, with_report=False, progress=Listening()
    ).profile
    assert np.isnan(profile.values("linear_probe")).tolist() == [False, False, True]
    assert np.isnan(profile.values("cka_next")).tolist() == [False, True, True]
    assert not profile.has("mutual_knn_next")
    reasons = [text for text in told if "no value" in text]
    assert reasons == [
        "mutual_knn has no value at array_00: 1 of 90 rows are zero (the first is row 3): they have no direction."
    ]
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [event["layer"] for event in events if event["event"] == "no value"] == ["array_00"]


@pytest.mark.parametrize("name", [name for name, request in REQUESTS.items() if request.needs_labels])
def test_measures_of_labels_without_labels_are_refused_before_anything(run, tmp_path, name):
    with pytest.raises(
        UsageError, match=rf"^--measure {name} reads labels, but there are none; name their column with --label\.$"
    ):
        run([name], labels=None)
    assert not (tmp_path / "run").exists()


def test_measures_without_labels_need_none(run):
    profile = run([name for name, request in REQUESTS.items() if not request.needs_labels], "5", labels=None)
    assert np.isfinite(profile.values("clusters")).all()
    assert not profile.has("cluster_ari")
    assert profile.has("overlap_next_k5")
    assert not profile.has("label_overlap_k5")


def test_labels_with_gaps_are_refused_in_one_sentence(run, tmp_path):
    run()
    points = pd.read_parquet(tmp_path / "run" / "points.parquet")
    points.loc[3, "label"] = None
    points.to_parquet(tmp_path / "run" / "points.parquet")
    with pytest.raises(InputError, match=r"--measure linear_probe reads labels, and some examples of .* have none"):
        extras.add_extras(
            asking(["linear_probe"], config=read_folder_config(RunFolder(tmp_path / "run"))),
            RunFolder(tmp_path / "run"),
            dimscope.load(tmp_path / "run"),
            Silent(),
        )


def test_a_probe_without_its_package_is_refused_before_anything(run, monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs scikit-learn, which is not installed; .*pip install 'dimscope\[probe\]'"):
        run(["linear_probe"])
    assert not (tmp_path / "run").exists()


def test_density_peaks_without_enough_distances_are_refused(run):
    with pytest.raises(UsageError, match="density_peaks reads at least 5 neighbours; --k 4 was asked for"):
        run(["density_peaks"], k=4, overlap_k=3)
    with pytest.raises(UsageError, match="density_peaks has no density at distance 0; it needs --duplicates merge"):
        run(["density_peaks"], duplicates="keep")


@pytest.mark.parametrize("text", ["x", "5,", "0", "5,21", "-3", "1.5", "5;6"])
def test_further_numbers_of_neighbours_that_cannot_be_read_are_refused(text):
    with pytest.raises(
        UsageError, match=r"--further-k .* was asked for; give whole numbers from 1 to --k 20, with commas between"
    ):
        asking((), text)


def test_the_names_are_those_of_the_configuration_and_of_the_list():
    from dataclasses import fields

    from dimscope.overlaps import MEASURES

    entry = next(entry for entry in fields(MeasureConfig) if entry.name == "measures")
    assert entry.metadata["choices"] == tuple(REQUESTS)
    assert set(REQUESTS) <= set(MEASURES)
    assert list(requests(asking(["cka"], " 7, 3,7 ").measure)) == ["cka", "overlap_k3", "overlap_k7"]


def test_redo_forgets_them(run, tmp_path):
    run(["cka"])
    clear_results(RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run" / "measures.json").exists()
