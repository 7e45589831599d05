"""Examples as a model reads them, whatever they are: batches of model inputs with masks, grouped by length."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np
import torch

from dimscope.arrays import IntArray
from dimscope.models.load import LoadedModel

TOKENS_PER_BATCH = {"cpu": 4096, "cuda": 65_536, "mps": 16_384}
"""Padded tokens of one batch; on two CPU cores batches of 2 000 to 16 000 tokens ran equally fast (MiniLM, 12-token texts)."""


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch on the model's device: model inputs, mask of all positions and of those that count (batch, positions)."""

    inputs: dict[str, torch.Tensor]
    mask: torch.Tensor
    content: torch.Tensor


class Prepared(Protocol):
    """What reading a model needs to know of its examples; texts, token arrays, images and sound fulfil it."""

    @property
    def duplicate_of(self) -> IntArray:
        """Shape (n,): the first example with the same input; they share one forward pass and so equal vectors."""
        ...

    @property
    def truncated(self) -> np.ndarray:
        """Shape (n,): True for examples that were longer than the model reads."""
        ...

    @property
    def content(self) -> list[np.ndarray]:
        """One boolean array per example: True where a position counts for pooling."""
        ...

    @property
    def lengths(self) -> IntArray:
        """What a forward pass of each example costs in positions, shape (n,)."""
        ...

    @property
    def unit(self) -> str:
        """What the examples are called in messages, for example `texts`."""
        ...

    @property
    def is_padded(self) -> bool:
        """Whether shorter examples are padded to the longest of a batch; otherwise a batch holds one length."""
        ...

    def with_content(self, content: list[np.ndarray]) -> Self:
        """The same examples with other positions that count."""
        ...

    def make_batch(self, loaded: LoadedModel, rows: IntArray, padding: str, length: int | None = None) -> Batch:
        """The examples `rows`, padded on the side `padding` to the longest of them, or to `length` positions."""
        ...


def placed(loaded: LoadedModel, values: torch.Tensor) -> torch.Tensor:
    """Numbers on the device of the model, floating-point ones in its dtype."""
    dtype = next(loaded.model.parameters()).dtype if values.is_floating_point() else values.dtype
    return values.to(device=loaded.device, dtype=dtype)


def fixed_batch(loaded: LoadedModel, inputs: Mapping[str, torch.Tensor], content: np.ndarray) -> Batch:
    """A batch of examples that all fill the same number of positions, content (batch, positions)."""
    counted = torch.from_numpy(content.astype(np.int64)).to(loaded.device)
    moved = {name: placed(loaded, values) for name, values in inputs.items()}
    return Batch(moved, torch.ones_like(counted), counted)


AnyPrepared = TypeVar("AnyPrepared", bound=Prepared)
"""Whatever kind of examples goes in comes out."""


def plan_batches(lengths: IntArray, batch_size: int | None, device_type: str) -> list[IntArray]:
    """Positions grouped into batches of similar length, longest first so that memory peaks at once.

    Args:
        lengths: tokens per example.
        batch_size: examples per batch; None fills each batch up to a fixed number of padded tokens.
        device_type: `cpu`, `cuda`, `mps`.
    """
    order = np.lexsort((np.arange(len(lengths)), -lengths))
    batches, start = [], 0
    budget = TOKENS_PER_BATCH.get(device_type, TOKENS_PER_BATCH["cpu"])
    while start < len(order):
        size = batch_size or max(1, budget // max(1, int(lengths[order[start]])))
        batches.append(order[start : start + size].astype(np.int64))
        start += size
    return batches


def batches_of(examples: Prepared, rows: IntArray, batch_size: int | None, device_type: str) -> list[IntArray]:
    """The chosen examples in batches (see `plan_batches`), of one length each where nothing can be padded."""
    lengths = examples.lengths
    batches = [rows[places] for places in plan_batches(lengths[rows], batch_size, device_type)]
    if examples.is_padded:
        return batches
    return [part for chosen in batches for part in np.split(chosen, np.flatnonzero(np.diff(lengths[chosen])) + 1)]


def iterate_batches(
    loaded: LoadedModel, examples: Prepared, rows: IntArray, batch_size: int | None, padding: str
) -> Iterator[tuple[IntArray, Batch]]:
    """Batches over the chosen examples, each with the rows it holds; of one length where nothing can be padded.

    Such examples are images and sound: the next batch is decoded in a thread while the model reads this one.
    """
    parts = batches_of(examples, rows, batch_size, loaded.device.type)
    if examples.is_padded:
        for part in parts:
            yield part, examples.make_batch(loaded, part, padding)
        return
    with ThreadPoolExecutor(max_workers=1) as worker:
        coming = worker.submit(examples.make_batch, loaded, parts[0], padding)
        for number, part in enumerate(parts):
            batch = coming.result()
            if number + 1 < len(parts):
                coming = worker.submit(examples.make_batch, loaded, parts[number + 1], padding)
            yield part, batch
