"""Questions to a model on one short text, before anything is read: are the right blocks read, and does padding matter?"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from dimscope.errors import DimscopeError, ModelError
from dimscope.models.base import Family, LayerName
from dimscope.models.capture import Capture
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
    is compared with it, and the last block only where there is no final norm.

    Raises:
        ModelError: the model cannot read texts alone, or its states are others than those found by the hooks.
    """
    weights = pool_weights(batch.mask, batch.content, "mean")
    every = Capture(model, range(Capture(model, [0], "block", named).n_layers + 1), "block", named)
    with explained_forward(model):
        found = every.run(batch.inputs, weights)
        with torch.inference_mode():
            output = model(**batch.inputs, output_hidden_states=True)
    states = output.hidden_states or ()
    if len(states) != every.n_layers + 1:
        raise ModelError(
            f"{type(model).__name__} reports {len(states)} hidden states, its list {every.stack.path} has {every.n_layers} "
            "blocks; this architecture is not supported yet (dimscope list models)."
        )
    for name, vectors in found.items():
        expected = [states[name.index]] if name.index < every.n_layers else _last(states, output, vectors.shape)
        if name.site == "block" and name.index == every.n_layers and (every.stack.final_norm or not expected):
            continue
        if not any(_is_near(vectors, pooled(state, weights), SAME_PASS, dtype) for state in expected):
            raise ModelError(
                f"{name} ({name.module}) of {type(model).__name__} is not the hidden state that the model itself reports; "
                "this architecture is not supported yet (dimscope list models)."
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


def _last(states: Any, output: Any, shape: Any) -> list[torch.Tensor]:
    candidates = [states[-1], getattr(output, "last_hidden_state", None)]
    return [state for state in candidates if state is not None and state.shape[-1] == shape[-1]]


def _is_near(found: torch.Tensor, expected: torch.Tensor, roundings: float, dtype: str) -> bool:
    if not torch.isfinite(expected).all():
        return True  # NaN and Inf are refused where the examples are read, with their names
    allowed = max(LEAST, roundings * torch.finfo(getattr(torch, dtype)).eps)
    return bool(((found - expected).abs().max() <= allowed * expected.abs().max()).item())
