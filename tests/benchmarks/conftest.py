"""Benchmarks of several files import each other by name, as they do when they are run."""

import importlib
import sys

import pytest

from loading import ROOT


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a file of `benchmarks/` by its name; it and its siblings are forgotten afterwards."""
    folder = ROOT / "benchmarks"
    siblings = [path.stem for path in folder.glob("*.py")]
    monkeypatch.syspath_prepend(folder)
    for name in siblings:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in siblings:
        sys.modules.pop(name, None)
