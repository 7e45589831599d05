"""Questions to a model on one short text, before anything is read: are the right blocks read, and does padding matter?"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch

from dimscope.errors import DimscopeError, ModelError, first_of
from dimscope.models.base import Family, LayerName
from dimscope.models.blocks import lists_of
from dimscope.models.capture import Capture, with_one_axis
from dimscope.models.pooling import pool_weights, pooled
from dimscope.models.prepared import Batch

Vectors = Mapping[LayerName, torch.Tensor]
SAME_PASS = 16.0
"""Roundings between two readings of the same batch; on a CPU they are equal to the bit."""
OTHER_PASS = 32.0
"""Roundings between a text alone and the same text with padding: up to 8 were seen in 60 architectures that mask padding, and
1 % of the value or more in the 15 that do not on one side or both."""
LEAST = 1e-4
"""Share of the largest value that always counts as equal; real float32 models of many blocks add up more roundings."""


def check_blocks(model: Any, batch: Batch, dtype: str, named: Family | None = None) -> None:
    """Nothing when all layers that the hooks see are the model's own hidden states.

    What a model reports last is its state after the last norm, or before it, or projected to another width: the final norm
    is compared with it, and the last block only where there is no final norm. Some (Mamba, RWKV) report the last block and the
    last norm, and not what enters the first block.

    Raises:
        ModelError: the model cannot read texts alone, or its states are others than those found by the hooks.
    """
    weights = pool_weights(batch.mask, batch.content, "mean")
    every = Capture(model, range(Capture(model, [0], "block", named).n_layers + 1), "block", named)
    with explained_forward(model):
        found = every.run(batch.inputs, weights)
        with torch.inference_mode():
            output = model(**batch.inputs, output_hidden_states=True)
    states: Sequence[torch.Tensor] = output.hidden_states or ()
    if len(states) != every.n_layers + 1:
        raise ModelError(
            f"{type(model).__name__} reports {len(states)} hidden states, its list {every.stack.path} has {every.n_layers} "
            f"blocks. {_how_to_name(every)}"
        )
    last = [states[-1], getattr(output, "last_hidden_state", None)]
    wrong = [_first_wrong(found, told, weights, dtype) for told in _ways_to_report(states, last, every)]
    if None not in wrong and wrong[0] is not None:
        again = every.run(batch.inputs, weights)
        if not all(_is_near(again[name], vectors, SAME_PASS, dtype) for name, vectors in found.items()):
            raise ModelError(
                f"{type(model).__name__} gives other states each time it reads the same example, so it draws at random. "
                "Where its config.json says how much it masks (mask_ratio of ViT-MAE), set that to 0."
            )
        raise ModelError(
            f"{wrong[0]} ({wrong[0].module}) of {type(model).__name__} is not the hidden state that the model itself reports. "
            f"{_how_to_name(every)}"
        )


_Told: TypeAlias = Mapping[LayerName, Sequence[torch.Tensor | None]]
"""Layer -> the states of which it must be one."""


def _ways_to_report(states: Sequence[torch.Tensor], last: Sequence[torch.Tensor | None], every: Capture) -> list[_Told]:
    n, has_norm = every.n_layers, every.stack.final_norm is not None
    usual = {LayerName("embed", 0): [states[0]], **{LayerName("block", layer): [states[layer]] for layer in range(1, n)}}
    without_input = {LayerName("block", layer): [states[layer - 1]] for layer in range(1, n)}
    at_end = LayerName("final_norm" if has_norm else "block", n)
    return [{**usual, at_end: last}, *([{**without_input, at_end: last}] if has_norm else [])]


def _first_wrong(found: Vectors, told: _Told, weights: torch.Tensor, dtype: str) -> LayerName | None:
    for name, vectors in found.items():
        fitting = [
            state
            for state in (with_one_axis(one, weights.shape[1]) for one in told.get(name, ()) if one is not None)
            if state.shape[:2] == weights.shape and state.shape[2:] == vectors.shape[1:]
        ]
        is_projected = name.site == "block" and len(told.get(name, ())) > 1 and not fitting  # to another width (OPT-350m)
        equal = any(_is_near(vectors, pooled(state, weights), SAME_PASS, dtype) for state in fitting)
        if name in told and not equal and not is_projected:
            return name
    return None


def _how_to_name(every: Capture) -> str:
    stack, lists = every.stack, first_of(lists_of(every.model))
    return (
        f"Found by {stack.found_by}: blocks {stack.path}, last norm {stack.final_norm_path or 'none'}; name others with "
        f"--blocks and --final-norm (its lists are {lists}). Where no list holds whole blocks, it is not supported yet."
    )


def check_padding(model: Any, alone: Vectors, padded: Vectors, side: str, dtype: str) -> None:
    """Nothing when padding leaves the vectors of a text as they are.

    Raises:
        ModelError: the model lets padding into the vectors.
    """
    for name, vectors in alone.items():
        if not _is_near(padded[name], vectors, OTHER_PASS, dtype):
            raise ModelError(
                f"padding on the {side} changes the vectors of {type(model).__name__} ({name}): it does not mask what is "
                "padded. Choose --batch-size 1, which pads nothing" + (", or --padding right." if side == "left" else ".")
            )


@contextmanager
def explained_forward(model: Any) -> Iterator[None]:
    """Turn whatever a model raises when it is given a text into one sentence."""
    try:
        yield
    except DimscopeError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        raise ModelError(
            f"{type(model).__name__} cannot read an example ({type(error).__name__}: {reason}). dimscope reads models whose "
            "only input is token ids, images or sound; models that need several of them are not supported yet."
        ) from error


def _is_near(found: torch.Tensor, expected: torch.Tensor, roundings: float, dtype: str) -> bool:
    expected = expected.to(found.device)
    if not torch.isfinite(expected).all():
        return True  # NaN and Inf are refused where the examples are read, with their names
    allowed = max(LEAST, roundings * torch.finfo(getattr(torch, dtype)).eps)
    return bool(((found - expected).abs().max() <= allowed * expected.abs().max()).item())
