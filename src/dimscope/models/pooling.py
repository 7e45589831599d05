"""From token vectors to one vector per example, or to the vectors of chosen tokens."""

from collections.abc import Sequence

import torch

from dimscope.config import pooled_position


def pool_weights(mask: torch.Tensor, content: torch.Tensor, pool: str) -> torch.Tensor:
    """Weights (batch, tokens), float32, that sum to 1 along each row; the pooled vector is their product with the states.

    For `tokens` nothing is averaged: the result is boolean, True for the tokens that are read.

    Args:
        mask: (batch, tokens), 1 where there is a token, 0 where there is padding (on either side).
        content: (batch, tokens), 1 where a token counts for `mean`, `last` and `tokens`; a subset of `mask`.
        pool: `mean` over content tokens, `last` content token, `position:N`, content token N (0 the first, -1 the last, there
            in every example), `cls`, the first token of the example, or `tokens`.
    """
    if pool == "tokens":
        return content.bool()
    if pool == "mean":
        weights = content.float()
        return weights / weights.sum(dim=1, keepdim=True)
    n_tokens = mask.shape[1]
    number = -1 if pool == "last" else pooled_position(pool)
    if number is None:
        position = mask.int().argmax(dim=1)
    else:
        counted = content.int().cumsum(dim=1)
        wanted = (number if number >= 0 else counted[:, -1:] + number) + 1
        position = ((counted == wanted) & content.bool()).int().argmax(dim=1)
    return torch.nn.functional.one_hot(position, n_tokens).float()


def stacked_weights(mask: torch.Tensor, content: torch.Tensor, pools: Sequence[str]) -> torch.Tensor:
    """The weights of several poolings, shape (pools, batch, tokens)."""
    return torch.stack([pool_weights(mask, content, pool) for pool in pools])


def pooled(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """What the weights of `pool_weights` make of states (batch, tokens, width), in float32 on the device of the states.

    Returns:
        Vectors (batch, width); for boolean weights those of the chosen tokens, row after row, (tokens chosen, width). Weights
        with a first axis of several poolings give vectors with that axis, each with the bits that it has alone.
    """
    weights = weights.to(states.device)  # a model may lie on several devices
    if weights.ndim == 3:
        return torch.stack([pooled(states, one) for one in weights])
    if weights.dtype == torch.bool:
        return states[weights].float()
    vectors = torch.bmm(weights.unsqueeze(1), states.float()).squeeze(1)
    if vectors.device.type == "cpu" and vectors.isfinite().all():  # elsewhere asking waits for the device
        return vectors
    clean = torch.where(weights.unsqueeze(2) != 0, states.float(), 0.0)  # NaN or Inf where the weight is 0 does not count
    return torch.bmm(weights.unsqueeze(1), clean).squeeze(1)
