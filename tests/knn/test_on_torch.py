"""The GPU engine on the CPU (the same code), and on a GPU where there is one."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brute import KINDS, all_others, assert_nearest, assert_same, cloud
from dimscope.errors import UsageError
from dimscope.knn import on_tiles, on_torch
from dimscope.knn.on_torch import search

KIND_OF_PRODUCT = ["float32", "bfloat16"]


@pytest.fixture
def recomputed(monkeypatch):
    """The rows that were computed from all distances."""
    rows = []
    original = on_torch._Search._all

    def counted(self, row):
        rows.append(row)
        return original(self, row)

    monkeypatch.setattr(on_torch._Search, "_all", counted)
    return rows


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(3, 120),
    d=st.sampled_from([1, 2, 3, 17, 64]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    coarse=st.sampled_from(KIND_OF_PRODUCT),
    entries=st.sampled_from([1, 500, 1 << 20]),
    seed=st.integers(0, 10**6),
)
def test_equals_all_pairs(kind, n, d, dtype, coarse, entries, seed):
    points = cloud(kind, n, d, seed).astype(dtype if kind in ("isotropic", "grid", "twins") else np.float64)
    rng = np.random.default_rng(seed)
    k, ranks = min(int(rng.choice([1, 2, n // 2 + 1, n - 1])), n - 1), tuple({int(rank) for rank in rng.integers(1, n, 3)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_torch, "BLOCK_ENTRIES", entries)
        patch.setattr(on_torch, "DECIDED_BYTES", entries)
        indices, distances, at_ranks = search(points, k, ranks=ranks, device="cpu", coarse=coarse)
    known = all_others(points)
    assert_same((indices, distances), (known[0][:, :k], known[1][:, :k]), points)
    np.testing.assert_allclose(at_ranks, known[1][:, [rank - 1 for rank in ranks]], rtol=1e-13)


@pytest.mark.parametrize("coarse", KIND_OF_PRODUCT)
def test_the_answer_is_that_of_the_processor(coarse):
    points = cloud("isotropic", 700, 30, seed=1).astype(np.float32)
    found, expected = search(points, 9, ranks=(64,), device="cpu", coarse=coarse), on_tiles.search(points, 9, ranks=(64,))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-14)
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-14)


@pytest.mark.parametrize("coarse", KIND_OF_PRODUCT)
def test_few_rows_are_computed_again_even_with_a_row_far_out(coarse, recomputed):
    rng = np.random.default_rng(2)
    points = rng.standard_normal((700, 5)) @ rng.standard_normal((5, 60))
    points[3] *= 1e4
    assert_nearest(search(points, 6, device="cpu", coarse=coarse)[:2], points, 6)
    assert len(recomputed) < 20


@pytest.mark.parametrize("far", [1e16, 1e60, 1e130])
@pytest.mark.parametrize("coarse", KIND_OF_PRODUCT)
def test_a_row_beyond_float32_spoils_no_other(far, coarse, recomputed):
    points = cloud("isotropic", 60, 12, seed=3)
    points[17] *= far
    for k in (4, 59):
        indices, distances, _ = search(points, k, device="cpu", coarse=coarse)
        rest = np.delete(np.arange(60), 17)
        known = all_others(points[rest])
        np.testing.assert_array_equal(indices[rest][:, : min(k, 58)], rest[known[0][:, :k]])
        np.testing.assert_allclose(distances[rest][:, : min(k, 58)], known[1][:, :k], rtol=1e-13)
    assert len(recomputed) == 120


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_no_unit_over_or_underflows(scale):
    points = cloud("isotropic", 100, 4, seed=4)
    expected, moved = search(points, 6, device="cpu"), search(points * scale, 6, device="cpu")
    np.testing.assert_array_equal(moved[0], expected[0])
    np.testing.assert_allclose(moved[1], expected[1] * scale, rtol=1e-13)


def test_errors_are_measured_and_scores_bound_the_distances():
    import torch

    points = cloud("shifted", 90, 20, seed=5)
    made = on_torch._Search(torch.from_numpy(points), torch.bfloat16, 5, ())
    exact = points * made.scale
    exact = exact - exact.mean(axis=0)
    coarse = made.coarse.double().numpy()
    true = np.linalg.norm(exact[:, None] - exact, axis=2)
    moved = np.linalg.norm((exact[:, None] - exact) - (coarse[:, None] - coarse), axis=2)
    errors = made.errors.numpy()
    assert (moved <= errors[:, None] + errors + 1e-9).all()
    scores = made._scores(torch.arange(90)).double().numpy()
    np.fill_diagonal(scores, -np.inf)
    assert (scores <= (1 + made.mix) * (true + errors[:, None]) ** 2 + 1e-9).all()


def test_candidates_that_are_all_wrong_are_caught(monkeypatch, recomputed):
    points = cloud("isotropic", 150, 8, seed=6)
    original = on_torch._Search._scores
    monkeypatch.setattr(on_torch._Search, "_scores", lambda self, rows: -original(self, rows).nan_to_num(posinf=-1e6))
    assert_nearest(search(points, 4, device="cpu")[:2], points, 4)
    assert len(recomputed) == 150


def test_bounds_that_say_nothing_send_every_row_to_the_slow_way(monkeypatch, recomputed):
    points = cloud("isotropic", 150, 8, seed=7)
    monkeypatch.setattr(on_torch, "UNIT32", 2e-2)
    assert_nearest(search(points, 4, device="cpu")[:2], points, 4)
    assert len(recomputed) > 100


def test_settings_of_torch_are_left_as_they_were():
    import torch

    kept = torch.backends.cuda.matmul
    before = kept.allow_tf32, kept.allow_bf16_reduced_precision_reduction
    with on_torch._full_sums():
        assert not kept.allow_tf32
        assert not kept.allow_bf16_reduced_precision_reduction
    assert (kept.allow_tf32, kept.allow_bf16_reduced_precision_reduction) == before


SETTINGS_OF_TORCH = """
import sys, torch
from dimscope.knn import on_torch
kept = torch.backends.cuda.matmul
exec(sys.argv[1])
read = lambda: (kept.fp32_precision, kept.allow_bf16_reduced_precision_reduction)
before = read()
with on_torch._full_sums():
    inside = read()
