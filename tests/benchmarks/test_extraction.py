"""The benchmark of extraction: its ways do the same work, its table has one line per way."""

import numpy as np
import pytest

from loading import loaded


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/extraction.py", "extraction") as module:
        yield module


@pytest.fixture
def folder(script, tmp_path):
    script.write_case(tmp_path, "bert", 2, 32, 20)
    return tmp_path


def test_the_loop_and_dimscope_give_the_same_vectors(script, folder):
    found, expected = script.dimscope(folder), script.loop(folder)
    assert len(found) == len(expected)
    for states, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(states, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())


def test_one_way_prints_seconds_and_megabytes(script, folder, capsys):
    import torch

    threads = torch.get_num_threads()
    script.measure("bare", folder)
    torch.set_num_threads(threads)
    seconds, megabytes = map(float, capsys.readouterr().out.split()[1:])
    assert seconds > 0
    assert megabytes >= 0
