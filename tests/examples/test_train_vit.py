"""The script that trains the vision transformer: it learns from what the processor makes, and the folder is read back."""

import sys

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from sklearn.datasets import load_digits

from dimscope.config import config_from
from dimscope.inputs.examples import read_examples
from loading import loaded


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    with loaded("examples/train_vit.py", "train_vit") as script, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train_vit.py", str(folder), "--steps", "80"])
        script.main()
        yield script, folder


def test_the_processor_makes_what_was_learned_from(written):
    script, folder = written
    pictures = script.as_pictures(np.arange(3 * 64).reshape(3, 64) % 17)
    assert (pictures.min(), pictures.max(), pictures.dtype) == (0, 255, np.uint8)
    processor = transformers.AutoImageProcessor.from_pretrained(folder / "model")
    images = [Image.fromarray(picture).convert("RGB") for picture in pictures]
    torch.testing.assert_close(
        processor(images=images, return_tensors="pt")["pixel_values"], script.as_pixels(pictures), rtol=1e-6, atol=1e-6
    )


def test_the_folder_holds_the_images_that_the_model_never_saw(written):
    script, folder = written
    found = read_examples(config_from({"data": {"path": str(folder / "images"), "label": "class"}}).data)
    data = load_digits()
    numbers = [int(name.split("/")[1].removesuffix(".png")) for name in found.ids]
    assert sorted(numbers) == list(range(len(data.target) // 2))
    assert [int(label) for label in found.labels] == data.target[1::2][numbers].tolist()
    expected = script.as_pictures(data.data[1::2])[numbers]
    assert all((found.contents.read(row) == expected[row][..., None]).all() for row in (0, 100, 897))


def test_it_learns_what_holds_for_images_that_it_never_saw(written):
    script, folder = written
    data = load_digits()
    model = transformers.AutoModelForImageClassification.from_pretrained(folder / "model").eval()
    named = script.accuracy(model, script.as_pictures(data.data[1::2]), data.target[1::2])
    assert named > 0.2  # chance is 0.10 with a standard error of 0.01; these few steps reach 0.35
