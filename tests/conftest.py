"""Fixtures that every test may use."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["DIMSCOPE_PLUGINS"] = "0"  # what else is installed must not change a test
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # models of 32 features: threads cost more than they bring
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


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny BERT with 3 blocks."""
    from tiny import save_model

    return save_model("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny GPT-2 with 3 blocks, whose tokenizer adds no special tokens."""
    from tiny import save_model

    return save_model("gpt2", tmp_path_factory.mktemp("gpt2"))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A CSV of 60 labelled texts, columns id, text, label, group; rows 7 and 8 have the same text."""
    import csv

    from tiny import make_texts

    made = make_texts(60, seed=5)
    made[8] = made[7]
    place = tmp_path / "texts.csv"
    with place.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "text", "label", "group"])
        for row, text in enumerate(made):
            writer.writerow([f"e{row}", text, "odd" if len(text.split()) % 2 else "even", f"g{row // 3}"])
    return place
