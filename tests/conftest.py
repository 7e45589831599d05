"""Fixtures that every test may use."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def oracles() -> dict[str, Any]:
    """Numbers that other implementations computed, with the recipes of their inputs."""
    return json.loads((DATA / "oracles.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def recipes(oracles: dict[str, Any]) -> dict[str, np.ndarray]:
    """The inputs A, B, C, D, T and the labels, made from the recorded recipes."""
    made: dict[str, Any] = {"np": np}
    for recipe in oracles["recipes"].values():
        exec(recipe, made)
    return {name: made[name] for name in oracles["recipes"]}
