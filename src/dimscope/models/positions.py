"""Chosen tokens of each example: one position, or all but the first ones."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dimscope.config import pooled_position
from dimscope.errors import InputError, first_of
from dimscope.models.tokens import TokenizedTexts


def choose_tokens(tokens: TokenizedTexts, names: Sequence[str], pool: str, skip_first: int) -> TokenizedTexts:
    """The examples without their first tokens in the content, each long enough for the position that `pool` names.

    Args:
        tokens: the examples.
        names: of the examples, for messages.
        pool: as in the configuration.
        skip_first: tokens at the start of each example, special ones counted, that do not count for pooling. Their states
            are often outliers: attention rests on them [Xiao 2024, doi:10.48550/arXiv.2309.17453].

    Raises:
        InputError: examples with nothing left, or without a token at that position; they are named.
    """
    content = [mask & (np.arange(len(mask)) >= skip_first) for mask in tokens.content]
    empty = [names[row] for row, mask in enumerate(content) if not mask.any()]
    if empty:
        raise InputError(
            f"--skip-first {skip_first} leaves no token of {len(empty)} of {len(content)} examples (ids {first_of(empty)}). "
            "Remove them from the data, or skip fewer."
        )
    position = pooled_position(pool)
    if position is not None:
        needed = position + 1 if position >= 0 else -position
        short = [names[row] for row, mask in enumerate(content) if mask.sum() < needed]
        if short:
            raise InputError(
                f"--pool {pool} needs {needed} content tokens; {len(short)} of {len(content)} examples have fewer "
                f"(ids {first_of(short)}). Remove them from the data, or choose a position that all have, such as position:-1."
            )
    return replace(tokens, content=content)
