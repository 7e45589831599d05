"""The examples of a run: what is known about each before any model sees it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError
from dimscope.inputs.contents import Contents

Columns: TypeAlias = dict[str, list[str | None]]
"""Column name -> one text per row; None where the cell is empty."""
Chooser: TypeAlias = Callable[[list[str]], list[str]]
"""Picks the wanted ones, each of which stands there once, from all column names."""
Reader: TypeAlias = Callable[[Path, Chooser], Columns]
"""Reads the columns that a chooser picks from all column names."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples in the order of the file; all columns have the same length.

    Attributes:
        ids: a name per example.
        texts: what the model reads; for `contents` what is shown of them, for example the name of a file.
        labels: one label per example (None where it is missing), or None when no label column was named.
        groups: the same for groups.
        n_dropped: examples that were left out as incomplete.
        source_hash: `sha256:` and digest of the file, or of names and contents of several.
        kind: `text`, `protein` where each text is a chain of residues, one letter each, or `image`, `audio`, `tokens`.
        contents: images, sound or token ids; None for texts.
    """

    ids: list[str]
    texts: list[str]
    labels: list[str] | None = None
    groups: list[str] | None = None
    n_dropped: int = 0
    source_hash: str = ""
    kind: str = "text"
    contents: Contents | None = None

    def __post_init__(self) -> None:
        for name in ("ids", "labels", "groups"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.texts):
                raise InputError(f"{len(column)} {name} for {len(self.texts)} examples.")
        if self.contents is not None and len(self.contents) != len(self.texts):
            raise InputError(f"{len(self.contents)} contents for {len(self.texts)} examples.")

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: IntArray) -> "Examples":
        """The chosen examples, in the given order."""

        def pick(column: list[str] | None) -> list[str] | None:
            return None if column is None else [column[row] for row in rows]

        return replace(
            self,
            ids=[self.ids[row] for row in rows],
            texts=[self.texts[row] for row in rows],
            labels=pick(self.labels),
            groups=pick(self.groups),
            contents=None if self.contents is None else self.contents.take(rows),
        )


def sample_rows(n: int, points: int, seed: int) -> IntArray:
    """At most `points` of n rows, drawn without replacement, ascending."""
    if n <= points:
        return np.arange(n)
    rows = np.random.default_rng(seed).choice(n, size=points, replace=False)
    return np.sort(rows).astype(np.int64)


def draw_sample(examples: Examples, points: int, seed: int) -> Examples:
    """At most `points` examples, drawn without replacement, in the order of the file."""
    return examples if len(examples) <= points else examples.take(sample_rows(len(examples), points, seed))
