"""Older forms of models, rewritten: the same weights, and a tokenizer that cuts where it should."""

import json

import numpy as np
import pytest
import torch
import transformers

from dimscope.config import ModelConfig
from dimscope.errors import ModelError
from dimscope.models.convert import ANY_LETTER, SMILES_TOKENS, convert_gguf, convert_pickle
from dimscope.models.load import load_model

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "C", "[C@H]", "(", ")", "O", "Cl", ".", "Br", ">>", "=", "%11", "B"]


def write_pickle(folder, drop=""):
    """A BERT of two blocks as older packages keep it: a prefix on every name, no model type, a head beside the encoder."""
    folder.mkdir()
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=32,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.BertModel(config).eval()
    states = {f"bert.{name}": value for name, value in model.state_dict().items() if name != drop and "pooler" not in name}
    torch.save({**states, "cls.predictions.bias": torch.zeros(3)}, folder / "pytorch_model.bin")
    content = {key: value for key, value in config.to_dict().items() if key not in ("model_type", "architectures")}
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    return model


def test_the_same_weights_come_back(tmp_path, capfd):
    model = write_pickle(tmp_path / "old")
    place = convert_pickle(tmp_path / "old", tmp_path / "new", model_type="bert", pattern=SMILES_TOKENS)
    loaded = load_model(ModelConfig(name=str(place)))
    ids = torch.tensor([[2, 5, 6, 9, 3]])
    with torch.inference_mode():
        states = [found(input_ids=ids).last_hidden_state.numpy() for found in (model, loaded.model)]
    np.testing.assert_array_equal(*states)
    assert loaded.max_tokens == 32
    assert capfd.readouterr().err == ""  # no bar of the library while it writes


@pytest.mark.parametrize(
    ("pattern", "text", "tokens"),
    [
        (
            SMILES_TOKENS,
            "C[C@H](O)Cl.Br>>C=O%11B",
            ["C", "[C@H]", "(", "O", ")", "Cl", ".", "Br", ">>", "C", "=", "O", "%11", "B"],
        ),
        (SMILES_TOKENS, "C[Xe]", ["C", "[UNK]"]),
        (ANY_LETTER, "COB", ["C", "O", "B"]),
    ],
)
def test_one_token_per_atom_or_letter_between_two_ends(tmp_path, pattern, text, tokens):
    write_pickle(tmp_path / "old")
    place = convert_pickle(tmp_path / "old", tmp_path / "new", model_type="bert", pattern=pattern)
    tokenizer = transformers.AutoTokenizer.from_pretrained(place)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == ["[CLS]", *tokens, "[SEP]"]


def test_a_missing_parameter_is_named(tmp_path):
    write_pickle(tmp_path / "old", drop="encoder.layer.1.output.dense.bias")
    with pytest.raises(ModelError, match=r"lacks 1 parameters of its encoder \(encoder.layer.1.output.dense.bias\)"):
        convert_pickle(tmp_path / "old", tmp_path / "new", model_type="bert", pattern=ANY_LETTER)
    assert not (tmp_path / "new").exists()


def test_what_was_converted_before_is_left_alone(tmp_path):
    write_pickle(tmp_path / "old")
    place = convert_pickle(tmp_path / "old", tmp_path / "new", model_type="bert", pattern=ANY_LETTER)
    before = (place / "model.safetensors").stat().st_mtime_ns
    (tmp_path / "old" / "pytorch_model.bin").unlink()
    convert_pickle(tmp_path / "old", tmp_path / "new", model_type="bert", pattern=ANY_LETTER)
    assert (place / "model.safetensors").stat().st_mtime_ns == before


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"model.gguf cannot be read .* needs the packages gguf and accelerate"):
        convert_gguf(tmp_path / "model.gguf", tmp_path / "new")
    assert not (tmp_path / "new").exists()
