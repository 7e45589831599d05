"""A loaded model that turns texts into one vector per example and layer, block of examples by block."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from dimscope.arrays import IntArray, Points
from dimscope.config import ModelConfig
from dimscope.errors import InputError, UsageError
from dimscope.models.base import LayerName
from dimscope.models.capture import Capture, parse_layers
from dimscope.models.load import LoadedModel
from dimscope.models.pooling import pool_weights
from dimscope.models.tokens import TokenizedTexts, iterate_batches, make_batch


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
        n_layers = Capture(loaded.model, [0], "block").n_layers
        self.capture = Capture(loaded.model, parse_layers(config.layers, n_layers, UsageError), config.site)
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

    def widths(self) -> dict[str, int]:
        """Width of each layer, found by one short forward pass."""
        shortest = np.array([int(self.tokens.lengths.argmin())])
        return {str(name): states.shape[1] for name, states in self._forward(shortest).items()}

    def read(self, rows: IntArray, advance: Callable[[int], None]) -> dict[str, Points]:
        """Vectors float32 (len(rows), width) per layer name, in the order of `rows`; `advance` is told of finished texts.

        Raises:
            InputError: NaN or Inf, with layer and examples.
        """
        found: dict[str, Points] = {}
        place = {int(row): line for line, row in enumerate(rows)}
        for chosen, batch in iterate_batches(self.loaded, self.tokens, rows, self.config.batch_size, self.config.padding):
            lines = [place[int(row)] for row in chosen]
            states = self.capture.run(batch.inputs, pool_weights(batch.mask, batch.content, self.config.pool))
            for name, vectors in states.items():
                values = vectors.cpu().numpy()
                self._refuse_non_finite(name, values, chosen)
                found.setdefault(str(name), np.empty((len(rows), values.shape[1]), np.float32))[lines] = values
            advance(len(chosen))
        return found

    def _forward(self, rows: IntArray) -> dict[LayerName, torch.Tensor]:
        batch = make_batch(self.loaded, self.tokens, rows, self.config.padding)
        return self.capture.run(batch.inputs, pool_weights(batch.mask, batch.content, self.config.pool))

    def _refuse_non_finite(self, name: LayerName, values: Points, rows: IntArray) -> None:
        bad = rows[~np.isfinite(values).all(axis=1)]
        if len(bad):
            shown = ", ".join(self.ids[row] for row in bad[:5]) + (", ..." if len(bad) > 5 else "")
            raise InputError(
                f"layer {name} ({name.module}) holds NaN or Inf for {len(bad)} examples of a batch (ids {shown}). Try "
                f"--dtype float32 (now {self.loaded.dtype}), or check the weights."
            )
