"""points.parquet: who is in which row of the states."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dimscope.arrays import IntArray
from dimscope.files import atomic_path
from dimscope.inputs.base import Examples
from dimscope.models.prepared import Prepared
from dimscope.models.tokens import TokenizedTexts
from dimscope.store.folder import RunFolder

SNIPPET = 200
"""Characters of each text kept in points.parquet."""
CONTEXT = 8
"""Tokens shown on each side of one that is a row of its own."""


def write_example_rows(folder: RunFolder, examples: Examples, tokens: Prepared) -> None:
    """One row per example."""
    rows = np.arange(len(examples), dtype=np.int64)
    columns = _example_columns(examples, tokens, rows)
    _write(
        folder,
        {
            "id": examples.ids,
            **columns,
            "text": [text[:SNIPPET] for text in examples.texts],
            "duplicate_of": [examples.ids[first] for first in tokens.duplicate_of],
        },
    )


def write_token_rows(folder: RunFolder, examples: Examples, tokens: Prepared, tokenizer: Any) -> None:
    """One row per content token, in the order of the examples and of the tokens in each.

    The id is `example:position`, the position counted from 0 with special tokens; the group is that of the example, or the
    example itself where there are no groups; the text is the token in square brackets between its neighbours, or that of the
    example where there is no tokenizer.
    """
    owners = np.repeat(np.arange(len(examples)), [mask.sum() for mask in tokens.content])
    positions = np.concatenate([np.flatnonzero(mask) for mask in tokens.content])
    ids = [f"{examples.ids[row]}:{position}" for row, position in zip(owners, positions, strict=True)]
    columns = _example_columns(examples, tokens, owners)
    if examples.groups is None:
        columns["group"] = [examples.ids[row] for row in owners]
    texts, token = [examples.texts[row] for row in owners], [""] * len(owners)
    if tokenizer is not None and isinstance(tokens, TokenizedTexts):
        before, token, after = (tokenizer.batch_decode(part) for part in _contexts(tokens, owners, positions))
        texts = [f"{a}[{b}]{c}" for a, b, c in zip(before, token, after, strict=True)]
    _write(
        folder,
        {
            "id": ids,
            **columns,
            "text": texts,
            "duplicate_of": ids,
            "example": [examples.ids[row] for row in owners],
            "position": positions,
            "token": token,
        },
    )


def write_plain_rows(folder: RunFolder, n_rows: int, labels: Sequence[str] | None) -> None:
    """One row per point of which nothing but, perhaps, a label is known; the id is the row number."""
    import pyarrow

    empty = pyarrow.nulls(n_rows, pyarrow.string())
    ids = [str(row) for row in range(n_rows)]
    _write(folder, {"id": ids, "label": empty if labels is None else list(labels), "group": empty, "text": empty})


def _contexts(tokens: TokenizedTexts, owners: IntArray, positions: IntArray) -> tuple[list[Any], list[Any], list[Any]]:
    places = list(zip(owners.tolist(), positions.tolist(), strict=True))
    before = [tokens.ids[row][max(0, place - CONTEXT) : place].tolist() for row, place in places]
    after = [tokens.ids[row][place + 1 : place + 1 + CONTEXT].tolist() for row, place in places]
    return before, [[int(tokens.ids[row][place])] for row, place in places], after


def _example_columns(examples: Examples, tokens: Prepared, rows: IntArray) -> dict[str, Any]:
    """What a row has from its example."""
    import pyarrow

    empty = pyarrow.nulls(len(rows), pyarrow.string())
    return {
        "label": [examples.labels[row] for row in rows] if examples.labels is not None else empty,
        "group": [examples.groups[row] for row in rows] if examples.groups is not None else empty,
        "n_tokens": np.array([len(mask) for mask in tokens.content])[rows],
        "truncated": tokens.truncated[rows],
    }


def _write(folder: RunFolder, columns: dict[str, Any]) -> None:
    import pyarrow
    from pyarrow import parquet

    with atomic_path(folder.points) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)
