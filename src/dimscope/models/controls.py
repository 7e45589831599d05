"""Models and texts in which there is nothing to find: fresh weights, tokens in random order."""

from dataclasses import replace

import numpy as np
import torch
import transformers

from dimscope.arrays import IntArray
from dimscope.errors import UsageError
from dimscope.models.imagegpt import attend_as_trained
from dimscope.models.load import LoadedModel
from dimscope.models.parts import DecoderSide, part_of
from dimscope.models.tokens import TokenizedTexts, same_tokens

SHUFFLE_STREAM = 1
"""Keeps the random orders apart from other uses of the same seed."""


def with_fresh_weights(loaded: LoadedModel, seed: int) -> LoadedModel:
    """The same architecture and tokenizer with the weights that training would start from, drawn from `seed`.

    The random state of PyTorch is put back afterwards.

    Raises:
        UsageError: the model lies on several devices.
    """
    old = loaded.model
    if loaded.devices:
        raise UsageError(
            f"fresh weights were asked for on {', '.join(loaded.devices)}; they are drawn on one device. Name a single one."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        whole = transformers.AutoModel.from_config(getattr(old, "whole_config", old.config), trust_remote_code=False)
    model = whole if type(whole) is type(old) else part_of(whole, "decoder" if isinstance(old, DecoderSide) else "encoder")
    attend_as_trained(model)
    dtype = next(old.parameters()).dtype
    return replace(
        loaded, model=model.eval().to(device=loaded.device, dtype=dtype), weights_hash=f"none: fresh weights of seed {seed}"
    )


def with_shuffled_tokens(tokens: TokenizedTexts, seed: int) -> TokenizedTexts:
    """The same texts with the tokens of each in random order; special tokens keep their places.

    Equal texts get the same order, so that they stay equal; lengths and truncation are as before. Each text has an order of
    its own, which depends on the seed and on its place alone.
    """
    ids: list[IntArray] = []
    for row, first in enumerate(tokens.duplicate_of):
        if first < row:
            ids.append(ids[first])
            continue
        movable = np.flatnonzero(~tokens.special[row])
        shuffled = tokens.ids[row].copy()
        order = np.random.default_rng([seed, SHUFFLE_STREAM, row]).permutation(len(movable))
        shuffled[movable] = tokens.ids[row][movable[order]]
        ids.append(shuffled)
    return replace(tokens, ids=ids, duplicate_of=same_tokens(ids))
