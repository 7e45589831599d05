"""The benchmark of extraction: its ways do the same work, its table has one line per way."""

import numpy as np
import pytest

from loading import loaded


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/extraction.py", "extraction") as module:
        yield module


def test_the_loop_and_dimscope_give_the_same_vectors(script):
    model, tokens = script.make_model(2, 32), script.make_tokens(20)
    found, expected = script.dimscope(model, tokens), script.loop(model, tokens)
    assert len(found) == len(expected) == 3
    for states, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(states, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())


def test_one_way_prints_seconds_and_megabytes(script, capsys):
    import torch

    threads = torch.get_num_threads()
    script.main(["--way", "bare", "--examples", "4", "--blocks", "1", "--width", "32"])
    torch.set_num_threads(threads)
    seconds, megabytes = map(float, capsys.readouterr().out.split())
    assert seconds > 0
    assert megabytes >= 0
