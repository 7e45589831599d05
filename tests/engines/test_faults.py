"""Workers that are killed, stopped, full, or elsewhere, during a run: nothing is lost, nothing is counted twice."""

import os
import signal
import time

import numpy as np
import pytest

import jobs
from dimscope.engines import on_dask as module
from dimscope.engines.on_dask import open_dask
from dimscope.errors import EngineError
from dimscope.knn import on_tiles, parts, spread


@pytest.fixture(scope="module")
def workers():
    """An engine with two workers of its own, for tests that end some of them."""
    with open_dask(None, 2) as engine:
        yield engine


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
    return stored, tmp_path / "x.npy", on_tiles.search(stored, 15)


def kill_during(monkeypatch, workers, stage, signal_number=signal.SIGKILL):
    """Kills a worker when the second answer of a stage has come; returns who was killed."""
    killed = []
    original = workers.map

    def disturbed(work, tasks):
        for count, answer in enumerate(original(work, tasks)):
            if work is stage and count == 1 and not killed:
                killed.append(next(iter(processes_of(workers).values())))
                os.kill(killed[0], signal_number)
            yield answer

    monkeypatch.setattr(workers, "map", disturbed)
    return killed


@pytest.mark.parametrize("stage", [parts.collect, parts.decided], ids=["collect", "decide"])
def test_a_worker_killed_among_neighbours_changes_no_bit(workers, points, monkeypatch, stage):
    stored, path, expected = points
    killed = kill_during(monkeypatch, workers, stage)
    indices, distances, _ = spread.search(stored, 15, path=path, engine=workers, coarse="float32")
    assert killed
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))


def test_a_worker_stopped_among_neighbours_changes_no_bit(workers, points, monkeypatch):
    monkeypatch.setattr(workers, "patience", 2.0)
    stored, path, expected = points
    stopped = kill_during(monkeypatch, workers, parts.collect, signal.SIGSTOP)
    indices, distances, _ = spread.search(stored, 15, path=path, engine=workers, coarse="float32")
    os.kill(stopped[0], signal.SIGCONT)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_array_equal(distances.view(np.int64), expected[1].view(np.int64))
