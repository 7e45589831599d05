import numpy as np
import pytest
import torch

from dimscope.errors import UsageError
from dimscope.knn import on_torch
from knn.dense import all_pairs

RNG = np.random.default_rng(4)
PLAIN = RNG.normal(size=(260, 11))
CLOUDS = {
    "float32": PLAIN.astype("float32"),
    "offset": PLAIN + 1e6,
    "ties": RNG.integers(0, 3, (260, 4)).astype("float32"),
    "far rows": np.r_[PLAIN, 1e9 * PLAIN[:3]],
    "out of reach": np.r_[PLAIN, 1e30 * PLAIN[:3]],
    "large": PLAIN * 1e200,
}


@pytest.mark.parametrize("coarse", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CLOUDS)
def test_equals_all_pairs(monkeypatch, name, coarse):
    monkeypatch.setattr(on_torch, "BLOCK_ENTRIES", 100 * 260)
    points = CLOUDS[name]
    size = 1e200 if name == "large" else 1.0
    indices, distances, far = on_torch.search(points, 8, ranks=(1, 120), device="cpu", coarse=coarse)
    expected, near = all_pairs(points / size, points / size, 120, True)
    np.testing.assert_array_equal(indices, expected[:, :8])
    np.testing.assert_allclose(distances, near[:, :8] * size, rtol=1e-12)
    np.testing.assert_allclose(far, near[:, [0, 119]] * size, rtol=1e-12)


def test_scores_that_say_nothing_cost_time_but_no_neighbour(monkeypatch):
    monkeypatch.setattr(on_torch._Search, "_scores", lambda self, rows: torch.zeros((len(rows), self.n)))
    np.testing.assert_array_equal(on_torch.search(PLAIN, 5, device="cpu")[0], all_pairs(PLAIN, PLAIN, 5, True)[0])


def test_absent_devices_are_refused_with_those_that_are_there():
    with pytest.raises(UsageError, match=r'device "cuda:77" was asked for; PyTorch .* sees: cpu'):
        on_torch.search(PLAIN, 5, device="cuda:77")


@pytest.mark.gpu
@pytest.mark.parametrize("coarse", ["float32", "bfloat16"])
def test_a_gpu_gives_the_answer_of_the_processor(coarse):
    points = RNG.normal(size=(3000, 64)).astype("float32")
    indices, distances, _ = on_torch.search(points, 50, device="cuda", coarse=coarse)
    expected, near = all_pairs(points, points, 50, True)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, near, rtol=1e-12)
