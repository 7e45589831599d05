"""Blocks of the layer-by-layer overlap: the best cut, and what its ends reach."""

from itertools import pairwise, product

import numpy as np
import pytest

from dimscope.overlaps.runs import RunOverlap
from profiles import make_profile


@pytest.fixture
def script(benchmark):
    return benchmark("recommendation_blocks")


def blockwise(*sizes, inside=0.8, outside=0.3):
    owner = np.repeat(np.arange(len(sizes)), sizes)
    matrix = np.where(owner[:, None] == owner, inside, outside)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def by_trying_all(matrix):
    """The cut with the largest sum among all 2^(m - 1) cuts."""
    size = len(matrix)
    mean = matrix[~np.eye(size, dtype=bool)].mean()
    best = None
    for is_cut in product([False, True], repeat=size - 1):
        edges = [0, *(1 + place for place, cut in enumerate(is_cut) if cut), size]
        total = sum(
            matrix[i, j] - mean
            for start, stop in pairwise(edges)
            for i in range(start, stop)
            for j in range(start, stop)
            if i != j
        )
        if best is None or total > best[0] + 1e-12:
            best = (total, tuple((start, stop - 1) for start, stop in pairwise(edges)))
    return best


@pytest.mark.parametrize("sizes", [(1, 5, 2), (3, 3), (2, 1, 4, 1)])
def test_blocks_are_found(script, sizes):
    ends = np.cumsum(sizes)
    assert script.find_blocks(blockwise(*sizes)) == tuple(zip(ends - sizes, ends - 1, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_the_cut_is_the_best_of_all(script, seed):
    noise = np.random.default_rng(seed).random((8, 8))
    matrix = (noise + noise.T) / 2
    total, _ = by_trying_all(matrix)
    beyond = matrix - matrix[~np.eye(8, dtype=bool)].mean()
    np.fill_diagonal(beyond, 0)
    found = script.find_blocks(matrix)
    assert sum(beyond[first : last + 1, first : last + 1].sum() for first, last in found) == pytest.approx(total)


def test_a_case_leaves_out_the_final_norm_and_layers_without_a_table(script, monkeypatch):
    labels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.4, 0.9]
    profile = make_profile(
        [7.0, 6, 5, 4, 3, 2, 1], final_norm=True, label_overlap=labels, overlap_next=[0.8, 0.8, 0.8, 0.8, 0.8, 0.8, np.nan],
        provenance={"measure": {"overlap_k": 5}},
    )  # fmt: skip
    names = tuple(layer.name for layer in profile.layers[1:])
    matrix = type("Matrix", (), {"values": blockwise(3, 2, 1)})()
    asked = []
    monkeypatch.setattr(script, "run_overlap", lambda a, b, k: asked.append((a, b, k)) or RunOverlap(matrix, names, names, 9))
    found = script.blocks_of("case", profile, "folder")
    assert asked == [("folder", "folder", 5)]
    assert (found.layers, found.blocks) == ((1, 2, 3, 4, 5), ((0, 2), (3, 4)))
    np.testing.assert_allclose(found.percent, [40, 60, 80, 100, 80])
    assert found.takes == {
        "end of the largest block": 2, "end of the last block of several layers": 4, "`turn`": 4, "`last`": 4,
    }  # fmt: skip


def test_the_table_counts_the_mean_where_turn_chooses(script):
    one = script.Blocks("one", (0, 1, 2, 3), ((0, 2), (3, 3)), np.array([50.0, 60, 100, 80]), 2)
    other = script.Blocks("other", (1, 2), ((0, 0), (1, 1)), np.array([100.0, 40]), None)
    rows = script.blocks_table([one, other]).splitlines()
    assert rows[2] == "| one | 0 to 2, 3 | 100 (2) | 100 (2) | 100 (2) | 80 (3) |"
    assert rows[3] == "| other | 1, 2 | 100 (1) | - | - | 40 (2) |"
    assert rows[4] == "| mean where `turn` chooses | | 100.0 | 100.0 | 100.0 | 80.0 |"
    assert rows[5] == "| worst where it chooses | | 100.0 | 100.0 | 100.0 | 40.0 |"
