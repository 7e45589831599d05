"""Chosen tokens of each example: one position, or all but the first ones."""

from collections.abc import Sequence

import numpy as np

from dimscope.config import pooled_position, pools_of
from dimscope.errors import InputError, first_of
from dimscope.models.prepared import AnyPrepared

TOKEN_STREAM = 3
"""Keeps the draw of tokens apart from other uses of the same seed."""


def choose_tokens(tokens: AnyPrepared, names: Sequence[str], pool: str, skip_first: int) -> AnyPrepared:
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
    for word in pools_of(pool):
        _refuse_short(content, names, word)
    return tokens.with_content(content)


def _refuse_short(content: Sequence[np.ndarray], names: Sequence[str], pool: str) -> None:
    position = pooled_position(pool)
    if position is None:
        return
    needed = position + 1 if position >= 0 else -position
    short = [names[row] for row, mask in enumerate(content) if mask.sum() < needed]
    if short:
        raise InputError(
            f"--pool {pool} needs {needed} content tokens; {len(short)} of {len(content)} examples have fewer "
            f"(ids {first_of(short)}). Remove them from the data, or choose a position that all have, such as position:-1."
        )


def sample_tokens(tokens: AnyPrepared, n_tokens: int, seed: int) -> AnyPrepared:
    """The examples with at most `n_tokens` content tokens in all, drawn without replacement; those of repeated texts are none.

    A repeated text has the states of the first one, so its tokens would only be the same points again.
    """
    content = [mask & (tokens.duplicate_of[row] == row) for row, mask in enumerate(tokens.content)]
    stops = np.cumsum([mask.sum() for mask in content])
    total = int(stops[-1])
    if total > n_tokens:
        kept = np.zeros(total, dtype=bool)
        kept[np.random.default_rng([seed, TOKEN_STREAM]).choice(total, size=n_tokens, replace=False)] = True
        for mask, stop in zip(content, stops.tolist(), strict=True):
            mask[mask] = kept[stop - mask.sum() : stop]
    return tokens.with_content(content)
