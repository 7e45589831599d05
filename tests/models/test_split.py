"""Models dealt over several devices: the bits of plain loading, and what is refused."""

import gc
from pathlib import Path

import numpy as np
import pytest
import torch

from dimscope.config import ModelConfig, config_from
from dimscope.errors import ModelError, UsageError
from dimscope.models import split
from dimscope.models.capture import Capture, _is_same
from dimscope.models.controls import with_fresh_weights
from dimscope.models.load import load_model
from dimscope.models.split import devices_of, first_device, room_on
from dimscope.pipeline.run import run_stages
from dimscope.store.manifest import Manifest


@pytest.fixture
def half(monkeypatch):
    """The processor has room for some parts of the tiny models, which have 140 to 190 kB; the rest is read from disk."""
    monkeypatch.setattr(split, "room_on", lambda names: {"cpu": 100_000})


@pytest.mark.parametrize("family", ["bert", "gpt2"])
@pytest.mark.parametrize("site", ["block", "block_norm", "attention", "mlp"])
def test_blocks_on_disk_give_the_bits_of_plain_loading(family, site, half, request):
    folder = request.getfixturevalue(family)
    plain = load_model(ModelConfig(name=str(folder), device="cpu"))
    dealt = load_model(ModelConfig(name=str(folder), device="cpu,disk"))
    assert {str(parameter.device) for parameter in dealt.model.parameters()} == {"cpu", "meta"}
    ids, weights = torch.randint(5, 40, (3, 9)), torch.full((3, 9), 1 / 9)
    found = []
    for loaded in (plain, dealt, dealt):
        try:
            found.append(Capture(loaded.model, range(4), site).run({"input_ids": ids}, weights))
        except ModelError as error:
            found.append(str(error))
    if family == "bert" and site == "block_norm":
        assert found[0] == found[1] and "do not start with a norm" in found[0]
        return
    for other in found[1:]:
        assert list(other) == list(found[0])
        assert all(torch.equal(other[name], found[0][name]) for name in found[0])


def test_a_run_gives_the_states_of_one_device(bert, texts, tmp_path, half):
    for device in ("cpu", "cpu,disk"):
        config = config_from(
            {
                "data": {"path": str(texts), "text": "text"},
                "model": {"name": str(bert), "device": device},
                "measure": {"k": 20, "overlap_k": 10, "replicates": 5},
            }
        )
        run_stages(config, tmp_path / device, with_report=False)
    for path in (tmp_path / "cpu" / "states").glob("*.npy"):
        np.testing.assert_array_equal(np.load(tmp_path / "cpu,disk" / "states" / path.name), np.load(path))
    table = "neighbors/block_03.npz"
    assert (tmp_path / "cpu,disk" / table).read_bytes() == (tmp_path / "cpu" / table).read_bytes()
    assert Manifest(tmp_path / "cpu,disk").content["model"]["device"] == "cpu, disk"


def test_a_model_that_does_not_fit_is_refused(bert, half, monkeypatch):
    monkeypatch.setattr(split, "find_device", lambda name: torch.device("cpu"))
    text = r"^the model does not fit into the memory of cpu,cuda:0: . of its . parts are left \(.*\)\. Name more devices, or"
    with pytest.raises(ModelError, match=text):
        load_model(ModelConfig(name=str(bert), device="cpu,cuda:0"))


def test_room_is_a_share_of_free_memory(monkeypatch):
    import accelerate.utils

    monkeypatch.setattr(accelerate.utils, "get_max_memory", lambda: {0: 1000, 1: 2000, "cpu": 500})
    monkeypatch.setattr(split, "find_device", torch.device)
    assert room_on(["cuda:1", "cpu", "disk"]) == {1: 1800, "cpu": 450}
    assert room_on(["cuda"]) == {0: 900}


def test_without_accelerate(bert, monkeypatch):
    monkeypatch.setattr(split, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"^--device cpu,disk needs accelerate.*pip install 'dimscope\[devices\]'"):
        load_model(ModelConfig(name=str(bert), device="cpu,disk"))


@pytest.mark.parametrize("name", ["cpu,cpu", "disk,cpu", "auto,disk", "disk,disk"])
def test_lists_that_make_no_sense(name):
    with pytest.raises(UsageError, match=rf"^--device {name} was asked for; several devices are named one by one"):
        first_device(name)


def test_the_first_of_several(monkeypatch):
    assert devices_of("cpu, disk") == ["cpu", "disk"]
    assert first_device("cpu,disk") == torch.device("cpu")
    with pytest.raises(UsageError, match=r'^device "cuda:77" was asked for; PyTorch .* sees: cpu'):
        first_device("cpu,cuda:77")


def test_fresh_weights_are_drawn_on_one_device(bert, half):
    dealt = load_model(ModelConfig(name=str(bert), device="cpu,disk"))
    with pytest.raises(UsageError, match=r"^fresh weights were asked for on cpu, disk; they are drawn on one device"):
        with_fresh_weights(dealt, 0)


def test_weights_on_disk_are_removed_with_the_model_or_its_failure(bert, half, tmp_path, monkeypatch):
    monkeypatch.setattr(split.tempfile, "tempdir", str(tmp_path))
    dealt = load_model(ModelConfig(name=str(bert), device="cpu,disk"))
    assert [path.name.startswith("dimscope-weights-") for path in tmp_path.iterdir()] == [True]
    del dealt
    gc.collect()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ModelError):
        load_model(ModelConfig(name=str(Path("nowhere")), device="cpu,disk"))
    assert not list(tmp_path.iterdir())


def test_a_tensor_is_known_again():
    states = torch.arange(6.0).reshape(1, 2, 3)
    assert _is_same(states, states)
    assert not _is_same(states, states.clone())


@pytest.mark.gpu
def test_two_devices_give_the_states_of_one(gpt2, monkeypatch):
    monkeypatch.setattr(split, "room_on", lambda names: {0: 40_000, "cpu": 10**9})
    plain = load_model(ModelConfig(name=str(gpt2), device="cuda:0"))
    dealt = load_model(ModelConfig(name=str(gpt2), device="cuda:0,cpu"))
    ids, weights = torch.randint(5, 40, (3, 9), device="cuda:0"), torch.full((3, 9), 1 / 9, device="cuda:0")
    for site in ("block", "block_norm", "attention", "mlp"):
        found = [Capture(loaded.model, range(4), site).run({"input_ids": ids}, weights) for loaded in (plain, dealt)]
        assert all(torch.equal(found[0][name].cpu(), found[1][name].cpu()) for name in found[0])
