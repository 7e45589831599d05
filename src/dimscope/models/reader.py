"""A loaded model that turns texts into one vector per example and layer, block of examples by block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from dimscope.arrays import IntArray, Points
from dimscope.config import ModelConfig, pools_of
from dimscope.errors import InputError, ModelError, UsageError, first_of
from dimscope.models.base import Family, LayerName
from dimscope.models.capture import Capture, parse_layers
from dimscope.models.load import LoadedModel
from dimscope.models.pooling import stacked_weights
from dimscope.models.prepared import Batch, Prepared, iterate_batches
from dimscope.models.probe import check_blocks, check_padding


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

    def __init__(self, loaded: LoadedModel, tokens: Prepared, ids: Sequence[str], config: ModelConfig) -> None:
        self.loaded, self.tokens, self.ids, self.config = loaded, tokens, ids, config
        self.pools = pools_of(config.pool)
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

    @property
    def description(self) -> str:
        """The same in one line."""
        stack, kind = self.capture.stack, type(self.loaded.model).__name__
        last = f"last norm at {stack.final_norm_path}" if stack.final_norm_path else "no norm after them"
        return f"{kind}: {stack.n_layers} blocks at {stack.path} (found by: {stack.found_by}), {last}"

    def probe(self) -> dict[str, int]:
        """Width of each layer, after one short text has shown that the model can be read and that padding does not matter.

        Raises:
            ModelError: see `dimscope.models.probe`.
            InputError: NaN or Inf already here.
        """
        model, dtype = self.loaded.model, self.loaded.dtype
        lengths = self.tokens.lengths
        candidates = np.flatnonzero(self.vector_counts(np.arange(len(lengths))))
        if (lengths[candidates] > 1).any():  # one token cannot tell the axes of a batch apart
            candidates = candidates[lengths[candidates] > 1]
        row = int(candidates[lengths[candidates].argmin()])
        rows = np.array([row])
        batch = self.tokens.make_batch(self.loaded, rows, self.config.padding)
        check_blocks(model, batch, dtype, self.named)
        alone = self._forward(batch)
        owners = np.repeat(rows, self.vector_counts(rows))
        for name, values in alone.items():
            for vectors in values.cpu().numpy():
                self._refuse_non_finite(name, vectors, owners)
        length = min(2 * int(lengths[row]) + 1, self.loaded.max_tokens)
        if self.config.batch_size != 1 and self.tokens.is_padded and length > lengths[row]:
            padded = self._forward(self.tokens.make_batch(self.loaded, rows, self.config.padding, length))
            check_padding(model, alone, padded, self.config.padding, dtype)
        return {str(name): vectors.shape[-1] for name, vectors in alone.items()}

    def vector_counts(self, rows: IntArray) -> IntArray:
        """Vectors of each text: one, or with `tokens` one per content token."""
        if self.pools != ("tokens",):
            return np.ones(len(rows), dtype=np.int64)
        return np.array([self.tokens.content[row].sum() for row in rows], dtype=np.int64)

    def read(self, rows: IntArray, advance: Callable[[int], None]) -> dict[str, dict[str, Points]]:
        """Pooling -> layer name -> vectors float32, (len(rows), width), in the order of `rows`.

        With the pooling `tokens` each text has as many vectors as `vector_counts` says. `advance` is told of finished texts.

        Raises:
            InputError: NaN or Inf, with layer and examples.
            ModelError: one example, or a batch of the size that was asked for, does not fit into memory.
        """
        found: dict[str, dict[str, Points]] = {pool: {} for pool in self.pools}
        counts = self.vector_counts(rows)
        n_vectors, stops = int(counts.sum()), dict(zip(rows.tolist(), counts.cumsum().tolist(), strict=True))
        for chosen, batch in iterate_batches(self.loaded, self.tokens, rows, self.config.batch_size, self.config.padding):
            for some, states in self._fitting(chosen, batch):
                own = self.vector_counts(some)
                ends = [stops[row] for row in some.tolist()]
                lines = np.concatenate([np.arange(end - n, end) for end, n in zip(ends, own, strict=True)])
                for name, values in states.items():
                    for pool, vectors in zip(self.pools, values, strict=True):
                        self._refuse_non_finite(name, vectors, np.repeat(some, own))
                        layers = found[pool]
                        if str(name) not in layers:
                            layers[str(name)] = np.empty((n_vectors, vectors.shape[1]), np.float32)
                        layers[str(name)][lines] = vectors
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
            yield from self._fitting(half, self.tokens.make_batch(self.loaded, half, self.config.padding))

    def _forward(self, batch: Batch) -> dict[LayerName, torch.Tensor]:
        return self.capture.run(batch.inputs, stacked_weights(batch.mask, batch.content, self.pools))

    def _refuse_non_finite(self, name: LayerName, values: Points, rows: IntArray) -> None:
        bad = np.unique(rows[~np.isfinite(values).all(axis=1)])
        if len(bad):
            shown, dtype = first_of(self.ids[row] for row in bad), self.loaded.dtype
            advice = "Check the weights." if dtype == "float32" else f"Try --dtype float32 (now {dtype}), or check the weights."
            raise InputError(
                f"layer {name} ({name.module}) holds NaN or Inf for {len(bad)} examples of a batch (ids {shown}). {advice}"
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
