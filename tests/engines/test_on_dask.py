"""Tasks on processes of a Dask cluster: answers, errors, files, and clusters that are not there."""

import math
import os
import socket
import sys

import pytest

import jobs
from dimscope.engines import on_dask as module
from dimscope.engines import open_engine
from dimscope.engines.on_dask import open_dask
from dimscope.engines.shared import share
from dimscope.errors import EngineError, InputError, UsageError


def test_each_task_is_answered_once_by_other_processes(pair):
    found = list(pair.map(jobs.square, range(30)))
    assert sorted(number for number, _ in found) == list(range(30))
    assert all(value == number**2 for number, (_, value) in found)
    processes = {process for _, (process, _) in found}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert pair.n_workers == 2
    assert pair.facts == {"name": "dask", "address": "this machine", "workers": 2}
    assert pair.is_remote


def test_tasks_are_taken_when_there_is_room(pair):
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield number

    for done, _ in enumerate(pair.map(math.sqrt, tasks()), start=1):
        assert len(taken) <= done + 4
    assert taken == list(range(50))


def test_a_task_that_needs_an_answer_waits_for_it(pair):
    """Each task is the sum of the last two answers: none can be given before they are there."""
    known = {0: 1, 1: 1}

    def tasks():
        for number in range(2, 8):
            while number - 1 not in known:
                yield None
            yield known[number - 1] + known[number - 2]

    for number, answer in pair.map(abs, tasks()):
        known[number + 2] = answer
    assert list(known.values()) == [1, 1, 2, 3, 5, 8, 13, 21]


def test_no_tasks_no_answers(pair):
    assert list(pair.map(math.sqrt, [])) == []


def test_errors_for_users_come_as_they_were(pair):
    with pytest.raises(InputError, match=r"^the third is bad\.$"):
        list(pair.map(jobs.fail, range(10)))
    assert dict(pair.map(math.sqrt, [4, 9])) == {0: 2.0, 1: 3.0}


def test_other_errors_say_where_they_happened(pair):
    with pytest.raises(EngineError, match=r"^the worker tcp://127\.0\.0\.1:\d+ failed: ZeroDivisionError: 7 by 0$"):
        list(pair.map(jobs.crash, [7]))


def test_a_file_that_workers_see_is_read_where_it_is(pair, tmp_path):
    (tmp_path / "a.npy").write_bytes(b"123")
    assert [answer for _, answer in pair.map(jobs.content, [share(tmp_path / "a.npy")] * 4)] == [(b"123", True)] * 4


def test_a_file_that_workers_do_not_see_is_copied_to_each_once(pair, tmp_path, monkeypatch):
    (tmp_path / "a.npy").write_bytes(os.urandom(5000))
    file = share(tmp_path / "a.npy")
    hidden = tmp_path / "b.npy"  # the workers look where nothing is; the driver reads what it has
    (tmp_path / "a.npy").rename(hidden)
    sent = []

    def pieces_of(asked):
        sent.append(asked)
        return original(asked._replace(path=str(hidden)))

    def original(asked, pieces=module.pieces):
        return (piece._replace(file=file) for piece in pieces(asked))

    monkeypatch.setattr(module, "pieces", pieces_of)
    monkeypatch.setattr("dimscope.engines.shared.PIECE", 2048)
    for _ in range(2):
        assert [answer for _, answer in pair.map(jobs.content, [file] * 6)] == [(hidden.read_bytes(), False)] * 6
    assert 1 <= len(sent) <= 4  # two workers, each with two tasks under way when the first answer came


def test_another_version_is_refused(pair, monkeypatch):
    monkeypatch.setattr(module, "__version__", "0.0.1")
    with pytest.raises(EngineError, match=r"has dimscope \S+, this is 0\.0\.1; install the same version there\."):
        list(pair.map(math.sqrt, [1]))


def test_a_running_cluster_by_its_address(pair):
    address = pair.client.scheduler.address
    with open_dask(address, None) as engine:
        assert dict(engine.map(math.sqrt, [4, 9])) == {0: 2.0, 1: 3.0}
        assert engine.facts == {"name": "dask", "address": address}
    assert dict(pair.map(math.sqrt, [16])) == {0: 4.0}  # the cluster is not ours to end


def test_nothing_answers(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_SECONDS", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(EngineError, match=f"^no Dask scheduler answers at {address} within 1 seconds .* start one with"):
            open_engine("dask", address)
    with pytest.raises(EngineError, match="no Dask scheduler answers at http:nonsense"):
        open_engine("dask", "http:nonsense")


def test_both_options_and_a_missing_library(monkeypatch):
    with pytest.raises(UsageError, match="--workers starts processes here, --address names a cluster"):
        open_engine("dask", "tcp://127.0.0.1:1", 2)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"--engine dask needs Dask, .* `pip install 'dimscope\[dask\]'`"):
        open_engine("dask")
