"""The two sides of encoder-decoders and the towers of multi-modal models, against calls of transformers by hand."""

import numpy as np
import pytest
import torch
import transformers

from dimscope.config import ModelConfig
from dimscope.errors import ModelError
from dimscope.models.blocks import find_stack
from dimscope.models.controls import with_fresh_weights
from dimscope.models.load import load_model
from dimscope.models.parts import DecoderSide, part_of
from dimscope.models.reader import Reader
from dimscope.models.tokens import tokenize
from tiny import COMMON, ENCODERS, ENDS, VOCABULARY, make_texts, make_tokenizer

SIZES = {"vocab_size": len(VOCABULARY), "d_model": 32, "encoder_layers": 2, "decoder_layers": 4, "pad_token_id": 0, **ENDS}
HEADS = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
TOWER = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
T5 = {"vocab_size": len(VOCABULARY), "d_model": 32, "num_heads": 4, "d_ff": 48, "d_kv": 8, "pad_token_id": 0}
SIDES = {
    "t5": transformers.T5Config(**T5, num_layers=2, num_decoder_layers=4, decoder_start_token_id=0),
    "bart": transformers.BartConfig(**SIZES, **HEADS, max_position_embeddings=48, decoder_start_token_id=2),
}
TEXTS = make_texts(9)
NAMES = [str(number) for number in range(len(TEXTS))]


@pytest.fixture(scope="module", params=list(SIDES))
def folder(request, tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp(request.param)
    model = transformers.AutoModel.from_config(SIDES[request.param]).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    make_tokenizer(True).save_pretrained(folder)
    return folder


def read(folder, **options):
    config = ModelConfig(name=str(folder), **options)
    loaded = load_model(config)
    reader = Reader(loaded, tokenize(loaded, TEXTS, NAMES, config.special_tokens, config.pool), NAMES, config)
    reader.probe()
    return reader.read(np.arange(len(TEXTS)), lambda _: None)[config.pool], reader


def decoder_states(folder):
    """Pooled decoder states, one text at a time, through the whole model: it gets the text behind its start token."""
    whole = transformers.AutoModel.from_pretrained(folder).eval()
    rows = []
    for text in TEXTS:
        inputs = make_tokenizer(True)([text], return_tensors="pt", return_special_tokens_mask=True)
        ids = inputs["input_ids"]
        shifted = torch.cat([torch.tensor([[whole.config.decoder_start_token_id]]), ids[:, :-1]], dim=1)
        with torch.no_grad():
            states = whole(input_ids=ids, decoder_input_ids=shifted, output_hidden_states=True).decoder_hidden_states
        content = ~inputs["special_tokens_mask"][0].bool()
        rows.append([state[0][content].mean(dim=0).numpy() for state in states])
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_decoder_side_equals_the_whole_model(folder, batch_size):
    found, reader = read(folder, stack="decoder", batch_size=batch_size)
    expected = decoder_states(folder)
    assert reader.n_layers == 4 == len(expected) - 1
    near(found["embed_00"], expected[0])
    for layer in (1, 2, 3):
        near(found[f"block_{layer:02d}"], expected[layer])
    near(found["final_norm_04" if "final_norm_04" in found else "block_04"], expected[4])
    assert reader.loaded.facts["is_causal"]


def test_padding_on_the_left_leaves_the_decoder_side_of_t5_as_it_is(tmp_path):
    transformers.AutoModel.from_config(SIDES["t5"]).save_pretrained(tmp_path)
    make_tokenizer(True).save_pretrained(tmp_path)
    found, left = read(tmp_path, stack="decoder")[0], read(tmp_path, stack="decoder", padding="left")[0]
    for name, states in found.items():
        near(left[name], states)


def test_the_encoder_side_is_what_is_read_by_default(folder):
    found, named = read(folder)[0], read(folder, stack="encoder")[0]
    assert list(found) == list(named)
    for name, states in found.items():
        np.testing.assert_array_equal(named[name], states)


@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_fresh_weights_are_those_of_the_same_side(folder, stack):
    loaded = load_model(ModelConfig(name=str(folder), stack=stack))
    fresh = with_fresh_weights(loaded, 3)
    assert type(fresh.model) is type(loaded.model)
    assert find_stack(fresh.model).n_layers == find_stack(loaded.model).n_layers == {"encoder": 2, "decoder": 4}[stack]


def test_the_towers_of_a_multi_modal_model():
    clip = transformers.AutoModel.from_config(
        transformers.CLIPConfig(text_config={**COMMON, **ENDS}, vision_config={**TOWER, "image_size": 16, "patch_size": 8})
    )
    assert find_stack(part_of(clip, "text")).n_layers == 3
    assert find_stack(part_of(clip, "vision")).n_layers == 2
    assert part_of(clip, "auto") is clip


@pytest.mark.parametrize(
    ("stack", "text"),
    [
        ("vision", "--stack vision was asked for; BertModel has no vision tower"),
        ("decoder", "--stack decoder was asked for; BertModel is not an encoder-decoder, it has one side"),
    ],
)
def test_a_part_that_is_not_there(stack, text):
    with pytest.raises(ModelError, match=text):
        part_of(transformers.AutoModel.from_config(ENCODERS["bert"]()), stack)


def test_a_decoder_without_a_start_token():
    model = transformers.AutoModel.from_config(transformers.T5Config(**T5, num_layers=2, decoder_start_token_id=None))
    model.config.decoder_start_token_id = None
    with pytest.raises(ModelError, match="--stack decoder needs a start token; the configuration of T5Model names none"):
        DecoderSide(model)
