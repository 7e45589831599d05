"""Which tokens count, against slices in numpy."""

import numpy as np
import pytest

from dimscope.config import ModelConfig
from dimscope.errors import InputError
from dimscope.models.load import load_model
from dimscope.models.positions import choose_tokens
from dimscope.models.reader import Reader
from dimscope.models.tokens import tokenize
from tiny import save_model

TEXTS = ["w1 w2 w3 w4", "w5 w6 w7", "w8 w9 w10 w11 w12"]
NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load_model(ModelConfig(name=str(save_model("gpt2", tmp_path_factory.mktemp("gpt2")))))


def read(loaded, **options):
    config = ModelConfig(name=loaded.name, **options)
    tokens = tokenize(loaded, TEXTS, NAMES, config.special_tokens, config.pool)
    tokens = choose_tokens(tokens, NAMES, config.pool, config.skip_first)
    return Reader(loaded, tokens, NAMES, config).read(np.arange(3), lambda _: None)[config.pool]["block_02"]


def states(loaded):
    """Token states of block 2, one text at a time."""
    import torch

    with torch.no_grad():
        ids = [loaded.tokenizer([text], return_tensors="pt")["input_ids"] for text in TEXTS]
        return [loaded.model(input_ids=one, output_hidden_states=True).hidden_states[2][0].numpy() for one in ids]


@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("number", [0, 1, 2, -1, -3])
def test_a_position(loaded, number, padding):
    expected = np.stack([state[number] for state in states(loaded)])
    np.testing.assert_allclose(read(loaded, pool=f"position:{number}", padding=padding), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_the_mean_without_the_first_tokens(loaded, padding):
    for skipped in (0, 1, 2):
        expected = np.stack([state[skipped:].mean(axis=0) for state in states(loaded)])
        found = read(loaded, skip_first=skipped, padding=padding)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_positions_are_counted_behind_what_is_skipped(loaded):
    np.testing.assert_array_equal(read(loaded, skip_first=1, pool="position:0"), read(loaded, pool="position:1"))


def test_special_tokens_are_among_the_first(tmp_path):
    bert = load_model(ModelConfig(name=str(save_model("bert", tmp_path))))
    tokens = tokenize(bert, TEXTS, NAMES, "exclude", "mean")
    found = choose_tokens(tokens, NAMES, "mean", 2)  # [CLS] and the first word
    assert [mask.sum() for mask in found.content] == [3, 2, 4]
    assert [mask[:2].any() for mask in found.content] == [False] * 3


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"pool": "position:4"}, r"--pool position:4 needs 5 content tokens; 2 of 3 examples have fewer \(ids a, b\)\. "),
        ({"pool": "position:-4"}, r"--pool position:-4 needs 4 content tokens; 1 of 3 examples have fewer \(ids b\)\. "),
        ({"skip_first": 3}, r"--skip-first 3 leaves no token of 1 of 3 examples \(ids b\)\. Remove them"),
    ],
)
def test_examples_that_are_too_short_are_named(loaded, options, text):
    with pytest.raises(InputError, match=text):
        read(loaded, **options)
