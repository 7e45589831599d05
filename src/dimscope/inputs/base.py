"""The examples of a run: what is known about each before any model sees it."""

from dataclasses import dataclass, replace

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples in the order of the file; all columns have the same length.

    Attributes:
        ids: a name per example.
        texts: what the model reads.
        labels: one label per example (None where it is missing), or None when no label column was named.
        groups: the same for groups.
        n_dropped: examples that were left out as incomplete.
        source_hash: `sha256:` and digest of the file.
    """

    ids: list[str]
    texts: list[str]
    labels: list[str] | None = None
    groups: list[str] | None = None
    n_dropped: int = 0
    source_hash: str = ""

    def __post_init__(self) -> None:
        for name in ("ids", "labels", "groups"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.texts):
                raise InputError(f"{len(column)} {name} for {len(self.texts)} examples.")

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
        )


def draw_sample(examples: Examples, points: int, seed: int) -> Examples:
    """At most `points` examples, drawn without replacement, in the order of the file."""
    if len(examples) <= points:
        return examples
    rows = np.random.default_rng(seed).choice(len(examples), size=points, replace=False)
    return examples.take(np.sort(rows).astype(np.int64))
