"""Vision transformers read from disk: their own preprocessing, their own hidden states, patches apart from the class token."""

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from dimscope.config import ModelConfig
from dimscope.errors import InputError
from dimscope.models.controls import with_fresh_weights
from dimscope.models.images import pixel_values, prepare_images
from dimscope.models.load import load_model
from dimscope.models.reader import Reader
from media import IMAGE, N_PATCHES, TOWER, make_images, save_media_model

NAMES = [f"{number}.png" for number in range(7)]
IMAGES = make_images(7)


@pytest.fixture(scope="module", params=["vit", "dinov2", "clip"])
def folder(request, tmp_path_factory):
    return save_media_model(request.param, tmp_path_factory.mktemp(request.param))


def read(loaded, images=IMAGES, **options):
    config = ModelConfig(**options)
    prepared = prepare_images(
        loaded,
        images.__getitem__,
        NAMES[: len(images)],
        np.arange(len(images)),
        special=config.special_tokens,
        pool=config.pool,
    )
    reader = Reader(loaded, prepared, NAMES, config)
    reader.probe()
    return reader.read(np.arange(len(images)), lambda _: None)[config.pool]


def load(folder, **options):
    return load_model(ModelConfig(name=str(folder), **options), "image")


def states_of(folder):
    """Hidden states of all images by the library alone: its processor on Pillow images, its model."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = getattr(model, "vision_model", model)
    pixels = processor(images=[Image.fromarray(image) for image in IMAGES], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        output = model(pixel_values=pixels, output_hidden_states=True)
    return pixels, output


def near(found, expected):
    expected = expected.numpy()
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_preprocessing_is_that_of_the_model(folder):
    pixels, _ = states_of(folder)
    assert torch.equal(pixel_values(load(folder), IMAGES, NAMES), pixels)


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({}, slice(1, None)),
        ({"special_tokens": "include"}, slice(None)),
        ({"pool": "cls"}, slice(0, 1)),
        ({"pool": "last"}, slice(-1, None)),
        ({"pool": "position:0"}, slice(1, 2)),
    ],
    ids=["patches", "all", "class token", "last patch", "first patch"],
)
def test_pooling_of_every_layer(folder, options, places):
    _, output = states_of(folder)
    found = read(load(folder), **options)
    hidden = output.hidden_states
    for layer, name in enumerate(["embed_00", "block_01", "block_02"]):
        near(found[name], hidden[layer][:, places].mean(dim=1))
    assert hidden[0].shape[1] == N_PATCHES + 1
    if "final_norm_03" in found:
        near(found["final_norm_03"], output.last_hidden_state[:, places].mean(dim=1))
    else:
        near(found["block_03"], hidden[3][:, places].mean(dim=1))


@pytest.mark.parametrize("batch_size", [1, 3])
def test_batches_do_not_matter(folder, batch_size):
    loaded = load(folder)
    usual, other = read(loaded), read(loaded, batch_size=batch_size)
    for name, vectors in usual.items():
        assert np.abs(vectors - other[name]).max() <= 1e-5 * np.abs(vectors).max()


def test_images_are_decoded_once_and_only_for_their_batch(folder):
    opened = []

    def decode(row):
        opened.append(row)
        return IMAGES[row]

    loaded = load(folder)
    prepared = prepare_images(loaded, decode, NAMES, np.arange(7))
    assert opened == [0]  # one is tried
    reader = Reader(loaded, prepared, NAMES, ModelConfig(batch_size=2))
    seen = []
    opened.clear()
    reader.read(np.arange(7), lambda n: seen.append((n, len(opened))))
    assert sorted(opened) == list(range(7))
    assert all(read <= 2 * (number + 2) for number, (_, read) in enumerate(seen))  # at most the next batch is there already


def test_equal_images_need_not_be_of_equal_names(folder):
    prepared = prepare_images(load(folder), IMAGES.__getitem__, NAMES, np.array([0, 0, 2, 3, 4, 5, 6]))
    assert prepared.duplicate_of.tolist() == [0, 0, 2, 3, 4, 5, 6]
    assert not prepared.truncated.any()
    assert prepared.lengths.tolist() == [N_PATCHES + 1] * 7


def test_fresh_weights_give_other_vectors_of_the_same_tower(folder):
    loaded = load(folder)
    fresh = with_fresh_weights(loaded, 1)
    assert type(fresh.model) is type(loaded.model)
    first, second = read(loaded), read(fresh)
    assert first.keys() == second.keys()
    assert not np.allclose(first["block_02"], second["block_02"])
    assert np.array_equal(second["block_02"], read(with_fresh_weights(loaded, 1))["block_02"])


def test_half_precision_is_near(folder):
    exact, rough = read(load(folder))["block_02"], read(load(folder, dtype="bfloat16"))["block_02"]
    assert 0 < np.abs(exact - rough).max() < 0.05 * np.abs(exact).max()


def test_a_model_without_a_class_token(tmp_path):
    torch.manual_seed(0)
    model = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**TOWER, **IMAGE))
    model.save_pretrained(tmp_path)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(tmp_path)
    loaded = load(tmp_path)
    assert prepare_images(loaded, IMAGES.__getitem__, NAMES, np.arange(7)).content[0].tolist() == [True] * N_PATCHES
    with pytest.raises(InputError, match=r"puts no class token in front of the patches; choose --pool mean\."):
        prepare_images(loaded, IMAGES.__getitem__, NAMES, np.arange(7), pool="mean,cls")


def test_a_model_of_gray_images(tmp_path):
    torch.manual_seed(0)
    transformers.ViTModel(transformers.ViTConfig(**TOWER, **IMAGE, num_channels=1)).save_pretrained(tmp_path)
    processor = transformers.ViTImageProcessor(size={"height": 16, "width": 16}, image_mean=[0.5], image_std=[0.5])
    processor.save_pretrained(tmp_path)
    loaded = load(tmp_path)
    gray = [np.repeat(image[:, :, :1], 3, axis=2) for image in IMAGES]
    found = pixel_values(loaded, gray, NAMES)
    expected = processor(images=[image[:, :, :1] for image in gray], input_data_format="channels_last", return_tensors="pt")
    assert torch.equal(found, expected["pixel_values"])
    assert read(loaded, gray)["embed_00"].shape == (7, 32)


def test_sizes_that_the_processor_leaves_apart_are_named(tmp_path):
    folder = save_media_model("dinov2", tmp_path)
    processor = transformers.BitImageProcessor(do_resize=False, do_center_crop=False)
    processor.save_pretrained(folder)
    images = [np.zeros((16, 16, 3), dtype=np.uint8), np.zeros((16, 20, 3), dtype=np.uint8)]
    with pytest.raises(InputError) as caught:
        pixel_values(load(folder), images, ["a.png", "b.png"])
    assert str(caught.value) == (
        f"the image processor of {folder} leaves images at different sizes (a.png: 16 x 16, b.png: 16 x 20); give images of "
        "one size."
    )
