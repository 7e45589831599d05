"""Fresh weights and shuffled tokens: what changes, and what must not."""

import numpy as np
import pytest
import torch

from dimscope.config import ModelConfig
from dimscope.models.controls import with_fresh_weights, with_shuffled_tokens
from dimscope.models.load import load_model
from dimscope.models.tokens import tokenize
from tiny import FAMILIES, make_texts, save_model

TEXTS = [*make_texts(30, seed=2), "w1 w2 w3 w4 w5 w6", "w1 w2 w3 w4 w5 w6", "w7"]
NAMES = [str(row) for row in range(len(TEXTS))]


@pytest.fixture(scope="module")
def loaded(bert):
    return load_model(ModelConfig(name=str(bert)))


@pytest.fixture(scope="module")
def tokens(loaded):
    return tokenize(loaded, TEXTS, NAMES, "include", "mean")


def test_special_tokens_stay_and_the_others_are_permuted(tokens):
    shuffled = with_shuffled_tokens(tokens, seed=0)
    moved = 0
    for old, new in zip(tokens.ids, shuffled.ids, strict=True):
        assert (new[0], new[-1]) == (old[0], old[-1]) == (1, 2)
        assert sorted(new) == sorted(old)
        moved += not np.array_equal(new, old)
    assert moved > 20
    assert [list(mask) for mask in shuffled.content] == [list(mask) for mask in tokens.content]


def test_equal_texts_stay_equal_and_orders_are_seeded(tokens):
    shuffled = with_shuffled_tokens(tokens, seed=0)
    assert np.array_equal(shuffled.ids[30], shuffled.ids[31])
    assert shuffled.duplicate_of[31] == 30
    again = with_shuffled_tokens(tokens, seed=0)
    other = with_shuffled_tokens(tokens, seed=1)
    assert all(map(np.array_equal, shuffled.ids, again.ids))
    assert not all(map(np.array_equal, shuffled.ids, other.ids))


def test_texts_that_become_equal_are_recognised(loaded):
    both = tokenize(loaded, ["w1 w2", "w2 w1"] * 20, [str(row) for row in range(40)], "exclude", "mean")
    shuffled = with_shuffled_tokens(both, seed=3)
    first = {tuple(ids): row for row, ids in reversed(list(enumerate(shuffled.ids)))}
    assert [first[tuple(ids)] for ids in shuffled.ids] == list(shuffled.duplicate_of)


def test_fresh_weights_are_seeded_and_leave_the_random_state_alone(loaded):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fresh = with_fresh_weights(loaded, 0)
    assert torch.equal(torch.rand(3), expected)
    again, other = with_fresh_weights(loaded, 0), with_fresh_weights(loaded, 1)
    weights = [model.model.encoder.layer[1].attention.self.query.weight.detach() for model in (loaded, fresh, again, other)]
    assert torch.equal(weights[1], weights[2])
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[3])
    # BERT draws its weights with a standard deviation of initializer_range; the tiny model's own are five times as wide.
    assert float(weights[1].std()) == pytest.approx(loaded.model.config.initializer_range, rel=0.1)
    assert fresh.weights_hash == "none: fresh weights of seed 0"
    assert not fresh.model.training


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_can_start_again(name, tmp_path):
    old = load_model(ModelConfig(name=str(save_model(name, tmp_path))))
    fresh = with_fresh_weights(old, 0)
    assert type(fresh.model) is type(old.model)
    shapes = [{key: value.shape for key, value in model.state_dict().items()} for model in (old.model, fresh.model)]
    assert shapes[0] == shapes[1]
    assert fresh.facts["is_causal"] == old.facts["is_causal"]
