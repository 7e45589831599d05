import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bundles import igpt_forward, igpt_weights, write_bundle
from dimscope.errors import InputError, ModelError, StoreError, UsageError
from dimscope.models.imagegpt import ImageReader
from dimscope.paper import igpt

IMAGES = np.random.default_rng(3).integers(0, 5, (7, 6))


@pytest.mark.parametrize("bert", [False, True])
@pytest.mark.parametrize("shards", [1, 4])
def test_states_equal_a_float64_forward_pass(tmp_path, bert, shards):
    weights = igpt_weights(layers=3, bert=bert, seed=shards)
    shape = igpt.convert(write_bundle(tmp_path / "c", weights, shards=shards), tmp_path / "hf")
    assert shape == igpt.Shape(3, 8, 2, 6, 5, bert)
    states = ImageReader(tmp_path / "hf", device="cpu").read(IMAGES)
    for layer, expected in enumerate(igpt_forward(weights, IMAGES)):
        np.testing.assert_allclose(states[layer], expected, atol=1e-5, rtol=1e-5)


def test_logits_equal_through_the_whole_model(tmp_path):
    import torch
    import transformers

    weights = igpt_weights()
    igpt.convert(write_bundle(tmp_path / "c", weights), tmp_path / "hf")
    model = transformers.ImageGPTForCausalImageModeling.from_pretrained(tmp_path / "hf").eval()
    tokens = np.concatenate([np.full((7, 1), 5), IMAGES[:, :-1]], axis=1)
    with torch.inference_mode():
        logits = model(torch.from_numpy(tokens)).logits.numpy().mean(axis=1)
    np.testing.assert_allclose(logits, igpt_forward(weights, IMAGES)[-1] @ weights["model/wtet"].T, atol=1e-5)


def test_several_weight_files_hold_the_same(tmp_path, monkeypatch):
    prefix = write_bundle(tmp_path / "c", igpt_weights())
    igpt.convert(prefix, tmp_path / "one")
    monkeypatch.setattr(igpt, "SHARD_BYTES", 1)
    igpt.convert(prefix, tmp_path / "many")
    assert len(list((tmp_path / "many").glob("*.safetensors"))) == 3
    one, many = (ImageReader(tmp_path / name, device="cpu").read(IMAGES) for name in ("one", "many"))
    assert all(np.array_equal(one[layer], many[layer]) for layer in one)


def test_a_second_call_writes_nothing_and_another_model_is_refused(tmp_path):
    igpt.convert(write_bundle(tmp_path / "c", igpt_weights()), tmp_path / "hf")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "hf").iterdir()}
    igpt.convert(tmp_path / "c", tmp_path / "hf")
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "hf").iterdir()}
    for other in (igpt_weights(layers=3), igpt_weights(seed=1)):  # another shape, other weights of the same shape
        with pytest.raises(ModelError, match="holds another model"):
            igpt.convert(write_bundle(tmp_path / "d", other), tmp_path / "hf")


def test_a_damaged_checkpoint_leaves_no_model(tmp_path):
    prefix = write_bundle(tmp_path / "c", igpt_weights())
    shard = Path(f"{prefix}.data-00000-of-00001")
    shard.write_bytes(shard.read_bytes()[:-4])
    with pytest.raises(InputError, match="truncated"):
        igpt.convert(prefix, tmp_path / "hf")
    assert not (tmp_path / "hf" / "config.json").exists()


def test_the_size_is_checked(tmp_path):
    prefix = write_bundle(tmp_path / "c", igpt_weights())
    with pytest.raises(UsageError, match=r"--model small has 24 blocks of width 512; .* has 2 of width 8: leave --model out"):
        igpt.convert(prefix, tmp_path / "hf", size="small")
    with pytest.raises(UsageError, match="use --model large"):
        igpt.check_size(igpt.SIZES["large"], "small", "c")


def test_another_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no checkpoint of OpenAI's image GPT"):
        igpt.convert(write_bundle(tmp_path / "c", {"w": np.ones(3, np.float32)}), tmp_path / "hf")


@pytest.mark.parametrize(("size", "millions"), [("small", 76), ("medium", 455), ("large", 1362)])
def test_sizes_are_those_of_the_models(size, millions):
    assert igpt.SIZES[size].n_bytes / 4e6 == pytest.approx(millions, rel=0.01)


def test_blocks_by_name():
    assert [igpt.blocks_of(name) for name in ("small", "large-bert", "igpt-11x32", "igpt-2x8-bert", "my-run")] == [
        24,
        48,
        11,
        2,
        0,
    ]


def test_fresh_weights_have_the_published_deviations(tmp_path):
    shape = igpt.Shape(2, 64, 4, 16, 32)
    read = igpt.fresh(shape, 0)
    deviations = {"wpe": 0.01, "wte": 0.02, "h0/mlp/c_fc/w": 0.02, "h1/attn/q_proj": 64**-0.5, "h1/attn/c_proj": 128**-0.5}
    for name, expected in deviations.items():
        assert read(name).std() == pytest.approx(expected, rel=0.1)
    assert np.array_equal(read("h0/attn/q_proj"), igpt.fresh(shape, 0)("h0/attn/q_proj"))
    assert not np.array_equal(read("h0/attn/q_proj"), read("h1/attn/q_proj"))
    assert not np.array_equal(read("h0/attn/q_proj"), igpt.fresh(shape, 1)("h0/attn/q_proj"))
    igpt.write_folder(read, shape, tmp_path, {"seed": "0"})
    assert json.loads((tmp_path / "config.json").read_text())["bidirectional"] is False
    assert ImageReader(tmp_path, device="cpu").read(np.zeros((1, 16), int))[2].shape == (1, 64)


def test_names_and_shapes_of_folders(tmp_path):
    assert [shape.name for shape in igpt.SIZES.values()] == ["small", "medium", "large"]
    shape = igpt.convert(write_bundle(tmp_path / "model.ckpt-5", igpt_weights(bert=True)), tmp_path / "hf")
    assert igpt.shape_of_folder(tmp_path / "hf") == shape
    assert (shape.size, shape.name) == (None, "igpt-2x8-bert")
    assert igpt.origin_of_folder(tmp_path / "hf")["checkpoint"] == "model.ckpt-5"
    assert igpt.origin_of_folder(tmp_path) == {}
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"config\.json is no configuration of an ImageGPT"):
        igpt.shape_of_folder(tmp_path)


def test_a_full_disk_is_seen_first(tmp_path, monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(StoreError, match="the weights need"):
        igpt.convert(write_bundle(tmp_path / "c", igpt_weights()), tmp_path / "hf")
    assert not (tmp_path / "hf").exists()
