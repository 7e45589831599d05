"""One forward pass, all layers: hooks that pool at once, so no layer's token states are ever kept."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import torch

from dimscope.arrays import Site
from dimscope.errors import ModelError
from dimscope.models.base import Family, LayerName
from dimscope.models.blocks import Stack, find_stack, norm_paths, optional_module
from dimscope.models.pooling import pooled
from dimscope.models.sublayers import last_linear

_Hook: TypeAlias = tuple[torch.nn.Module, bool, Callable[..., None]]
"""Module, whether the function is called before it, and the function."""

STREAM = ("block", "hidden_states")
"""Sites of the residual stream."""
SUBLAYERS = ("attention", "mlp")
"""Sites inside the blocks, beside the residual stream."""


class _EnoughReadError(Exception):
    """Not a failure: leaves the forward pass after the last layer that is wanted."""


class Capture:
    """Reads chosen layers of a model.

    Args:
        model: a headless model in evaluation mode.
        layers: layer numbers 0 to n_layers to read.
        site: `block` reads the residual stream (layer l: what enters block l + 1, the last layer: what leaves the last block,
            and the final norm as a site of its own); `hidden_states` the same, but what leaves the last block only where no
            norm follows; `block_norm` reads the first norm's output inside each block (layer l: the normalised input of block
            l + 1) and the final norm; `attention` and `mlp` read what these parts of block l (1 to
            n_layers) add to the stream (`dimscope.models.sublayers`).
        named: places of the blocks that the user named; found by rule when None.

    Raises:
        ModelError: the blocks cannot be found, or `block_norm` of blocks that do not start with a norm.
    """

    def __init__(self, model: torch.nn.Module, layers: Sequence[int], site: str, named: Family | None = None) -> None:
        self.model = model
        self.stack: Stack = find_stack(model, named)
        self.site = site
        self.names = self._layer_names(set(layers))
        self._wanted = set(self.names)
        self._calls = 0
        self._read: dict[LayerName, torch.Tensor] = {}
        self._weights = torch.empty(0)

    @property
    def _form(self) -> torch.Size:
        return self._weights.shape[-2:]

    @property
    def n_layers(self) -> int:
        """Number of blocks that the residual stream passes."""
        return self.stack.n_layers

    def _layer_names(self, layers: set[int]) -> list[LayerName]:
        stack = self.stack
        last = stack.n_layers
        if self.site in SUBLAYERS:
            kind: Site = "attention" if self.site == "attention" else "mlp"
            chosen = [layer for layer in range(1, last + 1) if layer in layers]
            return [LayerName(kind, layer, f"{stack.module_path(layer)}.{self._projection(0)[0]}") for layer in chosen]
        if self.site in STREAM:
            names = [LayerName("embed", 0, f"{stack.path}.0 (input)")] if 0 in layers else []
            names += [LayerName("block", layer, stack.module_path(layer)) for layer in range(1, last + 1) if layer in layers]
        else:
            self._refuse_normless()
            names = [LayerName("block_norm", layer, stack.module_path(layer + 1)) for layer in range(last) if layer in layers]
        if stack.final_norm is not None and last in layers:
            names = names[:-1] if self.site == "hidden_states" else names
            names.append(LayerName("final_norm", last, stack.final_norm_path))
        return names

    def _refuse_normless(self) -> None:
        stack = self.stack
        # The last block counts: the norm of the first one may be left out (ModernBERT: an identity).
        if not norm_paths(stack.blocks[-1]) or len(stack.blocks) != stack.n_layers:
            raise ModelError(f"the blocks at {stack.path} hold no norm of their own; use --site block.")

    def run(self, inputs: Mapping[str, Any], weights: torch.Tensor) -> dict[LayerName, torch.Tensor]:
        """Vectors per layer for one batch, float32, in the form that `dimscope.models.pooling.pooled` gives them.

        Args:
            inputs: keyword arguments of the model's forward pass.
            weights: (batch, tokens) or (pools, batch, tokens), on the model's device.

        Raises:
            ModelError: a wanted layer was not reached, or the first norm of a block does not read the block's input.
        """
        self._calls, self._read, self._weights = 0, {}, weights
        with ExitStack() as hooks, torch.inference_mode():
            for module, before, hook in self._hooks():
                hooks.callback(_attach(module, before, hook).remove)
            with suppress(_EnoughReadError):
                self.model(**inputs)
        missing = [str(name) for name in self.names if name not in self._read]
        if missing:
            raise ModelError(f"the forward pass of {type(self.model).__name__} did not reach: {', '.join(missing)}.")
        return {name: self._read[name] for name in self.names}

    def _hooks(self) -> list[_Hook]:
        blocks = list(dict.fromkeys(self.stack.blocks))
        hooks: list[_Hook] = []
        for layer, block in enumerate(blocks):
            if self.site in SUBLAYERS:
                hooks += [(self._projection(layer)[1], False, self._after_sublayer), (block, False, self._after_block)]
            elif self.site in STREAM:
                hooks += [(block, True, self._before_block), (block, False, self._after_block)]
            else:
                hooks += [*self._norm_hooks(layer, block), (block, False, self._after_block)]
        if self.stack.final_norm is not None:
            hooks.append((self.stack.final_norm, False, self._after_final_norm))
        return hooks

    def _projection(self, number: int) -> tuple[str, torch.nn.Module]:
        return last_linear(self.stack.blocks[number], self.site, getattr(self.model.config, "hidden_size", None))

    def _after_sublayer(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: torch.Tensor) -> None:
        del args, kwargs
        name = LayerName("attention" if self.site == "attention" else "mlp", self._calls + 1)
        if output.ndim == 2 and len(output) == self._form.numel():  # OPT calls its MLP with all tokens in one row
            output = output.reshape(*self._form, -1)
        self._keep(name, output)

    def _norm_hooks(self, layer: int, block: torch.nn.Module) -> list[_Hook]:
        entered: list[torch.Tensor] = []

        def before(_: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            entered[:] = [_first_tensor(args, kwargs)]

        def after(path: str, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if entered and _is_same(_first_tensor(args, kwargs), entered.pop()):
                self._note_module(layer, path)
                self._keep(LayerName("block_norm", layer), output)

        def leave(*_: Any) -> None:
            if LayerName("block_norm", layer) not in self._read and LayerName("block_norm", layer) in self._wanted:
                raise ModelError(
                    f"the blocks at {self.stack.path} do not start with a norm (post-norm architecture); use --site block."
                )

        paths = dict.fromkeys([*norm_paths(block), *norm_paths(self.stack.blocks[-1])])
        norms = [(path, optional_module(block, path)) for path in paths]
        return [
            (block, True, before),
            *((norm, False, partial(after, path)) for path, norm in norms if norm is not None),
            (block, False, leave),
        ]

    def _note_module(self, layer: int, path: str) -> None:
        where = f"{self.stack.module_path(layer + 1)}.{path}"
        self.names = [replace(name, module=where) if name.index == layer else name for name in self.names]

    def _before_block(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # What enters the next block, not what left this one: some models change the stream in between (DeBERTa's convolution).
        site: Site = "block" if self._calls else "embed"
        self._keep(LayerName(site, self._calls), _first_tensor(args, kwargs))

    def _after_block(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        del args, kwargs
        self._calls += 1
        if self._calls == self.n_layers:
            self._keep(LayerName("block", self._calls), output[0] if isinstance(output, tuple | list) else output)

    def _after_final_norm(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        del args, kwargs
        if self._calls == self.n_layers:  # a norm that is called before the last block is another one
            self._keep(LayerName("final_norm", self.n_layers), output)

    def _keep(self, name: LayerName, states: torch.Tensor) -> None:
        if name in self._wanted:
            states = self._in_form(states)
            if states.ndim != 3 or states.shape[:2] != self._form:
                raise ModelError(
                    f"{name} of {type(self.model).__name__} has states of shape {tuple(states.shape)}; "
                    f"{tuple(self._form)} (examples, tokens) and a width were expected. Blocks that change the number of "
                    "tokens are not supported yet; arrays that you make yourself can be given to dimscope measure."
                )
            self._read[name] = pooled(states, self._weights)
            if len(self._read) == len(self.names):
                raise _EnoughReadError

    def _in_form(self, states: torch.Tensor) -> torch.Tensor:
        """(examples, tokens, width), without the places that some models put behind their input (Longformer: whole windows)."""
        states = with_one_axis(states, self._form[1])
        if states.ndim == 3 and self.stack.tokens_first:
            states = states.transpose(0, 1)
        return states[:, : self._form[1]] if states.ndim == 3 else states


def with_one_axis(states: torch.Tensor, n_positions: int) -> torch.Tensor:
    """States whose rows and columns of positions are two axes (SAM) with one axis for both; other states as they are."""
    is_grid = states.ndim == 4 and states.shape[1] * states.shape[2] == n_positions
    return states.flatten(1, 2) if is_grid else states


def _attach(module: torch.nn.Module, before: bool, hook: Callable[..., None]) -> Any:
    if before:
        return module.register_forward_pre_hook(hook, with_kwargs=True)
    return module.register_forward_hook(hook, with_kwargs=True)


def _is_same(found: torch.Tensor, entered: torch.Tensor) -> bool:
    """True for one tensor, also where it was moved from device to device in between."""
    if found.device == entered.device:
        return found.data_ptr() == entered.data_ptr()
    return found.shape == entered.shape and torch.equal(found, entered.to(found.device))


def _first_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    found = next((value for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)), None)
    if found is None:
        raise ModelError("a block was called without any tensor; this architecture is not supported yet.")
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
        step = values[2] if len(values) == 3 else 1
        if not 1 <= len(values) <= 3 or (len(values) == 1 and values[0] is None) or (step is not None and step < 1):
            raise error(f'--layers "{text}" is not understood; write all, or numbers and ranges such as 0:12:2,12.')
        if len(values) == 1:
            chosen.add(int(values[0] or 0))
        else:
            first, last = values[0] or 0, n_layers if values[1] is None else values[1]
            chosen.update({first, last} if max(-first, last) > n_layers else range(first, last + 1, step or 1))
    outside = ", ".join(str(layer) for layer in sorted(chosen) if not 0 <= layer <= n_layers)
    if outside or not chosen:
        raise error(f'--layers "{text}" asks for {outside or "nothing"}; this model has layers 0 to {n_layers}.')
    return sorted(chosen)
