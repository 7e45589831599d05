"""What is read from a model equals transformers' own hidden states, whatever the order; `test_invariance.py` has the batch."""

from functools import cache

import numpy as np
import pytest
import torch

from dimscope.config import ModelConfig
from dimscope.errors import ModelError
from dimscope.models.load import load_model
from dimscope.models.reader import Reader
from dimscope.models.tokens import tokenize
from tiny import DECODERS, FAMILIES, N_LAYERS, WITHOUT_FINAL_NORM, make_texts, save_model

TEXTS = make_texts(15)
NAMES = [str(number) for number in range(len(TEXTS))]


@pytest.fixture(scope="module", params=list(FAMILIES))
def family(request, tmp_path_factory):
    return request.param, save_model(request.param, tmp_path_factory.mktemp(request.param))


@cache
def load(folder):
    return load_model(ModelConfig(name=str(folder)))


def read(folder, texts=TEXTS, **options):
    config = ModelConfig(name=str(folder), **options)
    loaded = load(folder)
    tokens = tokenize(loaded, texts, NAMES, config.special_tokens, config.pool)
    reader = Reader(loaded, tokens, NAMES, config)
    return reader.read(np.arange(len(texts)), lambda _: None)[config.pool], reader


def hidden_states(folder, pool):
    """One example at a time, nothing padded: pooled states of layer 0 to n, as transformers reports them."""
    loaded = load(folder)
    rows = []
    for text in TEXTS:
        inputs = loaded.tokenizer([text], return_tensors="pt", return_special_tokens_mask=True)
        content = ~inputs["special_tokens_mask"][0].bool()
        with torch.no_grad():
            states = loaded.model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
            ).hidden_states
        rows.append([pool(state[0], content).double().numpy() for state in states])
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


POOLS = {
    "mean": lambda state, content: state[content].mean(dim=0),
    "last": lambda state, content: state[torch.nonzero(content).max()],
}


@pytest.mark.parametrize("pool", list(POOLS))
def test_every_layer_equals_the_hidden_states(family, pool):
    name, folder = family
    found, reader = read(folder, pool=pool)
    expected = hidden_states(folder, POOLS[pool])
    assert reader.n_layers == N_LAYERS == len(expected) - 1
    np.testing.assert_allclose(found["embed_00"], expected[0], rtol=1e-5, atol=1e-5 * np.abs(expected[0]).max())
    for layer in range(1, N_LAYERS):
        scale = np.abs(expected[layer]).max()
        np.testing.assert_allclose(found[f"block_{layer:02d}"], expected[layer], rtol=1e-5, atol=1e-5 * scale)
    last = "block_03" if name in WITHOUT_FINAL_NORM else "final_norm_03"
    if name != "opt_350m":  # its last hidden state is projected to another width; the block is read before that
        np.testing.assert_allclose(found[last], expected[-1], rtol=1e-5, atol=1e-5 * np.abs(expected[-1]).max())


def test_the_final_norm_is_a_site_of_its_own(family):
    name, folder = family
    found, reader = read(folder)
    assert ("final_norm_03" in found) == (name not in WITHOUT_FINAL_NORM)
    for layer in reader.layers:
        assert reader.loaded.model.get_submodule(layer.module.removesuffix(" (input)")) is not None


def test_the_order_of_the_examples_does_not_matter(family):
    found, _ = read(family[1])
    order = np.random.default_rng(3).permutation(len(TEXTS))
    again, _ = read(family[1], texts=[TEXTS[row] for row in order])
    for layer, states in found.items():
        np.testing.assert_allclose(again[layer], states[order], rtol=1e-5, atol=1e-5 * np.abs(states).max())


@pytest.mark.parametrize("name", ["gpt2", "llama", "bert"])
def test_a_tokenizer_that_pads_on_the_left_changes_nothing(name, tmp_path):
    right, _ = read(save_model(name, tmp_path / "right"))
    left, _ = read(save_model(name, tmp_path / "left", padding_side="left"))
    for layer, states in right.items():
        np.testing.assert_array_equal(left[layer], states)