print(before[0], inside[0] in ("ieee", "none"), inside[1], read() == before)
"""


@pytest.mark.parametrize(
    ("setting", "precision"),
    [
        ("kept.allow_tf32 = True", "tf32"),
        ("kept.fp32_precision = 'tf32'", "tf32"),
    ],
)
def test_products_are_whole_whichever_way_they_were_shortened(setting, precision):
    import torch

    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this PyTorch has one setting only")
    done = subprocess.run([sys.executable, "-c", SETTINGS_OF_TORCH, setting], capture_output=True, text=True, check=False)
    assert done.stdout.split() == [precision, "True", "False", "True"], done.stderr


def test_rows_that_bfloat16_does_not_prove_are_proven_by_float32(monkeypatch, recomputed):
    points, finer = cloud("isotropic", 700, 40, seed=10).astype(np.float32), []
    points[::2] += 100  # two clusters far apart: 8 bits of their distance are coarser than the distances within
    original = on_torch._Search._nearest

    def watched(self, rows):
        finer.extend(rows.tolist() if self.coarse.element_size() == 4 else [])
        return original(self, rows)

    monkeypatch.setattr(on_torch._Search, "_nearest", watched)
    indices, distances, at_ranks = search(points, 6, ranks=(40,), device="cpu", coarse="bfloat16")
    known = all_others(points)
    assert_same((indices, distances), (known[0][:, :6], known[1][:, :6]), points)
    np.testing.assert_allclose(at_ranks[:, 0], known[1][:, 39], rtol=1e-13)
    assert len(finer) > 600
    assert len(recomputed) < 5


@pytest.mark.parametrize(("k", "ranks"), [(1, ()), (50, ()), (2, (1024,)), (5000, ())])
def test_a_block_takes_no_more_memory_than_stated(k, ranks, monkeypatch):
    import torch

    monkeypatch.setattr(on_torch, "BLOCK_ENTRIES", 1 << 16)
    made = on_torch._Search(torch.zeros((6000, 2)), torch.float32, k, ranks)
    bytes_per_row = 4 * made.n + made.kept * (
        4 + 8 + 8 + 8 + 8 + 8 + 8 + 8
    )  # scores, topk, sorted places, distances, their order
    assert made.height == 1 or made.height * bytes_per_row <= 4 << 16


def test_chosen_rows_are_numbered_within_the_choice():
    points = cloud("isotropic", 100, 6, seed=8)
    rows = np.arange(3, 100, 4)
    assert_nearest(search(points, 8, rows=rows, device="cpu")[:2], points[rows], 8)


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_an_absent_device_is_named_with_those_that_are_there(device):
    with pytest.raises(UsageError, match=rf'^device "{device}" was asked for; PyTorch .* sees: cpu'):
        search(np.eye(5), 2, device=device)


@pytest.mark.gpu
@pytest.mark.parametrize("coarse", ["auto", *KIND_OF_PRODUCT])
@pytest.mark.parametrize("kind", ["isotropic", "twins", "shifted", "far rows"])
def test_a_gpu_gives_the_same_answer(kind, coarse):
    points = cloud(kind, 3000, 256, seed=9).astype(np.float32)
    found, expected = search(points, 20, ranks=(512,), coarse=coarse), on_tiles.search(points, 20, ranks=(512,))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-13)
    np.testing.assert_allclose(found[2], expected[2], rtol=1e-13)
