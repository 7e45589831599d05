"""The shape of the repository: what CONTRIBUTING.md promises is true of every file."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

import dimscope
from dimscope.checks import CHECKS
from dimscope.cli.main import COMMANDS
from dimscope.demos import DEMOS
from dimscope.dimensions import ESTIMATORS
from dimscope.engines import ENGINES
from dimscope.knn import BACKENDS
from dimscope.overlaps import MEASURES
from dimscope.plots import PLOTS
from dimscope.registry import Registry
from dimscope.rules import RULES

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "dimscope"
TESTS = ROOT / "tests"
PYTHON = sorted(path for folder in ("src", "tests", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REGISTRIES = {
    "checks": CHECKS, "demos": DEMOS, "dimensions": ESTIMATORS, "engines": ENGINES, "knn": BACKENDS, "overlaps": MEASURES,
    "plots": PLOTS, "rules": RULES,
}  # fmt: skip
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
JOINT = {
    "pipeline/test_proteins.py": "published protein models end to end, from FASTA to states",
    "cli/test_bad_input.py": "every refusal through the command line",
    "cli/test_plugins.py": "a run with entries of another package",
    "cli/test_interrupted.py": "a full disk and Ctrl-C during a run",
    "engines/test_hosts.py": "workers in network namespaces, one cut off",
    "engines/test_faults.py": "workers that are killed, stopped, full, or elsewhere, during a run",
    "models/test_hidden_states.py": "every architecture against the states that transformers returns",
    "models/test_invariance.py": "every family: batch, padding and attention code change no vector",
    "models/test_modalities.py": "image and sound architectures, given tensors, against the states that transformers returns",
    "pipeline/test_kill.py": "runs that are killed and started again",
    "pipeline/test_truth.py": "the demo against dense distances",
    "reports/test_page_cases.py": "the page in a browser",
    "reports/test_page_for_everyone.py": "the page in a browser",
    "reports/test_page_in_browser.py": "the page in a browser",
    "reports/test_page_of_a_run.py": "the page of a real run",
}
"""Tests of several modules at once -> what of; every other test file stands beside one module."""


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def defines(path):
    """True when the module has functions or classes; a list of names needs no tests of its own."""
    return any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree(path).body)


def mirror_of(module):
    """Where the tests of a module stand: a/b.py -> a/test_b.py, a/__init__.py -> a/test_a.py."""
    inside = module.relative_to(SOURCE)
    if inside.name != "__init__.py":
        return inside.with_name(f"test_{inside.name}")
    return inside.with_name(f"test_{inside.parent.name or 'init'}.py")


MIRRORS = {mirror_of(path): path for path in sorted(SOURCE.rglob("*.py")) if defines(path)}


@pytest.mark.parametrize("place", MIRRORS, ids=Path.as_posix)
def test_every_module_has_its_tests(place):
    assert (TESTS / place).is_file(), f"write tests/{place} for {MIRRORS[place].relative_to(ROOT)}"


def test_every_test_file_stands_beside_its_module():
    folders = [TESTS, *(TESTS / path.name for path in SOURCE.iterdir() if path.is_dir())]
    found = {path.relative_to(TESTS) for folder in folders for path in folder.glob("test_*.py")}
    strangers = {path.as_posix() for path in found - {mirror_of(path) for path in SOURCE.rglob("*.py")}}
    assert strangers == set(JOINT), "name it after a module, or give the reason in JOINT"


@pytest.mark.parametrize("folder", ["scripts", "benchmarks", "examples"])
def test_tests_of_scripts_name_a_script(folder):
    for path in (TESTS / folder).glob("test_*.py"):
        assert (ROOT / folder / path.name.removeprefix("test_")).is_file(), path.name


@pytest.mark.parametrize("folder", REGISTRIES)
def test_every_entry_of_a_registry_is_there(folder):
    registry = REGISTRIES[folder]
    assert isinstance(registry, Registry)
    for name in registry:
        assert registry.load(name) is not None
        module = registry.places[name].partition(":")[0]
        assert (SOURCE / folder / f"{module.rpartition('.')[2]}.py").is_file() or not module.startswith(f"dimscope.{folder}")


def imported_by(path):
    """Every `dimscope` module that a file imports, at any place, or names in a lazy `module:attribute` string."""
    package = ".".join(("dimscope", *path.relative_to(SOURCE).parent.parts))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and (match := re.fullmatch(r"([a-z_0-9.]+):\w+", str(node.value))):
            yield from (match[1], f"{package}.{match[1]}")


def test_no_file_was_forgotten():
    used = {name for path in SOURCE.rglob("*.py") for name in imported_by(path)} | {"dimscope.__main__", "dimscope.testing"}
    used |= {f"dimscope.{module}" for module in dimscope._PLACES.values()}
    files = [path.relative_to(SOURCE).with_suffix("") for path in SOURCE.rglob("*.py") if path.name != "__init__.py"]
    forgotten = sorted(name for path in files if (name := ".".join(("dimscope", *path.parts))) not in used)
    assert forgotten == [], "register it in the table of its folder's __init__.py"


def test_a_forgotten_file_would_be_found(tmp_path):
    place = SOURCE / "rules" / "last.py"
    users = {name for path in SOURCE.rglob("*.py") if path != place for name in imported_by(path)}
    assert "dimscope.rules.last" in users
    without = {name for path in SOURCE.rglob("*.py") if path.parent != place.parent for name in imported_by(path)}
    assert "dimscope.rules.last" not in without


def test_every_command_is_registered():
    files = {path.stem for path in (SOURCE / "cli").glob("*.py")} - {
        "__init__",
        "main",
        "options",
        "output",
        "places",
        "plans",
        "progress",
    }
    assert {place.partition(":")[0] for place, _ in COMMANDS.values()} == files


def tool_paths():
    tool, project = PROJECT["tool"], PROJECT["project"]
    yield from (project["readme"], *project["license-files"], tool["hatch"]["version"]["path"])
    yield from tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    yield from tool["hatch"]["build"]["targets"]["sdist"]["include"]
    yield from (*tool["ruff"]["src"], *tool["ruff"]["lint"]["per-file-ignores"])
    yield from (f"{tool['mypy']['mypy_path']}/{name}" for name in tool["mypy"]["packages"])
    yield from (*tool["pytest"]["ini_options"]["testpaths"], *tool["pytest"]["ini_options"]["pythonpath"])
    for contract in tool["importlinter"]["contracts"]:
        yield from (f"src/{name.replace('.', '/')}*" for name in contract.get("source_modules", ()))
        layers = [name.strip() for line in contract.get("layers", ()) for name in line.split("|")]
        yield from (f"src/dimscope/{name.strip('()')}*" for name in layers)


@pytest.mark.parametrize("path", sorted(set(tool_paths())))
def test_every_path_of_the_tools_exists(path):
    assert (ROOT / path).exists() or any(ROOT.glob(path)), "pyproject.toml names it"


def test_every_script_of_the_makefile_exists():
    named = set(re.findall(r"\bscripts/[\w.]+", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_program_is_what_the_entry_point_names():
    module, _, attribute = PROJECT["project"]["scripts"]["dimscope"].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_no_file_is_too_long():
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in PYTHON}
    assert {path: count for path, count in lines.items() if count > LONGEST_FILE} == {}


def body_lines(function):
    """Lines of a function without its head and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_no_function_is_too_long():
    long = {
        f"{path.relative_to(SOURCE)}:{node.name}": body_lines(node)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and body_lines(node) > LONGEST_FUNCTION
    }
    assert long == {}


def test_nothing_is_called_utils():
    names = {part for path in PYTHON for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names.isdisjoint({"utils", "util", "common", "misc", "helpers"})


def test_annotations_are_not_postponed():
    assert [path for path in PYTHON if re.search(r"^from __future__ import annotations", path.read_text("utf-8"), re.M)] == []


def test_every_module_says_what_it_is():
    assert [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if not ast.get_docstring(tree(path))] == []