@pytest.mark.parametrize("name", ["bert", "esm", "modernbert"])
def test_special_tokens_are_in_the_mean_only_when_asked(name, tmp_path):
    folder = save_model(name, tmp_path)
    expected = hidden_states(folder, lambda state, _: state.mean(dim=0))
    found, _ = read(folder, special_tokens="include")
    np.testing.assert_allclose(found["block_01"], expected[1], rtol=1e-5, atol=1e-5 * np.abs(expected[1]).max())
    without, _ = read(folder)
    assert np.abs(without["block_01"] - found["block_01"]).max() > 1e-3


def test_cls_is_the_first_token(tmp_path):
    folder = save_model("bert", tmp_path)
    expected = hidden_states(folder, lambda state, _: state[0])
    for padding in ("right", "left"):
        found, _ = read(folder, pool="cls", padding=padding)
        np.testing.assert_allclose(found["block_02"], expected[2], rtol=1e-5, atol=1e-5 * np.abs(expected[2]).max())


@pytest.mark.parametrize("name", ["gpt2", "llama", "modernbert", "esm"])
def test_block_norm_is_the_normalised_input_of_each_block(name, tmp_path):
    folder = save_model(name, tmp_path)
    found, reader = read(folder, site="block_norm")
    names = [str(layer) for layer in reader.layers]
    assert names == ["block_norm_00", "block_norm_01", "block_norm_02", "final_norm_03"]
    expected = hidden_states(folder, lambda state, _: state.mean(dim=0))
    module = reader.loaded.model.get_submodule(reader.layers[1].module)
    inputs = reader.loaded.tokenizer([TEXTS[0]], return_tensors="pt")
    with torch.no_grad():
        states = reader.loaded.model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
        ).hidden_states
        by_hand = module(states[1])[0]
    content = ~np.array(
        reader.loaded.tokenizer([TEXTS[0]], return_special_tokens_mask=True)["special_tokens_mask"][0], dtype=bool
    )
    np.testing.assert_allclose(found["block_norm_01"][0], by_hand[content].mean(dim=0).numpy(), rtol=1e-4, atol=1e-5)
    assert len(expected) == N_LAYERS + 1


@pytest.mark.parametrize("name", ["bert", "roberta", "mpnet", "distilbert"])
def test_block_norm_of_blocks_that_norm_afterwards_is_refused(name, tmp_path):
    with pytest.raises(ModelError, match="--site block"):
        read(save_model(name, tmp_path), site="block_norm")


@pytest.mark.parametrize("name", ["bert", "gpt2", "llama"])
def test_blocks_behind_the_last_wanted_layer_do_not_run(name, tmp_path):
    folder = save_model(name, tmp_path)
    whole, _ = read(folder)
    config = ModelConfig(name=str(folder), layers="0:1")
    loaded = load_model(config)
    reader = Reader(loaded, tokenize(loaded, TEXTS, NAMES, "exclude", "mean"), NAMES, config)
    calls = []
    for block in reader.capture.stack.blocks:
        block.register_forward_hook(lambda module, *_: calls.append(module))
    found = reader.read(np.arange(len(TEXTS)), lambda _: None)["mean"]
    assert list(found) == ["embed_00", "block_01"]
    assert set(calls) <= {reader.capture.stack.blocks[0]}
    np.testing.assert_array_equal(found["block_01"], whole["block_01"])


@pytest.mark.parametrize("name", list(DECODERS))
def test_later_tokens_do_not_change_the_last_token_of_a_decoder(name, tmp_path):
    folder = save_model(name, tmp_path)
    texts = ["w1 w2 w3", "w1 w2 w3 w4 w5"]
    config = ModelConfig(name=str(folder), pool="last", layers="1")
    loaded = load_model(config)
    found, alone = (
        Reader(loaded, tokenize(loaded, some, NAMES, "exclude", "last"), NAMES, config).read(
            np.arange(len(some)), lambda _: None
        )
        for some in (texts, texts[:1])
    )
    found, alone = found["last"], alone["last"]
    np.testing.assert_allclose(found["block_01"][0], alone["block_01"][0], rtol=1e-5, atol=1e-6)
