"""The benchmark of neighbours: every case answers the same question, and the table says so."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from brute import all_others
from loading import loaded

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "neighbors.py"


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/neighbors.py", "neighbors_benchmark") as module:
        yield module


@pytest.mark.parametrize(
    "case", ["dimscope", "float32", "torch", "scikit-learn", "argpartition", *(["faiss"] if find_spec("faiss") else [])]
)
def test_every_case_finds_the_neighbours(script, case):
    points = script.gaussian(500, 20, 0)
    answer = script.CASES[case](points, script.Task(7, (), 1))
    indices, distances = all_others(points)
    np.testing.assert_array_equal(answer.indices, indices[:, :7])
    np.testing.assert_allclose(answer.distances, distances[:, :7], rtol=1e-5)
    recall, error = script.checked(points, script.Task(7, (), 1), answer)
    assert recall == 1
    assert error < (1e-14 if case in ("dimscope", "float32") else 1e-5)


def test_the_check_sees_a_wrong_answer(script):
    points = script.gaussian(300, 5, 0)
    indices, distances = all_others(points)
    task = script.Task(4, (), 1)
    recall, error = script.checked(points, task, script.Answer(distances[:, 1:5], indices[:, 1:5]))
    assert recall == pytest.approx(0.75)
    assert error > 0.01


def test_ranks_are_compared_at_the_ranks(script):
    points = script.gaussian(300, 5, 0)
    task = script.Task(64, (2, 4, 8, 16, 32, 64), 1)
    assert script.checked(points, task, script.dimscope_search(points, task))[1] < 1e-14
    distances = all_others(points)[1]
    assert script.checked(points, task, script.Answer(distances[:, :64], None))[1] < 1e-14


def test_the_product_is_one_product(script, monkeypatch):
    monkeypatch.setattr(script, "CHUNK", 64)
    seen = []
    monkeypatch.setattr(np, "matmul", lambda a, b, out: seen.append((a.shape, b.shape)))
    script.product(np.zeros((150, 3), np.float32), script.Task(1, (), 1))
    assert seen == [((64, 3), (3, 150)), ((64, 3), (3, 150)), ((22, 3), (3, 150))]


def test_real_like_points_are_as_described(script):
    points = script.real_like(4000, 200, 0)
    assert len(np.unique(points, axis=0)) == pytest.approx(3980, abs=3)
    spread = np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert np.linalg.norm(points.mean(axis=0)) / spread == pytest.approx(30, rel=0.02)
    deviations = np.sort(points.std(axis=0))
    assert deviations[-4] > 1.5 * deviations[-5]
    np.testing.assert_array_equal(points, script.real_like(4000, 200, 0))
    assert (points != script.real_like(4000, 200, 1)).any()


def pool(folder, core):
    return {"internal_api": "openblas", "filepath": f"/site/{folder}/libopenblas.so", "architecture": core}


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([pool("faiss_cpu.libs", "Barcelona"), pool("scipy.libs", "SkylakeX")], "SkylakeX"),
        ([pool("scipy.libs", "SkylakeX"), {"internal_api": "mkl", "filepath": "/site/mkl.so"}], None),
        ([], None),
    ],
)
def test_an_openblas_that_does_not_know_the_processor_is_told_what_numpy_takes_it_for(script, others, expected):
    assert script.core_for_all([*others, pool("numpy.libs", "SkylakeX")]) == expected
    assert script.core_for_all(others) is None


def test_the_table_of_a_small_run(script, capsys):
    script.main(["--points", "300", "--features", "6", "--neighbors", "3", "--repeats", "1", "--cases", "product", "dimscope"])
    out = capsys.readouterr().out
    assert "real-like: 300 points, 6 features, 3 neighbours, 1 thread(s)" in out
    assert "thread pools: " in out
    row = next(line.split() for line in out.splitlines() if line.startswith("dimscope"))
    assert row[5] == "1.00000"
    assert float(row[6]) < 1e-14


def test_memory_is_measured_in_a_process_of_its_own(tmp_path):
    np.save(tmp_path / "points.npy", np.random.default_rng(0).random((6000, 300), dtype=np.float32))
    command = [sys.executable, str(SCRIPT), "--measure-memory", "product", str(tmp_path / "points.npy")]
    done = subprocess.run([*command, json.dumps([3, [], 1])], capture_output=True, text=True, check=True)
    assert 25 < float(done.stdout) < 200  # the buffer of products is 2048 * 6000 * 4 bytes = 49 MB


def test_help_names_every_option():
    done = subprocess.run([sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True)
    for option in ("--data", "--file", "--points", "--ranks-to", "--threads", "--cases", "--memory"):
        assert option in done.stdout
    assert "--measure-memory" not in done.stdout
