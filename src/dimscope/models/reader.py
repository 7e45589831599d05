"""A loaded model that turns texts into one vector per example and layer, block of examples by block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from dimscope.arrays import IntArray, Points
from dimscope.config import ModelConfig
from dimscope.errors import InputError, ModelError, UsageError, first_of
from dimscope.models.base import Family, LayerName
from dimscope.models.capture import Capture, parse_layers
from dimscope.models.load import LoadedModel
from dimscope.models.pooling import pool_weights
from dimscope.models.probe import check_blocks, check_padding
from dimscope.models.tokens import Batch, TokenizedTexts, iterate_batches, make_batch


class Reader:
    """One forward pass per distinct text, all layers pooled on the way.

    Args:
        loaded: the model and its tokenizer.
        tokens: the texts.
        ids: their names, for messages.
        config: pooling, layers, batch size and padding.

    Raises:
        UsageError: layers that the model does not have.
        ModelError: the blocks of the model cannot be found.
    """

    def __init__(self, loaded: LoadedModel, tokens: TokenizedTexts, ids: Sequence[str], config: ModelConfig) -> None:
        self.loaded, self.tokens, self.ids, self.config = loaded, tokens, ids, config
        if config.final_norm is not None and config.blocks is None:
            raise UsageError(f"--final-norm {config.final_norm} needs --blocks, the list of blocks that the norm follows.")
        self.named = Family(config.blocks, config.final_norm) if config.blocks is not None else None
        n_layers = Capture(loaded.model, [0], "block", self.named).n_layers
        self.capture = Capture(loaded.model, parse_layers(config.layers, n_layers, UsageError), config.site, self.named)
        if not self.capture.names:
            raise UsageError(f'--layers "{config.layers}" selects nothing at --site {config.site}.')

    @property
    def layers(self) -> list[LayerName]:
        """The layers that are read, in order of depth."""
        return self.capture.names

    @property
    def n_layers(self) -> int:
        """Number of blocks of the model; the depth of layer l is l / n_layers."""
        return self.capture.n_layers

    @property
    def found(self) -> dict[str, str]:
        """Where the blocks and the last norm stand, and how they were found (`dimscope.models.blocks.Stack`)."""
        stack = self.capture.stack
        return {"blocks": stack.path, "final_norm": stack.final_norm_path or "none", "found_by": stack.found_by}

    def probe(self) -> dict[str, int]:
        """Width of each layer, after one short text has shown that the model can be read and that padding does not matter.

        Raises:
            ModelError: see `dimscope.models.probe`.
            InputError: NaN or Inf already here.
        """
        model, dtype = self.loaded.model, self.loaded.dtype
        lengths = self.tokens.lengths
        several = np.flatnonzero(lengths > 1)  # one token cannot tell the axes of a batch apart
        row = several[lengths[several].argmin()] if len(several) else lengths.argmin()
        rows = np.array([int(row)])
        batch = make_batch(self.loaded, self.tokens, rows, self.config.padding)
        check_blocks(model, batch, dtype, self.named)
        alone = self._forward(batch)
        for name, vectors in alone.items():
            self._refuse_non_finite(name, vectors.cpu().numpy(), rows)
        length = min(2 * int(lengths[row]) + 1, self.loaded.max_tokens)
        if self.config.batch_size != 1 and length > lengths[row]:
            padded = self._forward(make_batch(self.loaded, self.tokens, rows, self.config.padding, length))
            check_padding(model, alone, padded, self.config.padding, dtype)
        return {str(name): vectors.shape[1] for name, vectors in alone.items()}

    def read(self, rows: IntArray, advance: Callable[[int], None]) -> dict[str, Points]:
        """Vectors float32 (len(rows), width) per layer name, in the order of `rows`; `advance` is told of finished texts.

        Raises:
            InputError: NaN or Inf, with layer and examples.
            ModelError: one example, or a batch of the size that was asked for, does not fit into memory.
        """
        found: dict[str, Points] = {}
        place = {int(row): line for line, row in enumerate(rows)}
        for chosen, batch in iterate_batches(self.loaded, self.tokens, rows, self.config.batch_size, self.config.padding):
            for some, states in self._fitting(chosen, batch):
                lines = [place[int(row)] for row in some]
                for name, values in states.items():
                    self._refuse_non_finite(name, values, some)
                    found.setdefault(str(name), np.empty((len(rows), values.shape[1]), np.float32))[lines] = values
                advance(len(some))
        return found

    def _fitting(self, rows: IntArray, batch: Batch) -> Iterator[tuple[IntArray, dict[LayerName, Points]]]:
        """The vectors of a batch; one that does not fit into memory is halved until it does, unless its size was asked for."""
        try:
            with _explained_memory(batch):
                states = {name: vectors.cpu().numpy() for name, vectors in self._forward(batch).items()}
        except _TooLargeError:
            if self.config.batch_size is not None or len(rows) == 1:
                raise
        else:
            yield rows, states
            return
        del batch
        if torch.cuda.is_available():  # pragma: no cover - needs a GPU
            torch.cuda.empty_cache()
        for half in np.array_split(rows, 2):
            yield from self._fitting(half, make_batch(self.loaded, self.tokens, half, self.config.padding))

    def _forward(self, batch: Batch) -> dict[LayerName, torch.Tensor]:
        return self.capture.run(batch.inputs, pool_weights(batch.mask, batch.content, self.config.pool))

    def _refuse_non_finite(self, name: LayerName, values: Points, rows: IntArray) -> None:
        bad = rows[~np.isfinite(values).all(axis=1)]
        if len(bad):
            shown = first_of(self.ids[row] for row in bad)
            raise InputError(
                f"layer {name} ({name.module}) holds NaN or Inf for {len(bad)} examples of a batch (ids {shown}). Try "
                f"--dtype float32 (now {self.loaded.dtype}), or check the weights."
            )


class _TooLargeError(ModelError):
    """A batch does not fit into memory."""


@contextmanager
def _explained_memory(batch: Batch) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.cuda.OutOfMemoryError) and "allocate memory" not in str(error):
            raise
        raise _TooLargeError(
            f"a batch of {batch.mask.shape[0]} texts with {batch.mask.shape[1]} tokens does not fit into the memory of "
            f"{batch.mask.device}; choose a smaller --batch-size, or fewer --max-tokens."
        ) from error
