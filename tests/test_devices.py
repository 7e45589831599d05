import pytest
import torch

from dimscope.devices import choose_device, find_device
from dimscope.errors import UsageError


def test_a_device_that_is_there_is_found():
    assert find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:77", "abacus", "meta"])
def test_any_other_is_refused_with_those_that_are_there(name):
    with pytest.raises(UsageError, match=rf'^device "{name}" was asked for; PyTorch .* sees: cpu'):
        find_device(name)


def test_several_devices_are_for_models_that_are_read():
    text = r'^device "cuda:0,cuda:1" was asked for; this is computed on one device\. Models that are read may lie on several'
    with pytest.raises(UsageError, match=text):
        find_device("cuda:0,cuda:1")


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")
