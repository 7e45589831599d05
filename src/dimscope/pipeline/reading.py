"""What an extraction will read and fill, all of it known before the first file is written."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.config import RunConfig, pools_of
from dimscope.inputs.base import Examples
from dimscope.models.load import LoadedModel
from dimscope.models.prepared import Prepared
from dimscope.models.reader import Reader
from dimscope.pipeline.blocks import BlockPlan, plan_examples, plan_tokens
from dimscope.pipeline.prepare import prepare
from dimscope.progress import Progress
from dimscope.store.states import stored_size


@dataclass(frozen=True, eq=False)
class Reading:
    """A model, examples as it reads them, and the rows that they fill.

    Attributes:
        examples: as they were given.
        loaded: the model.
        tokens: the examples as it reads them.
        reader: both together.
        widths: layer name -> features.
        plan: the row blocks.
    """

    examples: Examples
    loaded: LoadedModel
    tokens: Prepared
    reader: Reader
    widths: dict[str, int]
    plan: BlockPlan

    @property
    def state_bytes(self) -> dict[str, int]:
        """Layer name -> bytes of its file, to the byte; the same for each pooling."""
        return {name: stored_size((self.plan.n_rows, width), np.dtype("<f4")) for name, width in self.widths.items()}

    @property
    def size(self) -> str:
        """How many of what, for a message."""
        return f"{len(self.examples)} examples, {len(self.widths)} layers"


def open_reading(config: RunConfig, examples: Examples, progress: Progress, *, block_rows: int, control: str = "") -> Reading:
    """The reading of these examples, after everything that can be wrong with model, examples and options was looked for.

    Args:
        config: what to read; several poolings are read in one pass.
        examples: of any kind.
        progress: told before the model is loaded, and what was found in it.
        block_rows: examples of a row block.
        control: as in `dimscope.pipeline.prepare.prepare`.

    Raises:
        InputError, ModelError, UsageError: see `prepare` and `dimscope.models.reader.Reader`.
    """
    loaded, tokens = prepare(config, examples, progress, control)
    reader = Reader(loaded, tokens, examples.ids, config.model)
    widths = reader.probe()
    progress.message(reader.description)
    by_token = pools_of(config.model.pool) == ("tokens",)
    counts = reader.vector_counts(np.arange(len(examples)))
    plan = plan_tokens(counts, block_rows) if by_token else plan_examples(len(examples), block_rows)
    return Reading(examples, loaded, tokens, reader, widths, plan)


def first_examples(reader: Reader, tokens: Prepared, start: int, stop: int) -> IntArray:
    """The examples of a block that the model reads: the first of their kind, unless they have no vectors."""
    rows = np.arange(start, stop)
    return np.asarray(rows[(tokens.duplicate_of[rows] == rows) & (reader.vector_counts(rows) > 0)])


def read_rows(
    reader: Reader, tokens: Prepared, start: int, stop: int, advance: Callable[[int], None]
) -> dict[str, dict[str, Points]]:
    """The vectors of the examples of a block that are the first of their kind: pooling -> layer -> rows."""
    fresh = first_examples(reader, tokens, start, stop)
    advance(stop - start - len(fresh))
    return reader.read(fresh, advance) if len(fresh) else {}
