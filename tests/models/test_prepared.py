"""Batches of examples of any kind: which share one, in which order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope.config import ModelConfig
from dimscope.models.load import load_model
from dimscope.models.prepared import TOKENS_PER_BATCH, fixed_batch, iterate_batches, plan_batches
from dimscope.models.tokens import TokenizedTexts
from tiny import save_model


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return load_model(ModelConfig(name=str(save_model("gpt2", tmp_path_factory.mktemp("gpt2")))))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=80),
    st.none() | st.integers(1, 70),
    st.sampled_from(["cpu", "cuda", "x"]),
)
def test_every_text_is_in_one_batch_of_similar_lengths(lengths, batch_size, device):
    lengths = np.array(lengths)
    batches = plan_batches(lengths, batch_size, device)
    order = np.concatenate(batches)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) <= 0).all()  # longest first
    same = np.diff(lengths[order]) == 0
    assert (np.diff(order)[same] > 0).all()  # ties in order of the file
    for batch in batches:
        if batch_size is not None:
            assert len(batch) <= batch_size
        else:
            assert len(batch) == 1 or len(batch) * lengths[batch].max() <= TOKENS_PER_BATCH.get(device, TOKENS_PER_BATCH["cpu"])
    if batch_size is not None:
        assert len(batches) == -(-len(lengths) // batch_size)


def test_batches_name_the_texts_that_they_hold(decoder):
    tokens = TokenizedTexts([np.arange(5, 5 + n) for n in (2, 9, 4, 9)], [np.ones(n, bool) for n in (2, 9, 4, 9)], None, None)
    found = list(iterate_batches(decoder, tokens, np.array([1, 2, 3]), 2, "right"))
    assert [rows.tolist() for rows, _ in found] == [[1, 3], [2]]
    assert [batch.mask.sum(dim=1).tolist() for _, batch in found] == [[9, 9], [4]]


def test_examples_that_cannot_be_padded_share_a_batch_only_with_equal_lengths(decoder):
    class Unpadded(TokenizedTexts):
        is_padded = False

    lengths = (2, 9, 4, 9, 4, 4)
    tokens = Unpadded([np.arange(5, 5 + n) for n in lengths], [np.ones(n, bool) for n in lengths], None, None)
    found = list(iterate_batches(decoder, tokens, np.arange(6), None, "right"))
    assert [rows.tolist() for rows, _ in found] == [[1, 3], [2, 4, 5], [0]]


def test_a_fixed_batch_takes_the_numbers_of_the_model(tmp_path):
    loaded = load_model(ModelConfig(name=str(save_model("gpt2", tmp_path)), dtype="bfloat16"))
    batch = fixed_batch(loaded, {"pixels": torch.ones(2, 3), "ids": torch.ones(2, 3).long()}, np.array([[0, 1, 1], [1, 0, 0]]))
    assert batch.inputs["pixels"].dtype == torch.bfloat16
    assert batch.inputs["ids"].dtype == torch.int64
    assert batch.content.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert batch.mask.tolist() == [[1, 1, 1], [1, 1, 1]]
