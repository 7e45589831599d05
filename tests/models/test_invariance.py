"""Every family that the documentation names: neither the batch nor the padding nor the code of the attention changes a vector.

The models are tiny and random; each is read from its own kind of file through the door of a run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from dimscope.config import config_from
from dimscope.inputs.examples import read_examples
from dimscope.models.reader import Reader
from dimscope.pipeline.prepare import prepare
from dimscope.progress import Silent
from media import N_COLORS, N_PIXELS, TOWER, save_media_model, write_images, write_sounds
from proteins import PROTEIN_MODELS, save_protein_model, write_fasta
from tiny import FAMILIES, GROUPED, VOCABULARY, make_texts, make_tokenizer, save_model

N_EXAMPLES = 15
ONE_CODE = {"gemma2", "mpnet", "imagegpt"}
"""Families whose attention transformers computes in one way only."""


@dataclass(frozen=True)
class Case:
    """How the model and the data of a family are written, and what else is asked for."""

    save: Callable[[str, Path], object]
    write: Callable[[Path], object]
    data: str = "texts.txt"
    options: dict[str, str] = field(default_factory=dict)
    is_padded: bool = True


def write_texts(path):
    path.write_text("\n".join(make_texts(N_EXAMPLES)), encoding="utf-8")


def save_text_model(config, folder, tokenizer):
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_qwen2(_, folder):
    letters = {letter: number for number, letter in enumerate(["<|endoftext|>", "Ġ", "w", *map(str, range(10))])}
    tokenizer = transformers.Qwen2Tokenizer(vocab=letters, merges=[], model_max_length=40)
    save_text_model(transformers.Qwen2Config(**GROUPED), folder, tokenizer)


def save_clip(_, folder):
    text = {**TOWER, "vocab_size": len(VOCABULARY), "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 48}
    vision = {**TOWER, "image_size": 16, "patch_size": 8}
    save_text_model(transformers.CLIPConfig(text_config=text, vision_config=vision), folder, make_tokenizer(True))


def write_colors(path):
    np.save(path, np.random.default_rng(0).integers(0, N_COLORS, size=(N_EXAMPLES, N_PIXELS)))


TEXTS = {name: Case(save_model, write_texts) for name in FAMILIES}
PROTEINS = {
    name: Case(save_protein_model, lambda path: write_fasta(path, N_EXAMPLES), "chains.fasta") for name in PROTEIN_MODELS
}
IMAGES = {
    name: Case(save_media_model, lambda path: write_images(path, N_EXAMPLES), "images", is_padded=False)
    for name in ("vit", "dinov2", "clip")
}
CASES = {
    **TEXTS,
    **PROTEINS,
    **IMAGES,
    "qwen2": Case(save_qwen2, write_texts),
    "t5 decoder": Case(lambda _, folder: save_model("t5", folder), write_texts, options={"stack": "decoder"}),
    "clip text": Case(save_clip, write_texts, options={"stack": "text"}),
    "imagegpt": Case(save_media_model, write_colors, "colors.npy", is_padded=False),
    "whisper": Case(save_media_model, lambda path: write_sounds(path, N_EXAMPLES), "sounds", is_padded=False),
}


def change_attention(model, attention):
    whole = getattr(model, "whole", model)  # the decoder side of an encoder-decoder stands around the whole
    parts = [part for part in whole.modules() if isinstance(part, transformers.PreTrainedModel)]
    assert all(part.config._attn_implementation != attention for part in parts)
    whole.set_attn_implementation(attention)
    assert all(part.config._attn_implementation == attention for part in parts)


@pytest.fixture(scope="module", params=list(CASES))
def reading(request, tmp_path_factory):
    """A function from options of the model and a kind of attention to the vectors of every layer."""
    case, place = CASES[request.param], tmp_path_factory.mktemp("case")
    data = place / case.data
    case.save(request.param, place / "model")
    case.write(data)

    def read(attention=None, **options):
        chosen = {"name": str(place / "model"), **case.options, **options}
        config = config_from({"data": {"path": str(data)}, "model": chosen, "measure": {"k": 5, "overlap_k": 5}})
        examples = read_examples(config.data)
        loaded, prepared = prepare(config, examples, Silent())
        if attention is not None:
            change_attention(loaded.model, attention)
        reader = Reader(loaded, prepared, examples.ids, config.model)
        reader.probe()
        return reader.read(np.arange(N_EXAMPLES), lambda _: None)["mean"]

    read.usual = read()
    return read


def assert_equal(found, expected):
    """Equal up to the rounding of float32 sums in another order."""
    assert list(found) == list(expected)
    for layer, states in expected.items():
        np.testing.assert_allclose(found[layer], states, rtol=1e-5, atol=1e-5 * np.abs(states).max(), err_msg=layer)


def test_examples_are_told_apart(reading):
    """Otherwise nothing below could fail."""
    for states in reading.usual.values():
        assert len(np.unique(states, axis=0)) == N_EXAMPLES


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_batch_does_not_matter(reading, batch_size):
    assert_equal(reading(batch_size=batch_size), reading.usual)


@pytest.mark.parametrize("reading", [name for name, case in CASES.items() if case.is_padded], indirect=True)
def test_the_side_of_the_padding_does_not_matter(reading):
    assert_equal(reading(padding="left", batch_size=7), reading.usual)


@pytest.mark.parametrize("reading", [name for name in CASES if name not in ONE_CODE], indirect=True)
def test_the_code_of_the_attention_does_not_matter(reading):
    assert_equal(reading("eager"), reading.usual)
