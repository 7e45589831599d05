"""The GPU benchmark, tried on a processor."""

import re
from pathlib import Path

import numpy as np
import pytest

from brute import all_others
from loading import loaded

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_neighbors.py"


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/gpu_neighbors.py", "gpu_neighbors") as module:
        yield module


def test_one_line_per_width_with_the_check(script, capsys):
    original = script.on_torch._Search._all
    script.main(["--points", "300", "--features", "16", "512", "--neighbors", "4", "--repeats", "1", "--device", "cpu"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line, d in zip(lines[1:], (16, 512), strict=True):
        assert line.startswith(f"n=300 d={d} k=4: ")
        assert ": 0 neighbours differ, largest error " in line
        assert float(line.rpartition(" ")[2]) < 1e-13
    assert re.search(r"; 25 layers \d+ s;", lines[2])
    assert script.on_torch._Search._all is original


def test_the_check_sees_a_wrong_answer(script):
    points = script.states(200, 8, 0)
    indices, distances = all_others(points)
    wrong, error = script.largest_error(points, distances[:, :4], indices[:, :4])
    assert (wrong, error < 1e-12) == (0, True)
    wrong, error = script.largest_error(points, 1.5 * distances[:, :4], indices[:, 1:5])
    assert wrong > 100
    assert error == pytest.approx(0.5)


def test_states_are_made_in_blocks_and_the_same_each_time(script):
    points = script.states(300, 24, 3)
    np.testing.assert_array_equal(points, script.states(300, 24, 3))
    assert points.dtype == np.float32
    assert np.abs(points.mean() - 3) < 0.5
