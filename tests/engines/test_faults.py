"""Workers that are killed, stopped, full, or elsewhere, during a run: nothing is lost, nothing is counted twice."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest

import jobs
from dimscope import knn
from dimscope.config import config_from
from dimscope.engines import on_dask as module
from dimscope.engines.on_dask import open_dask
from dimscope.errors import EngineError
from dimscope.knn import on_tiles, parts, spread
from dimscope.knn.handover import Laid
from dimscope.pipeline import extract, searching, shards
from dimscope.pipeline import tasks as measures
from dimscope.pipeline.run import run_stages
from dimscope.store.folder import RunFolder
from tiny import make_texts


@pytest.fixture(scope="module")
def workers():
    """An engine with two workers of its own, for tests that end some of them."""
    with open_dask(None, 2) as engine:
        yield engine


@pytest.fixture(autouse=True)
def _both_are_there(workers):
    """Waits until those that were killed are started again."""
    deadline = time.monotonic() + 60
    found = {}
    while len(found) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        with suppress(OSError):  # one that is gone, although the scheduler has not seen it yet
            found = processes_of(workers)
    assert len(found) == 2


def processes_of(engine):
    return engine.client.run(os.getpid)


def test_the_task_of_a_killed_worker_is_done_by_another(workers, tmp_path):
    tasks = [(number, str(tmp_path / "died") if number == 4 else os.devnull) for number in range(12)]
    before = set(processes_of(workers).values())
    found = list(workers.map(jobs.die_once, tasks))
    assert sorted(found) == [(number, number) for number in range(12)]
    assert (tmp_path / "died").exists()
    time.sleep(0.5)
    assert set(processes_of(workers).values()) != before


def test_a_task_that_ends_every_worker_ends_the_run(workers):
    with pytest.raises(EngineError, match=r"^4 workers ended while they did the same task, the last one tcp://.*memory"):
        list(workers.map(jobs.die, [0]))
    assert dict(workers.map(jobs.square, [3]))[0][1] == 9


def test_the_task_of_a_silent_worker_goes_to_another_and_the_first_answer_counts(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "patience", 2.0)
    path = tmp_path / "stopped"
    started = time.monotonic()
    found = list(workers.map(jobs.stop_once, [(number, str(path)) for number in range(12)]))
    os.kill(int(path.read_text()), signal.SIGCONT)
    assert sorted(found) == [(number, number) for number in range(12)]
    assert 2 < time.monotonic() - started < 15


def test_a_worker_without_space_gets_no_more_tasks(workers, tmp_path):
    found = list(workers.map(jobs.full_on_one, [(number, str(tmp_path / "full")) for number in range(12)]))
    assert sorted(found) == [(number, number) for number in range(12)]
    assert list(workers.barred.values()) == ["No space left on device: /scratch/x"]
    workers.barred.clear()


def test_no_worker_has_space(workers):
    with pytest.raises(EngineError, match=r"^no worker can go on \(tcp.*No space left.*\)\. What was finished is kept"):
        list(workers.map(jobs.always_full, [1, 2]))
    workers.barred.clear()


def test_nobody_is_there(monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(module, "NOBODY_SECONDS", 1.0)
    cluster = LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0")
    expected = r"^no worker is connected to inproc.*none came for 1 seconds; start one"
    with cluster, open_dask(cluster.scheduler_address, None) as engine, pytest.raises(EngineError, match=expected):
        list(engine.map(jobs.square, [1]))


@pytest.mark.slow
def test_nobody_answers(workers, monkeypatch):
    monkeypatch.setattr(module, "NOBODY_SECONDS", 1.0)
    monkeypatch.setattr(workers, "patience", 1.0)
    stopped = list(processes_of(workers).values())
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(EngineError, match=r"^none of 2 workers answered for \d+ seconds; look after them"):
            list(workers.map(jobs.square, range(8)))
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    while workers.doubted:
        list(workers.map(jobs.square, []))
        time.sleep(0.1)
    assert len(list(workers.map(jobs.square, range(8)))) == 8


@pytest.fixture
def points(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(3000, 24)).astype(np.float32))
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    return stored, tmp_path / "x.npy", on_tiles.search(stored, 15, coarse="float32")


def kill_during(monkeypatch, workers, stage, place=1, signal_number=signal.SIGKILL):
    """Kills a worker when so many answers of a stage, and one more, have come; returns who was killed."""
    killed = []
    original = workers.map

    def disturbed(work, tasks, patience=0.0):
        for count, answer in enumerate(original(work, tasks, patience)):
            if work is stage and count == place and not killed:
                killed.append(next(iter(processes_of(workers).values())))
                os.kill(killed[0], signal_number)
            yield answer

    monkeypatch.setattr(workers, "map", disturbed)
    return killed


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        (0, parts.Found),
        pytest.param(2, parts.Found, marks=pytest.mark.slow),
        pytest.param(4, Laid, marks=pytest.mark.slow),
    ],
    ids=["start", "pair", "decide"],
)
def test_a_worker_killed_among_neighbours_changes_no_bit(workers, points, monkeypatch, place, kind):
    """Two stretches, their pair in two tasks, then four decisions."""
    stored, path, expected = points
    killed, kinds = kill_during(monkeypatch, workers, parts.perform, place), []
    disturbed = workers.map

    def noted(work, tasks):
        for number, answer in disturbed(work, tasks):
            kinds.append(type(answer))
            yield number, answer

    monkeypatch.setattr(workers, "map", noted)
    indices, distances, _ = spread.search(stored, 15, path=path, engine=workers, coarse="float32")
    assert killed
    assert kinds == [parts.Choice] + [parts.Found] * 4 + [Laid] * 4
    assert kinds[1 + place] is kind
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))


@pytest.mark.slow
def test_a_worker_stopped_among_neighbours_changes_no_bit(workers, points, monkeypatch):
    monkeypatch.setattr(workers, "patience", 2.0)
    stored, path, expected = points
    stopped = kill_during(monkeypatch, workers, parts.perform, signal_number=signal.SIGSTOP)
    indices, distances, _ = spread.search(stored, 15, path=path, engine=workers, coarse="float32")
    os.kill(stopped[0], signal.SIGCONT)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))


SKIPPED = {"log.jsonl", "manifest.json"}


def results_of(out):
    """Every result but log and times."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name not in SKIPPED]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def config(bert, tmp_path, monkeypatch):
    """A run over 150 texts, some of them equal, in blocks of 16, whose neighbours are found by tiles."""
    monkeypatch.setattr(extract, "BLOCK_ROWS", 16)
    monkeypatch.setattr(knn, "FEW_POINTS", 40)
    monkeypatch.setattr(searching, "FEW_POINTS", 40)
    made = make_texts(150, seed=3)
    made[40], made[77] = made[5], made[60]
    lines = [f"{text},{'ab'[row % 2]}" for row, text in enumerate(made)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return config_from(
        {
            "data": {"path": str(tmp_path / "texts.csv"), "text": "text", "label": "label"},
            "model": {"name": str(bert)},
            "measure": {"k": 20, "overlap_k": 10, "replicates": 10},
        }
    )


@pytest.mark.parametrize("stage", [shards.read_shard, measures.measured], ids=["read", "measure"])
def test_a_run_whose_worker_is_killed_gives_the_files_of_one_process(workers, config, tmp_path, monkeypatch, stage):
    run_stages(config, tmp_path / "here", with_report=False)
    killed = kill_during(monkeypatch, workers, stage)
    run_stages(config, tmp_path / "there", with_report=False, engine=workers)
    assert killed
    expected = results_of(tmp_path / "here")
    assert {"states/block_03.npy", "neighbors/block_03.npz", "profile.nc", "profile.csv"} <= set(expected)
    assert results_of(tmp_path / "there") == expected


@pytest.mark.slow
def test_a_driver_that_is_killed_goes_on_and_leaves_no_worker_behind(bert, tmp_path):
    lines = [f"{text},{'ab'[row % 2]}" for row, text in enumerate(make_texts(6000, seed=3))]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    run = [sys.executable, "-m", "dimscope", "run", str(bert), "--data", str(tmp_path / "texts.csv"), "--label", "label"]
    run += ["--text", "text", "--no-report", "-q", "-o"]
    subprocess.run([*run, str(tmp_path / "here")], check=True, stdout=subprocess.DEVNULL)
    there = RunFolder(tmp_path / "there")
    places = [there.states / "progress.json", there.table_of("embed_00"), there.table_of("block_02")]
    for place in places:  # killed among the first blocks, after the first table, and before the last one
        driver = subprocess.Popen([*run, str(there.path), "--engine", "dask", "--workers", "2"], stdout=subprocess.DEVNULL)
        while not place.exists() and driver.poll() is None:
            time.sleep(0.02)
        workers = {child.pid for child in psutil.Process(driver.pid).children(recursive=True)}
        driver.kill()
        driver.wait()
        assert workers
        deadline = time.monotonic() + 20
        while any(map(psutil.pid_exists, workers)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(map(psutil.pid_exists, workers))
    subprocess.run([*run, str(there.path), "--engine", "dask", "--workers", "2"], check=True, stdout=subprocess.DEVNULL)
    assert results_of(there.path) == results_of(tmp_path / "here")
