"""Measures as tasks: the files of one process, whatever the number of workers, the order of answers, and what is done twice."""

import shutil

import numpy as np
import pytest

from dimscope import knn
from dimscope.config import config_from
from dimscope.engines import HERE
from dimscope.pipeline import searching
from dimscope.pipeline.extract import extract
from dimscope.pipeline.extras import add_extras
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.measure import measure
from dimscope.pipeline.tasks import SearchTask, longest_extra, longest_task, searched
from dimscope.progress import Silent
from dimscope.store import lending
from dimscope.store.folder import RunFolder
from dimscope.store.lending import carried
from dimscope.store.manifest import Manifest
from fakes import Shuffled

EXTRAS = ("class_fraction_overlap", "density_peaks", "mutual_knn", "cka", "information_imbalance", "retrieval_accuracy")


@pytest.fixture
def extracted(small, bert, tmp_path):
    """Makes copies of a run folder of 60 texts that was extracted and not measured."""
    made = RunFolder(tmp_path / "extracted")
    extract(small(bert, {"group": "group"}), made, Silent())

    def copy(name):
        shutil.copytree(made.path, tmp_path / name)
        return RunFolder(tmp_path / name)

    return copy


def files_of(folder):
    """Every file but log and manifest, and of the manifest everything but times."""
    files = {
        path.relative_to(folder.path).as_posix(): path.read_bytes()
        for path in sorted(folder.path.rglob("*"))
        if path.is_file() and path.name not in {"log.jsonl", "manifest.json"}
    }
    content = Manifest(folder.path).content
    content.pop("created", None)
    for stage in content["stages"].values():
        del stage["seconds"]
    return files | {"manifest": content}


def measured_files(config, folder, engine):
    add_extras(config, folder, measure(config, folder, Silent(), engine), Silent(), engine)
    return files_of(folder)


OPTIONS = {
    "as they are": {},
    "auto": {"scale": "auto", "estimators": ["twonn", "gride", "mle"]},
    "paper": {"scale": "paper", "duplicates": "keep"},
    "asked for": {"measures": list(EXTRAS[:2]), "further_k": "5", "exclude_group": True},
    "steps": {"measures": list(EXTRAS[2:])},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_workers_give_the_files_of_one_process(small, bert, extracted, options):
    config, engine = small(bert, {"group": "group"}, {"replicates": 20, **options}), Shuffled(3, 3)
    expected = measured_files(config, extracted("here"), HERE)
    assert {"profile.csv", "profile.nc", "neighbors/block_03.npz"} <= set(expected)
    assert measured_files(config, extracted("there"), engine) == expected
    assert engine.n_tasks >= 4 + 4 + 3  # tables, layers, steps


@pytest.mark.parametrize("options", [OPTIONS["auto"], OPTIONS["steps"]], ids=["auto", "steps"])
@pytest.mark.parametrize("room", [1 << 30, 1], ids=["side by side", "one by one"])
@pytest.mark.parametrize("n_workers", [1, 2])
def test_workers_that_see_no_disk_give_them_too(small, bert, extracted, monkeypatch, options, room, n_workers):
    config = small(bert, {"group": "group"}, options)
    expected = measured_files(config, extracted("here"), HERE)
    monkeypatch.setattr(lending.Lender, "_is_seen", lambda *_: False)
    monkeypatch.setattr(lending, "SENT_BYTES", room)
    assert measured_files(config, extracted("there"), Shuffled(n_workers, n_workers)) == expected


def test_tables_of_many_points_are_cut_and_then_measured(small, bert, extracted, monkeypatch):
    monkeypatch.setattr(knn, "FEW_POINTS", 30)
    monkeypatch.setattr(searching, "FEW_POINTS", 30)
    config = small(bert, {"group": "group"})
    monkeypatch.setattr(searching, "SearchTask", lambda *_: pytest.fail("searched as few"))
    assert measured_files(config, extracted("there"), Shuffled(5)) == measured_files(config, extracted("here"), HERE)


def test_layers_without_a_table(tmp_path):
    rng = np.random.default_rng(0)
    constant = np.ones((80, 6))
    np.savez(tmp_path / "x.npz", a=rng.normal(size=(80, 6)), b=constant, c=rng.normal(size=(80, 6)), d=rng.normal(size=(80, 6)))
    config = config_from({"measure": {"k": 10, "overlap_k": 5, "replicates": 5, "scale": "auto"}})
    for name, engine in {"here": HERE, "there": Shuffled(2)}.items():
        measure_arrays(tmp_path / "x.npz", config, tmp_path / name, with_report=False, engine=engine)
    found, expected = (files_of(RunFolder(tmp_path / name)) for name in ("there", "here"))
    assert found == expected
    assert len([name for name in expected if name.startswith("neighbors/")]) == 3


def test_finished_tables_are_not_searched_again(small, bert, extracted, monkeypatch):
    config, folder = small(bert), extracted("run")
    measure(config, folder, Silent(), Shuffled(1))
    folder.profile.unlink()
    monkeypatch.setattr(searching, "SearchTask", lambda *_: pytest.fail("searched"))
    monkeypatch.setattr(searching, "search_distinct", lambda *_, **__: pytest.fail("searched"))
    measure(config, folder, Silent(), Shuffled(1))
    assert folder.profile.is_file()


def test_a_search_task_is_the_search_of_its_points():
    points = np.random.default_rng(1).normal(size=(50, 4))
    points[7] = points[3]
    task = SearchTask(0, points, 5, "merge", "cpu")
    found, expected = searched(task), knn.neighbors(points, 5)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.distances, expected.distances)
    assert len(found.indices) == 49
    assert carried(task) == points.nbytes


def test_patience_grows_with_the_work():
    assert longest_task(20_000, 1280, 100) == pytest.approx(33 + 6, rel=0.01)
    assert longest_extra(20_000, 1280, 100) == pytest.approx(33 + 6 + 512, rel=0.01)
    assert longest_task(10**6, 0, 100) == pytest.approx(300)
