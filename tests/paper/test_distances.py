import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bundles import igpt_forward, igpt_weights, write_bundle
from dimscope.errors import InputError, StoreError, UsageError
from dimscope.paper import distances as module
from dimscope.paper.distances import Request, distances, named
from dimscope.paper.igpt import convert
from dimscope.paper.legacy import tables


@pytest.fixture
def request_(tmp_path):
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 80)
    np.save(tmp_path / "imagenet_trX.npy", rng.integers(0, 5, (80, 6)))
    np.save(tmp_path / "imagenet_trY.npy", np.eye(4)[labels])
    (tmp_path / "ids.txt").write_text("2\n0\n3\n")
    checkpoint = write_bundle(tmp_path / "ckpt" / "model.ckpt-1000000", igpt_weights(), shards=2)
    return Request(
        tmp_path, tmp_path / "results", checkpoint, images_per_class=10, classes=tmp_path / "ids.txt", maxk=5, activations=True,
        device="cpu",
    )  # fmt: skip


def _converted(request):
    """The ImageGPT folder that the first call with a checkpoint makes."""
    folder = request.data_path / "hf"
    convert(request.ckpt_path, folder)
    return folder


def test_files_hold_the_states_and_their_tables(request_):
    written = distances(request_)
    images, labels = (np.load(request_.data_path / f"imagenet_tr{kind}.npy") for kind in "XY")
    labels = labels.argmax(1)
    rows = np.concatenate([np.flatnonzero(labels == name)[:10] for name in (2, 0, 3)])
    home = request_.to / "igpt-2x8"
    assert np.array_equal(np.load(home / "imagenet_labels.npy"), labels[rows])
    for layer, expected in enumerate(igpt_forward(igpt_weights(), images[rows])):
        states = np.load(home / "activations" / f"imagenet_igpt-2x8_layer{layer}_train_act.npy")
        np.testing.assert_allclose(states, expected, atol=1e-5)
        for kind, array in tables(states, 5).items():
            stored = np.load(home / "distance_matrices" / f"imagenet_igpt-2x8_layer{layer}_train_{kind}.npy")
            assert stored.dtype == array.dtype
            assert np.array_equal(stored, array, equal_nan=True)
    assert len(written) == 3 * 4 + 1
    assert not list(home.glob("states-*"))


def test_images_of_another_data_set(request_):
    """All of its classes, the first images of each, under its own name; tables of both stand beside each other."""
    ours = distances(request_)
    for kind in "XY":
        (request_.data_path / f"imagenet_tr{kind}.npy").rename(request_.data_path / f"cifar10_tr{kind}.npy")
    other = replace(request_, data_path=request_.data_path / "cifar10", classes=None, images_per_class=7)
    written = distances(other)
    labels = np.load(request_.data_path / "cifar10_trY.npy").argmax(1)
    rows = np.concatenate([np.flatnonzero(labels == name)[:7] for name in range(4)])
    home = request_.to / "igpt-2x8"
    assert np.array_equal(np.load(home / "cifar10_labels.npy"), labels[rows])
    states = np.load(home / "activations" / "cifar10_igpt-2x8_layer1_train_act.npy")
    images = np.load(request_.data_path / "cifar10_trX.npy")[rows]
    np.testing.assert_allclose(states, igpt_forward(igpt_weights(), images)[1], atol=1e-5)
    assert not set(ours) & set(written)
    before = {path: path.stat().st_mtime_ns for path in written}
    assert distances(other) == written
    assert {path: path.stat().st_mtime_ns for path in written} == before


def test_a_second_call_does_nothing_and_damage_is_mended(request_):
    written = distances(request_)
    before = {path: path.stat().st_mtime_ns for path in written}
    assert distances(replace(request_, batch_size=3)) == written
    assert before == {path: path.stat().st_mtime_ns for path in written}
    whole = written[0].read_bytes()
    written[0].write_bytes(whole[:-1])
    distances(request_)
    assert written[0].read_bytes() == whole


def test_what_stands_beside_a_checkpoint_does_not_count(request_, monkeypatch):
    """The scripts kept checkpoints and images in one folder."""
    written = distances(replace(request_, ckpt_path=request_.ckpt_path.parent))
    write_bundle(request_.ckpt_path.parent / "model.ckpt-131000", igpt_weights(seed=5))
    np.save(request_.ckpt_path.parent / "imagenet_teX.npy", np.zeros(3))
    monkeypatch.setattr(module, "_extract", None)  # so that it is not called
    assert distances(request_) == written


