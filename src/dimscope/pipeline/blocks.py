"""Row blocks of an extraction: which examples are read together and which rows of the states they fill."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dimscope.arrays import IntArray

TOKEN_ROWS = 2048
"""Rows after which a block of token rows ends: 350 MB of a model with 33 layers of width 1280."""


@dataclass(frozen=True)
class BlockPlan:
    """The blocks in order.

    Attributes:
        blocks: first and last (exclusive) example of each block.
        n_rows: rows of the states.
        store_block: as `dimscope.store.states.StateStore` takes it.
        by_token: rows are tokens, so that an example may have any number of them.
    """

    blocks: Sequence[tuple[int, int]]
    n_rows: int
    store_block: int | list[int]
    by_token: bool

    @property
    def facts(self) -> dict[str, int]:
        """What the manifest says of the rows: their number where they are tokens."""
        return {"n_tokens": self.n_rows} if self.by_token else {}


def plan_examples(n_examples: int, size: int) -> BlockPlan:
    """Blocks of `size` examples, one row each."""
    blocks = [(start, min(start + size, n_examples)) for start in range(0, n_examples, size)]
    return BlockPlan(blocks, n_examples, size, by_token=False)


def plan_tokens(counts: IntArray, size: int) -> BlockPlan:
    """Blocks of at most `size` examples that end where `TOKEN_ROWS` rows are full; each has a row.

    Args:
        counts: rows of each example, shape (examples,), at least one of them above 0.
        size: examples of a block where tokens are few.
    """
    blocks: list[tuple[int, int]] = []
    start = rows = 0
    for place, count in enumerate(counts.tolist(), start=1):
        rows += count
        if rows >= TOKEN_ROWS or (rows and place - start >= size):
            blocks.append((start, place))
            start, rows = place, 0
    if rows:
        blocks.append((start, len(counts)))
    else:
        blocks[-1] = (blocks[-1][0], len(counts))  # examples without rows at the end
    totals = np.cumsum(counts)
    return BlockPlan(blocks, int(totals[-1]), [int(totals[stop - 1]) for _, stop in blocks], by_token=True)
