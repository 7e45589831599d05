"""The public names: all there, all resolved late, none shadowed by a module."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import dimscope
from dimscope.version import __version__

SHADOWS = """
import importlib, json, pkgutil
import numpy as np
import dimscope

for module in pkgutil.walk_packages(dimscope.__path__, "dimscope."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
answers = {}
for name in dimscope.__all__:
    for _ in range(2):
        try:
            getattr(dimscope, name)()
            answers[name] = ""
        except TypeError as error:
            answers[name] = str(error)
for _ in range(2):
    points = np.random.default_rng(0).normal(size=(60, 4))
    nb = dimscope.neighbors(points, k=20)
    values = [dimscope.dimension(nb, "twonn").value, dimscope.overlap(nb, nb, k=5).value, dimscope.spectrum(points).anisotropy]
print(json.dumps([answers, values]))
"""
"""Imports every submodule, then calls every public name twice, without arguments: a module could not be called at all."""


def run(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_loads_nothing_heavy():
    loaded = run("import dimscope, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert {"torch", "transformers", "matplotlib", "xarray", "pandas", "numpy", "click", "rich"}.isdisjoint(loaded)


def test_no_public_name_loads_the_model_libraries_or_pictures():
    """A finished run is loaded, and points are measured, without the seconds that torch and transformers take to load."""
    named = "import dimscope, json, sys; [getattr(dimscope, name) for name in dimscope.__all__]"
    loaded = run(f"{named}; print(json.dumps(sorted(sys.modules)))")
    assert {"torch", "transformers", "matplotlib", "sklearn", "xarray"}.isdisjoint(loaded)


def test_no_module_takes_the_place_of_a_public_name():
    answers, (dimension, overlap, anisotropy) = run(SHADOWS)
    assert list(answers) == dimscope.__all__
    assert {name: said for name, said in answers.items() if said and "required" not in said and "member" not in said} == {}
    assert 2 < dimension < 7
    assert overlap == 1
    assert 0 < anisotropy < 1


def test_names_are_those_for_type_checkers():
    source = Path(dimscope.__file__).read_text(encoding="utf-8")
    declared = [line.rsplit(" as ", 1)[1] for line in source.splitlines() if line.startswith("    from dimscope.")]
    assert sorted(declared) == dimscope.__all__


def test_the_version_is_there_and_listed():
    assert dimscope.__version__ == __version__
    assert sorted(dir(dimscope)) == sorted([*dimscope.__all__, "__version__"])


@pytest.mark.parametrize("name", ["dimensions_", "twonn", "_nothing"])
def test_other_names_are_refused(name):
    with pytest.raises(AttributeError, match=f"module 'dimscope' has no attribute '{name}'"):
        getattr(dimscope, name)