def test_a_broken_call_goes_on(request_, monkeypatch):
    whole = [path.read_bytes() for path in distances(request_)]
    monkeypatch.setattr(module, "BLOCK_ROWS", 8)
    read, calls = module._read_block, []

    def breaks(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(*arguments)

    monkeypatch.setattr(module, "_read_block", breaks)
    other = replace(request_, to=request_.to / "other")
    with pytest.raises(KeyboardInterrupt):
        distances(other)
    written = distances(other)
    assert len(calls) == 3 + 2  # 4 blocks; the two finished ones are not read again
    assert [path.read_bytes() for path in written] == whole


def test_one_layer_and_names_of_other_checkpoints(request_, tmp_path):
    written = distances(replace(request_, layers=(1,), activations=False))
    assert {path.name for path in written} == {
        f"imagenet_igpt-2x8_layer1_train_{kind}.npy" for kind in ("dist", "index", "mus")
    } | {"imagenet_labels.npy"}


def test_logits_are_one_layer_more(request_):
    written = distances(replace(request_, logits=True, layers=(1,)))
    assert [path.name for path in written if path.name.endswith("act.npy")] == [
        "imagenet_igpt-2x8_layer1_train_act.npy", "imagenet_igpt-2x8_layer3_train_act.npy"
    ]  # fmt: skip
    assert np.load(written[-2]).shape == (30, 5)
    with pytest.raises(UsageError, match="fresh weights have an output matrix of zeros"):
        distances(replace(request_, logits=True, untrained=True))


def test_names_of_checkpoints(request_, tmp_path):
    """Of a converted folder, too, so that tables of two steps never take each other's place."""
    assert named(request_).description == "train"
    early = write_bundle(tmp_path / "early" / "model.ckpt-131000", igpt_weights())
    convert(early, tmp_path / "hf")
    for place in (early, Path(f"{early}.index"), tmp_path / "hf"):
        found = named(replace(request_, ckpt_path=place))
        assert (found.name, found.description) == ("igpt-2x8", "train_cpt131000")
    assert named(replace(request_, untrained=True, split="valid")).description == "valid_untrained"
    bert = write_bundle(tmp_path / "bert" / "model.ckpt-1000000", igpt_weights(bert=True))
    assert named(replace(request_, ckpt_path=bert)).name == "igpt-2x8-bert"
    assert named(replace(request_, ckpt_path=bert, model="mine")).name == "mine"


def test_the_disk_is_asked_before_the_first_image(request_, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12_000))
    with pytest.raises(StoreError, match=r"states and tables need \d+\.\d kB; the disk of .* has 12 kB free"):
        distances(replace(request_, ckpt_path=_converted(request_)))
    assert not list(request_.to.rglob("*.npy"))


def test_untrained_has_other_states_from_its_seed(request_):
    fresh = replace(request_, untrained=True, layers=(2,))
    first = np.load(next(path for path in distances(fresh) if path.name.endswith("act.npy")))
    other = np.load(next(path for path in distances(replace(fresh, seed=1)) if path.name.endswith("act.npy")))
    assert first.shape == other.shape == (30, 8)
    assert not np.allclose(first, other)


def test_what_is_refused(request_, tmp_path):
    with pytest.raises(InputError, match="--maxk 30 was asked for; 30 images have at most 29 neighbours"):
        distances(replace(request_, maxk=30))
    with pytest.raises(UsageError, match=r"no --ckpt-path was given"):
        distances(replace(request_, ckpt_path=None))
    with pytest.raises(UsageError, match=r"--untrained needs --model"):
        distances(replace(request_, ckpt_path=None, untrained=True))
    with pytest.raises(UsageError, match="--model large has 48 blocks"):
        distances(replace(request_, model="large"))


def test_the_record_says_what_was_asked(request_):
    distances(request_)
    record = json.loads((request_.to / "igpt-2x8" / "imagenet_igpt-2x8_train.json").read_text())
    assert record["options"]["maxk"] == "5"
    assert len(record["files"]) == 13
