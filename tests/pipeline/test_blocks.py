"""Which examples are read together: blocks hold every example once and end where their rows are full."""

import numpy as np
import pytest

from dimscope.pipeline import blocks as module
from dimscope.pipeline.blocks import plan_examples, plan_tokens


@pytest.mark.parametrize(("n", "expected"), [(1, [(0, 1)]), (16, [(0, 16)]), (17, [(0, 16), (16, 17)])])
def test_blocks_of_examples(n, expected):
    plan = plan_examples(n, 16)
    assert (plan.blocks, plan.n_rows, plan.store_block, plan.facts) == (expected, n, 16, {})


@pytest.mark.parametrize("seed", range(5))
def test_blocks_of_tokens_hold_every_example_once_and_are_bounded(seed, monkeypatch):
    monkeypatch.setattr(module, "TOKEN_ROWS", 50)
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, 200) * (rng.random(200) < rng.choice([0.05, 0.5, 1.0]))
    counts[rng.integers(200)] = 7
    plan = plan_tokens(counts, 16)
    assert [row for start, stop in plan.blocks for row in range(start, stop)] == list(range(200))
    rows = [int(counts[start:stop].sum()) for start, stop in plan.blocks]
    assert plan.store_block == np.cumsum(rows).tolist()
    assert plan.facts == {"n_tokens": counts.sum()}
    for (start, stop), n_rows in zip(plan.blocks, rows, strict=True):
        assert n_rows > 0
        without_last = np.trim_zeros(counts[start:stop], "b")[:-1]
        assert without_last.sum() < 50
        assert not without_last[:15].any() or len(without_last) < 16


def test_an_example_longer_than_a_block_is_a_block(monkeypatch):
    monkeypatch.setattr(module, "TOKEN_ROWS", 10)
    plan = plan_tokens(np.array([3, 99, 4, 0]), 16)
    assert (plan.blocks, plan.store_block) == ([(0, 2), (2, 4)], [102, 106])
