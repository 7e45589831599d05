"""The digits and the image GPT that comes with dimscope."""

import csv
import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from sklearn.datasets import load_digits

from dimscope.cli.main import cli
from dimscope.demos import digits
from dimscope.errors import InputError
from dimscope.reports.pictures import find_pictures


@pytest.fixture
def prepared(tmp_path):
    return digits.prepare(tmp_path / "data")


def test_every_image_is_written_pixel_by_pixel(prepared):
    with Path(prepared.config.data.path).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    images = [[int(word.removeprefix("g")) for word in row["text"].split()] for row in rows]
    np.testing.assert_array_equal(images, load_digits().data)
    assert [int(row["label"]) for row in rows] == load_digits().target.tolist()


def test_the_images_are_those_of_the_words_and_are_found_by_the_report(prepared):
    data = prepared.config.data
    with Path(data.path).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows[::200]:
        with Image.open(Path(data.path).parent / row["id"]) as image:
            levels = (255 - np.asarray(image, dtype=float)) * 16 / 255
        assert np.abs(levels.ravel() - [int(word[1:]) for word in row["text"].split()]).max() < 0.05
    draw = find_pictures(data, [row["id"] for row in rows], [row["text"] for row in rows])
    assert draw is not None and draw(0) and draw(len(rows) - 1)


def test_the_model_predicts_pixels_far_better_than_their_frequencies(prepared):
    folder = prepared.config.model.name
    model = transformers.GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    images = load_digits().data.astype(int)[::100]
    ids = tokenizer([digits.as_words(image) for image in images], return_tensors="pt")["input_ids"]
    assert ids[:, 0].tolist() == [17] * len(images)
    np.testing.assert_array_equal(ids[:, 1:], images)
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(ids).logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).item()
    levels = np.bincount(load_digits().data.astype(int).ravel(), minlength=17) / load_digits().data.size
    frequencies = float(-(levels * np.log(levels)).sum())
    assert loss < 0.8 * frequencies


def test_the_log_ends_with_what_the_model_was_trained_to(prepared):
    folder = Path(prepared.config.model.name)
    with (folder / "training_log.csv").open(newline="") as handle:
        log = list(csv.DictReader(handle))
    assert float(log[-1]["held_out_loss"]) < 0.8 * float(log[0]["held_out_loss"])
    content = json.loads((folder / "config.json").read_text())
    assert (content["n_layer"], content["n_embd"]) == (12, 96)


def test_the_command_says_what_the_configuration_says(prepared):
    words = shlex.split(prepared.command)[2:]
    with cli.get_command(None, "run").make_context("run", words) as context:
        given = {name: value for name, value in context.params.items() if value not in (None, (), False)}
    assert given["model"] == prepared.config.model.name
    for part, options in (("data", prepared.config.data), ("model", prepared.config.model)):
        for name, value in given.items():
            if name.startswith(f"{part}__"):
                assert getattr(options, name.removeprefix(f"{part}__")) == value


def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r"scikit-learn.*is not installed.*dimscope\[digits\]"):
        digits.prepare(tmp_path)
