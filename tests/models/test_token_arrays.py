"""Token ids without a tokenizer: rows of arrays, and images as the colours of an ImageGPT."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from dimscope.config import ModelConfig
from dimscope.errors import InputError, ModelError
from dimscope.models.imagegpt import ImageReader
from dimscope.models.load import load_model
from dimscope.models.reader import Reader
from dimscope.models.token_arrays import color_processor, color_rows, tokenize_rows
from media import N_COLORS, N_PIXELS, make_images, save_media_model
from tiny import VOCABULARY, save_model

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, N_COLORS, size=(9, N_PIXELS))
CLUSTERS = RNG.uniform(-1, 1, size=(N_COLORS, 3))
NAMES = [str(number) for number in range(9)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_media_model("imagegpt", tmp_path_factory.mktemp("imagegpt"))


def load(folder, **options):
    return load_model(ModelConfig(name=str(folder), **options), "tokens")


def make_bert(folder):
    """The same weights as those of a model that was trained like BERT."""
    config = transformers.AutoConfig.from_pretrained(folder)
    config.bidirectional = True
    config.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("is_bert", [False, True], ids=["next pixel", "bert"])
@pytest.mark.parametrize("batch_size", [None, 2])
def test_an_image_gpt_is_read_as_in_the_paper(tmp_path, is_bert, batch_size):
    """Every layer equals the paper's reading, in which the start vector counts."""
    folder = save_media_model("imagegpt", tmp_path)
    if is_bert:
        make_bert(folder)
    loaded = load(folder)
    tokens = tokenize_rows(loaded, COLORS.__getitem__, NAMES, special="include")
    reader = Reader(loaded, tokens, NAMES, ModelConfig(site="block_norm", batch_size=batch_size))
    reader.probe()
    found = reader.read(np.arange(9), lambda _: None)["mean"]
    expected = ImageReader(folder, device="cpu").read(COLORS)
    assert list(found) == ["block_norm_00", "block_norm_01", "block_norm_02", "final_norm_03"]
    for vectors, layer in zip(found.values(), expected, strict=True):
        assert np.abs(vectors - expected[layer]).max() <= 1e-5 * np.abs(expected[layer]).max()


def test_the_start_vector_is_special(folder):
    loaded = load(folder)
    tokens = tokenize_rows(loaded, COLORS.__getitem__, NAMES)
    assert tokens.ids[3].tolist() == [N_COLORS, *COLORS[3, :-1]]
    assert tokens.content[3].tolist() == [False] + [True] * (N_PIXELS - 1)
    assert tokens.special[3].tolist() == [True] + [False] * (N_PIXELS - 1)
    every = tokenize_rows(loaded, COLORS.__getitem__, NAMES, special="include")
    assert every.content[3].all()


def test_a_bert_variant_has_no_start_vector(tmp_path):
    loaded = load(make_bert(save_media_model("imagegpt", tmp_path)))
    tokens = tokenize_rows(loaded, COLORS.__getitem__, NAMES)
    assert np.array_equal(np.stack(tokens.ids), COLORS)
    assert all(mask.all() for mask in tokens.content)


def test_ids_for_a_model_of_texts(tmp_path):
    """They are read as the same texts are, and rows longer than the model reads are cut and marked."""
    loaded = load(save_model("gpt2", tmp_path), max_tokens=6)
    rows = [np.array([5, 6, 7]), np.arange(5, 13), np.array([5, 6, 7]), np.array([8])]
    tokens = tokenize_rows(loaded, rows.__getitem__, NAMES[:4])
    assert loaded.tokenizer is None
    assert [row.tolist() for row in tokens.ids] == [[5, 6, 7], [5, 6, 7, 8, 9, 10], [5, 6, 7], [8]]
    assert tokens.truncated.tolist() == [False, True, False, False]
    assert tokens.duplicate_of.tolist() == [0, 1, 0, 3]
    batch = tokens.make_batch(loaded, np.array([0, 3]), "right")
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.content.tolist() == batch.mask.tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("worst", [-1, len(VOCABULARY)])
def test_unknown_ids_are_named(tmp_path, worst):
    loaded = load(save_model("gpt2", tmp_path))
    rows = [np.array([5, 6]), np.array([7, worst])]
    text = (
        rf'^the example "1" holds tokens {min(7, worst)} to {max(7, worst)}; .* has embeddings of 0 to {len(VOCABULARY) - 1}\.'
    )
    with pytest.raises(InputError, match=text):
        tokenize_rows(loaded, rows.__getitem__, NAMES[:2])


def test_the_start_vector_is_no_colour(folder):
    with pytest.raises(InputError, match=rf"has embeddings of 0 to {N_COLORS - 1}\. They do not belong together"):
        tokenize_rows(load(folder), [np.full(N_PIXELS, N_COLORS)].__getitem__, NAMES[:1])


def test_images_become_the_nearest_colours(folder):
    """Against distances to every cluster, and against the library's own processor on Pillow images."""
    loaded = load(folder)
    images = [image[:8, :8] for image in make_images(20)]
    processor = color_processor(loaded, CLUSTERS, "c.npy")
    found = np.stack(list(color_rows(images.__getitem__, 20, processor)))
    own = processor(images=[Image.fromarray(image) for image in images])["input_ids"]
    assert np.array_equal(found, np.asarray(own))
    scaled = np.stack(images).reshape(20, N_PIXELS, 1, 3) / 127.5 - 1
    assert np.array_equal(found, ((scaled - CLUSTERS) ** 2).sum(axis=-1).argmin(axis=-1))


def test_larger_images_are_resized_to_the_square_of_the_model(folder):
    images = make_images(3)
    found = np.stack(list(color_rows(images.__getitem__, 3, color_processor(load(folder), CLUSTERS, ""))))
    assert found.shape == (3, N_PIXELS)


def test_colours_come_from_the_model_or_from_a_file(folder):
    loaded = load(folder)
    with pytest.raises(
        ModelError, match=r"has no preprocessor_config\.json with colour clusters; name a file of them with --clu"
    ):
        color_processor(loaded, None)
    own = SimpleNamespace(clusters=CLUSTERS)
    with_own = SimpleNamespace(processor=own, model=loaded.model, name="mine")
    assert color_processor(with_own, None) is own
    for wrong in (CLUSTERS[:5], CLUSTERS.T, (CLUSTERS * 100).astype(int), CLUSTERS * 127):
        with pytest.raises(
            InputError, match=rf"^c\.npy holds an array of .* needs {N_COLORS} colours \(rows\) of 3 numbers in -1"
        ):
            color_processor(loaded, wrong, "c.npy")


def test_ids_take_the_narrowest_numbers(folder):
    tokens = tokenize_rows(load(folder), COLORS.__getitem__, NAMES)
    assert tokens.ids[0].dtype == np.uint8
    batch = tokens.make_batch(load(folder), np.array([0]), "right")
    assert batch.inputs["input_ids"].dtype == torch.int64
