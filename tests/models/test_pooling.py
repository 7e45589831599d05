"""Pooling against loops in numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.models.pooling import pool_weights, pooled


@st.composite
def batches(draw):
    """Mask, content and side of a batch; each text has content somewhere among its tokens."""
    n_tokens = draw(st.integers(2, 9))
    side = draw(st.sampled_from(["left", "right"]))
    rows = draw(st.integers(1, 5))
    mask, content = np.zeros((rows, n_tokens), dtype=int), np.zeros((rows, n_tokens), dtype=int)
    for row in range(rows):
        length = draw(st.integers(1, n_tokens))
        place = np.arange(length) + (n_tokens - length if side == "left" else 0)
        mask[row, place] = 1
        kept = draw(st.lists(st.sampled_from(list(place)), min_size=1, unique=True))
        content[row, kept] = 1
    return mask, content


def by_hand(states, mask, content, pool):
    chosen = {"mean": lambda row: np.flatnonzero(content[row]), "last": lambda row: [np.flatnonzero(content[row])[-1]]}
    chosen["position:0"] = lambda row: np.flatnonzero(content[row])[:1]
    chosen["position:-1"] = chosen["last"]
    chosen["cls"] = lambda row: [np.flatnonzero(mask[row])[0]]
    return np.stack([states[row, chosen[pool](row)].mean(axis=0) for row in range(len(states))])


@settings(max_examples=30, deadline=None)
@given(batches(), st.sampled_from(["mean", "last", "cls", "position:0", "position:-1"]), st.integers(0, 5))
def test_equals_a_loop_over_the_tokens(batch, pool, seed):
    mask, content = batch
    states = np.random.default_rng(seed).normal(size=(*mask.shape, 6)).astype(np.float32)
    weights = pool_weights(torch.from_numpy(mask), torch.from_numpy(content), pool)
    np.testing.assert_allclose(weights.sum(dim=1).numpy(), 1, rtol=1e-6)
    found = pooled(torch.from_numpy(states), weights).numpy()
    np.testing.assert_allclose(found, by_hand(states.astype(float), mask, content, pool), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pool", ["mean", "last", "cls"])
@pytest.mark.parametrize("filler", [float("nan"), float("inf"), 1e38])
def test_what_stands_in_padding_does_not_matter(pool, filler):
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]])
    content = torch.tensor([[0, 0, 0, 1, 1], [0, 1, 1, 0, 0]])
    states = torch.arange(30, dtype=torch.float32).reshape(2, 5, 3)
    spoiled = torch.where(mask.bool().unsqueeze(2), states, filler)
    weights = pool_weights(mask, content, pool)
    assert torch.equal(pooled(spoiled, weights), pooled(states, weights))


def test_bad_numbers_that_count_are_not_hidden():
    states = torch.ones(2, 3, 4)
    states[1, 0, 2] = float("nan")
    ones = torch.ones((2, 3), dtype=torch.int64)
    found = pooled(states, pool_weights(ones, ones, "mean"))
    assert torch.equal(torch.nonzero(~found.isfinite()), torch.tensor([[1, 2]]))


POOLS = ("mean", "last", "cls", "position:0", "position:1", "position:-2")


def test_values_of_each_kind():
    mask = torch.tensor([[0, 1, 1, 1, 1]])
    content = torch.tensor([[0, 0, 1, 1, 0]])  # [PAD] [CLS] a b [SEP]
    states = torch.tensor([[[9.0], [1.0], [2.0], [4.0], [8.0]]])
    found = {pool: pooled(states, pool_weights(mask, content, pool)).item() for pool in POOLS}
    assert found == dict(zip(POOLS, [3.0, 4.0, 1.0, 2.0, 4.0, 2.0], strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_states_are_summed_in_float32(dtype):
    """1 000 values of 100.0 have the sum 1e5, more than float16 holds; bfloat16 would lose the ones."""
    states = torch.full((1, 1000, 1), 100.0, dtype=dtype)
    states[0, 0] = 101.0
    ones = torch.ones((1, 1000), dtype=torch.int64)
    found = pooled(states, pool_weights(ones, ones, "mean"))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx((999 * 100 + float(states[0, 0])) / 1000, rel=1e-6)
