"""What attention and MLP of a block add to the residual stream: the outputs of their last linear maps."""

from typing import Any

import torch

from dimscope.errors import ModelError

LINEAR = ("Linear", "Conv1D")
"""Class names of linear maps in transformers; GPT-2 writes its own as a convolution of width 1."""


def last_linear(block: torch.nn.Module, site: str, width: int | None) -> tuple[str, torch.nn.Module]:
    """Path and module of the output projection of a block's first attention module, or of its MLP.

    Norms and scales that some models put behind the projection (Gemma 2, DINOv2) are not part of it.

    Args:
        block: one block.
        site: `attention` or `mlp`.
        width: of the residual stream, which the projection must have; None when it is not known.

    Raises:
        ModelError: the block has no such projection, or mixes several experts.
    """
    named = dict(block.named_modules())
    attentions = [path for path, module in named.items() if path and _is_attention(module)]
    inside = [path for path in named if any(path.startswith(f"{one}.") for one in attentions)]
    if site == "attention":
        chosen = [path for path in inside if path.startswith(f"{attentions[0]}.")] if attentions else []
    else:
        chosen = [path for path in named if path not in inside]
        if any("expert" in part for path in chosen for part in path.split(".")):
            raise ModelError(f"{type(block).__name__} mixes experts, it has no single MLP output; use --site block.")
    found = [path for path in chosen if _width(named[path]) is not None and width in (None, _width(named[path]))]
    if not found:
        raise ModelError(f"no {site} output of width {width} was found in {type(block).__name__}; use --site block.")
    return found[-1], named[found[-1]]


def _is_attention(module: torch.nn.Module) -> bool:
    name = type(module).__name__.lower()
    return "norm" not in name and ("attention" in name or "attn" in name)


def _width(module: torch.nn.Module) -> int | None:
    """Width of a linear map's output, None for other modules."""
    if not any(kind.__name__ in LINEAR for kind in type(module).__mro__):
        return None
    sized: Any = module
    return int(sized.nf if hasattr(sized, "nf") else sized.out_features)
