import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_bound_of_the_project_becomes_a_constraint():
    command = [sys.executable, ROOT / "scripts" / "lowest_versions.py"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    bounded = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    expected = [re.sub(r"\[.*\]", "", requirement).replace(">=", "==") for requirement in bounded if ">=" in requirement]
    assert lines == expected
    assert any(line.startswith("numpy==") for line in lines)


def test_torch_has_no_bound_so_that_no_build_is_ever_replaced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "torch" in project["project"]["dependencies"]
