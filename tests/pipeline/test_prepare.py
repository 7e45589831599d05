"""Runs over every kind of data from beginning to end, and what does not fit together."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from dimscope.config import config_from
from dimscope.errors import InputError, UsageError
from dimscope.inputs.examples import read_examples
from dimscope.inputs.folders import FORMATS
from dimscope.inputs.images import read_image
from dimscope.models.imagegpt import ImageReader
from dimscope.models.load import load_model
from dimscope.models.presets import preset_config
from dimscope.pipeline.prepare import prepare
from dimscope.pipeline.run import run_stages
from dimscope.profile import Profile
from dimscope.progress import Silent
from media import N_COLORS, N_PIXELS, make_images, save_media_model, write_images, write_sounds
from tiny import save_model

N = 40


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = write_images(tmp_path_factory.mktemp("images"), N)
    shutil.copy(folder / "cat" / "000.png", folder / "dog" / "copy.png")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    place = tmp_path_factory.mktemp("models")
    return {name: save_media_model(name, place / name) for name in ("vit", "imagegpt", "whisper", "wav2vec2")}


def asked(model, path, base=None, measure=None, **options):
    return config_from(
        {
            "data": {"path": str(path), **options.pop("data", {})},
            "model": {"name": str(model), **options},
            "measure": {"k": 12, "overlap_k": 8, "replicates": 10, **(measure or {})},
        },
        base,
    )


def run(config, out, **options):
    return run_stages(config, out, with_report=False, **options)


def points_of(result):
    return parquet.read_table(result.folder.points).to_pydict()


def test_a_folder_of_images_with_its_report(images, models, tmp_path):
    config = asked(models["vit"], images, measure={"control": ["permuted", "untrained"]})
    result = run_stages(config, tmp_path / "run")
    found = points_of(result)
    assert len(found["id"]) == N + 1
    assert set(zip(found["label"], (name.partition("/")[0] for name in found["id"]), strict=True)) == {
        ("cat", "cat"), ("dog", "dog"),
    }  # fmt: skip
    assert found["text"] == found["id"]
    assert found["n_tokens"] == [17] * (N + 1)
    assert dict(zip(found["id"], found["duplicate_of"], strict=True))["dog/copy.png"] == "cat/000.png"
    rows = [found["id"].index(name) for name in ("cat/000.png", "dog/copy.png")]
    states = np.load(result.folder.states / "block_02.npy")
    assert np.array_equal(states[rows[0]], states[rows[1]])
    assert {layer.name for layer in result.profile.layers} == {"embed_00", "block_01", "block_02", "block_03", "final_norm_03"}
    # two kinds of noisy pictures: neighbours are mostly of the own kind, under random labels they are not
    assert result.profile.values("label_overlap").min() > 0.7  # chance is 0.49
    assert np.abs(result.profile.values("label_overlap_permuted") - 0.5).max() < 0.1
    manifest = json.loads((result.folder.path / "manifest.json").read_text())
    assert manifest["data"]["label"] == "class"
    assert manifest["data"]["n_labels"] == 2
    assert manifest["model"]["processor"].startswith("ViTImageProcessor")
    assert "cat" in (result.folder.path / "report.html").read_text()


def test_a_run_of_images_goes_on_where_it_was(images, models, tmp_path, monkeypatch):
    monkeypatch.setattr("dimscope.pipeline.extract.BLOCK_ROWS", 16)
    config = asked(models["vit"], images)
    whole = run(config, tmp_path / "whole")
    opened = []

    def decode(path):
        opened.append(path.name)
        if len(opened) == 20:
            raise KeyboardInterrupt
        return read_image(path)

    monkeypatch.setitem(FORMATS, "image", replace(FORMATS["image"], read=decode))
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "cut")
    n_before = len(opened)
    again = run(config, tmp_path / "cut")
    assert len(opened) - n_before < N  # the finished block was not decoded again
    for path in sorted(whole.folder.states.glob("*.npy")):
        assert (again.folder.states / path.name).read_bytes() == path.read_bytes()


def test_a_folder_of_sound(models, tmp_path):
    sounds = write_sounds(tmp_path / "sounds", N, rate=8_000)
    for name in ("whisper", "wav2vec2"):
        result = run(asked(models[name], sounds, layers="0,2"), tmp_path / name)
        found = points_of(result)
        assert found["label"] == ["high"] * 20 + ["low"] * 20
        assert not any(found["truncated"])
        assert set(found["n_tokens"]) == {50} if name == "whisper" else len(set(found["n_tokens"])) > 5
    assert result.profile.values("label_overlap").min() > 0.6  # even random convolutions tell high from low; chance is 0.49


def test_colour_clusters_of_openai_as_in_the_paper(models, tmp_path):
    rng = np.random.default_rng(0)
    colors = rng.integers(0, N_COLORS, size=(N, N_PIXELS))
    np.save(tmp_path / "imagenet_trX.npy", colors)
    np.save(tmp_path / "imagenet_trY.npy", np.eye(4)[np.arange(N) % 4])
    config = asked(models["imagegpt"], tmp_path / "imagenet_trX.npy", preset_config("igpt"))
    result = run(config, tmp_path / "run")
    assert points_of(result)["label"] == [str(row % 4) for row in range(N)]
    expected = ImageReader(models["imagegpt"], device="cpu").read(colors)
    for layer, name in enumerate(["block_norm_00", "block_norm_01", "block_norm_02", "final_norm_03"]):
        states = np.load(result.folder.states / f"{name}.npy")
        assert np.abs(states - expected[layer]).max() <= 1e-5 * np.abs(expected[layer]).max()


def test_images_for_an_image_gpt(images, models, tmp_path):
    clusters = np.random.default_rng(0).uniform(-1, 1, size=(N_COLORS, 3))
    np.save(tmp_path / "clusters.npy", clusters)
    config = asked(
        models["imagegpt"], images, clusters=str(tmp_path / "clusters.npy"), special_tokens="include", site="block_norm"
    )
    result = run(config, tmp_path / "run")
    colors = []
    for name in points_of(result)["id"]:
        resized = np.asarray(Image.open(images / name).convert("RGB").resize((8, 8), Image.Resampling.BILINEAR))
        distances = ((resized.reshape(-1, 1, 3) / 127.5 - 1 - clusters) ** 2).sum(axis=-1)
        colors.append(distances.argmin(axis=-1))
    expected = ImageReader(models["imagegpt"], device="cpu").read(np.array(colors))
    states = np.load(result.folder.states / "block_norm_02.npy")
    assert np.abs(states - expected[2]).max() <= 1e-4 * np.abs(expected[2]).max()


def test_arrays_of_images_for_a_vision_transformer(models, tmp_path):
    same = np.stack([image[:16, :16] for image in make_images(N)])
    np.savez(tmp_path / "x.npz", images=same, kind=np.arange(N) % 2)
    arrays = run(asked(models["vit"], tmp_path / "x.npz", data={"label": "kind"}), tmp_path / "arrays")
    for row, image in enumerate(same):
        (tmp_path / "files").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "files" / f"{row:03d}.png")
    files = run(asked(models["vit"], tmp_path / "files"), tmp_path / "run")
    for path in sorted(files.folder.states.glob("*.npy")):
        assert np.array_equal(np.load(path), np.load(arrays.folder.states / path.name))
    assert points_of(arrays)["label"] == [str(row % 2) for row in range(N)]
    assert points_of(files)["label"] == [None] * N


def test_every_patch_is_a_row(images, models, tmp_path):
    result = run(asked(models["vit"], images, pool="tokens", tokens=200, layers="0"), tmp_path / "run")
    found = points_of(result)
    assert len(found["id"]) == 200
    assert set(found["position"]) <= set(range(1, 17))
    assert found["text"][0] == found["example"][0]
    assert isinstance(result.profile, Profile)


def test_shuffled_pixels_keep_the_start(models, tmp_path):
    colors = np.random.default_rng(0).integers(0, N_COLORS, size=(N, N_PIXELS))
    np.save(tmp_path / "x.npy", colors)
    config = asked(models["imagegpt"], tmp_path / "x.npy")
    _, tokens = prepare(config, read_examples(config.data), Silent(), "shuffled")
    assert [row[0] for row in tokens.ids] == [N_COLORS] * N
    assert [sorted(row[1:]) for row in tokens.ids] == [sorted(row[:-1]) for row in colors]
    assert any(not np.array_equal(row[1:], own[:-1]) for row, own in zip(tokens.ids, colors, strict=True))


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("whisper", {}, "the data are images, but .* reads sound; give data of that kind"),
        ("vit", {"max_tokens": 5}, "--max-tokens truncates texts; the examples are images, leave it out"),
        ("vit", {"clusters": "x.npy"}, "--clusters is for an ImageGPT; .* is a vit. Leave it out"),
        (
            "vit",
            {"measure": {"control": ["shuffled"]}},
            "--control shuffled puts tokens in random order, but the examples are ima",
        ),
    ],
)
def test_what_does_not_fit_images(images, models, tmp_path, model, options, message):
    with pytest.raises(UsageError, match=message):
        run(asked(models[model], images, **options), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_clusters_are_for_images(models, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((N, N_PIXELS), dtype=int))
    with pytest.raises(UsageError, match="--clusters turns images into tokens; the examples are token ids, leave it out"):
        run(asked(models["imagegpt"], tmp_path / "x.npy", clusters="c.npy"), tmp_path / "run")
    with pytest.raises(InputError, match=r"^all distinct texts are equal, or there is only one"):
        run(asked(models["imagegpt"], tmp_path / "x.npy"), tmp_path / "run")


def test_texts_of_words_that_the_model_does_not_know_are_told_from_equal_ones(tmp_path):
    (tmp_path / "x.txt").write_text("".join(f"unknown{row}\n" for row in range(N)))
    with pytest.raises(InputError, match=rf"^all {N} texts become the same tokens; .* seems to know none of their words"):
        run(asked(save_model("bert", tmp_path / "bert"), tmp_path / "x.txt"), tmp_path / "run")


def test_too_few_distinct_images_are_called_images(models, tmp_path):
    (tmp_path / "same").mkdir()
    for row, image in enumerate([*make_images(5), *[make_images(1)[0]] * 20]):
        Image.fromarray(image).save(tmp_path / "same" / f"{row:03d}.png")
    with pytest.raises(InputError, match=r"^5 distinct images were found, but --k 12 needs at least 14\."):
        run(asked(models["vit"], tmp_path / "same"), tmp_path / "run")


def test_texts_are_still_texts(bert, texts):
    config = asked(bert, texts, data={"text": "text"})
    loaded, tokens = prepare(config, read_examples(config.data), Silent())
    assert (tokens.unit, tokens.is_padded) == ("texts", True)
    assert type(loaded.model) is type(load_model(config.model).model)
