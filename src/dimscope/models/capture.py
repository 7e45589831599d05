"""One forward pass, all layers: hooks that pool at once, so no layer's token states are ever kept."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import torch

from dimscope.errors import ModelError
from dimscope.models.base import LayerName
from dimscope.models.blocks import Stack, find_stack, first_norm
from dimscope.models.pooling import pooled


class _EnoughReadError(Exception):
    """Not a failure: leaves the forward pass after the last layer that is wanted."""


class Capture:
    """Reads chosen layers of a model.

    Args:
        model: a headless model in evaluation mode.
        layers: layer numbers 0 to n_layers to read.
        site: `block` reads the residual stream (layer 0: the input of the first block, layer l: the output of block l, and
            the final norm as a site of its own); `block_norm` reads the first norm's output inside each block (layer l: the
            normalised input of block l + 1) and the final norm.

    Raises:
        ModelError: the blocks cannot be found, or `block_norm` of blocks that do not start with a norm.
    """

    def __init__(self, model: torch.nn.Module, layers: Sequence[int], site: str) -> None:
        self.model = model
        self.stack: Stack = find_stack(model)
        self.site = site
        self.names = self._layer_names(set(layers))
        self._wanted = set(self.names)
        self._calls = 0
        self._read: dict[LayerName, torch.Tensor] = {}
        self._weights = torch.empty(0)

    @property
    def n_layers(self) -> int:
        """Number of blocks that the residual stream passes."""
        return self.stack.n_layers

    def _layer_names(self, layers: set[int]) -> list[LayerName]:
        stack = self.stack
        last = stack.n_layers
        if self.site == "block":
            names = [LayerName("embed", 0, f"{stack.path}.0 (input)")] if 0 in layers else []
            names += [LayerName("block", layer, stack.module_path(layer)) for layer in range(1, last + 1) if layer in layers]
        else:
            names = [
                LayerName("block_norm", layer, f"{stack.module_path(layer + 1)}.{self._norm_name()}")
                for layer in range(last)
                if layer in layers
            ]
        if stack.final_norm is not None and last in layers:
            names.append(LayerName("final_norm", last, stack.final_norm_path))
        return names

    def _norm_name(self) -> str:
        found = first_norm(self.stack.blocks[-1])  # the first block's may be left out (ModernBERT: an identity)
        if found is None or len(self.stack.blocks) != self.stack.n_layers:
            raise ModelError(f"the blocks at {self.stack.path} hold no norm of their own; use --site block.")
        return found[0]

    def run(self, inputs: Mapping[str, Any], weights: torch.Tensor) -> dict[LayerName, torch.Tensor]:
        """Pooled vectors (batch, width), float32, per layer, for one batch.

        Args:
            inputs: keyword arguments of the model's forward pass.
            weights: pooling weights (batch, tokens) on the model's device.

        Raises:
            ModelError: a wanted layer was not reached, or the first norm of a block does not read the block's input.
        """
        self._calls, self._read, self._weights = 0, {}, weights
        with ExitStack() as hooks, torch.inference_mode():
            for handle in self._hooks():
                hooks.callback(handle.remove)
            with suppress(_EnoughReadError):
                self.model(**inputs)
        missing = [str(name) for name in self.names if name not in self._read]
        if missing:
            raise ModelError(f"the forward pass of {type(self.model).__name__} did not reach: {', '.join(missing)}.")
        return self._read

    def _hooks(self) -> list[Any]:
        blocks = list(dict.fromkeys(self.stack.blocks))
        handles: list[Any] = []
        if self.site == "block":
            handles.append(blocks[0].register_forward_pre_hook(self._before_block, with_kwargs=True))
            handles += [block.register_forward_hook(self._after_block) for block in blocks]
        else:
            for layer, block in enumerate(blocks):
                handles += self._norm_hooks(layer, block)
        if self.stack.final_norm is not None:
            handles.append(self.stack.final_norm.register_forward_hook(self._after_final_norm))
        return handles

    def _norm_hooks(self, layer: int, block: torch.nn.Module) -> list[Any]:
        entered: list[torch.Tensor] = []

        def before(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            entered[:] = [_first_tensor(args, kwargs)]

        def after(_: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if not args or args[0].data_ptr() != entered[0].data_ptr():
                raise ModelError(
                    f"the blocks at {self.stack.path} do not start with a norm (post-norm architecture); use --site block."
                )
            self._keep(LayerName("block_norm", layer), output)

        return [
            block.register_forward_pre_hook(before, with_kwargs=True),
            block.get_submodule(self._norm_name()).register_forward_hook(after),
        ]

    def _before_block(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._calls == 0:
            self._keep(LayerName("embed", 0), _first_tensor(args, kwargs))

    def _after_block(self, _: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del args
        self._calls += 1
        self._keep(LayerName("block", self._calls), output[0] if isinstance(output, tuple) else output)

    def _after_final_norm(self, _: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        del args
        self._keep(LayerName("final_norm", self.n_layers), output)

    def _keep(self, name: LayerName, states: torch.Tensor) -> None:
        if name in self._wanted:
            self._read[name] = pooled(states, self._weights)
            if len(self._read) == len(self.names):
                raise _EnoughReadError


def _first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    found = args[0] if args else kwargs["hidden_states"]
    assert isinstance(found, torch.Tensor)
    return found


def parse_layers(text: str, n_layers: int, error: Callable[[str], Exception]) -> list[int]:
    """Layer numbers from `all`, or numbers and Python-like ranges `start:stop:step` (stop included), ascending.

    Args:
        text: for example `all`, `0:12:2`, `0,6,12`, `6:`.
        n_layers: the last layer.
        error: makes the exception for a wrong text.
    """
    if text == "all":
        return list(range(n_layers + 1))
    chosen: set[int] = set()
    for part in text.split(","):
        numbers = part.strip().split(":")
        try:
            values = [int(number) if number.strip() else None for number in numbers]
        except ValueError:
            values = []
        if not 1 <= len(values) <= 3 or (len(values) == 1 and values[0] is None):
            raise error(f'--layers "{text}" is not understood; write all, or numbers and ranges such as 0:12:2,12.')
        if len(values) == 1:
            chosen.add(int(values[0] or 0))
        else:
            first, last = values[0] or 0, n_layers if values[1] is None else values[1]
            chosen.update(range(first, last + 1, max(1, values[2] or 1) if len(values) == 3 else 1))
    outside = sorted(layer for layer in chosen if not 0 <= layer <= n_layers)
    if outside or not chosen:
        raise error(f'--layers "{text}" asks for {outside or "nothing"}; this model has layers 0 to {n_layers}.')
    return sorted(chosen)
