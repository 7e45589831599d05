"""Finding the blocks of a model and its last norm."""

from dataclasses import dataclass
from typing import Any

import torch

from dimscope.errors import ModelError
from dimscope.models.families import FAMILIES


@dataclass(frozen=True, eq=False)
class Stack:
    """The blocks of a model in the order in which the residual stream passes them.

    Attributes:
        path: where the list stands.
        blocks: the modules, each once, even when they are called several times.
        n_layers: number of block outputs in one forward pass.
        final_norm: the norm after the last block, or None.
        final_norm_path: where it stands.
    """

    path: str
    blocks: list[torch.nn.Module]
    n_layers: int
    final_norm: torch.nn.Module | None
    final_norm_path: str = ""

    def module_path(self, layer: int) -> str:
        """Path of the module whose output is layer `layer` (1 to n_layers)."""
        return f"{self.path}.{(layer - 1) * len(self.blocks) // self.n_layers}"


def find_stack(model: torch.nn.Module) -> Stack:
    """The stack of an encoder or decoder.

    Raises:
        ModelError: no list of blocks, or several of the same length.
    """
    config: Any = model.config
    family = FAMILIES.get(config.model_type)
    if family is not None:
        blocks = list(model.get_submodule(family.blocks))  # type: ignore[call-overload]
        n_layers = config.num_hidden_layers if family.repeats_blocks else len(blocks)
        norm = _optional(model, family.final_norm)
        return Stack(family.blocks, blocks, n_layers, norm, family.final_norm or "")
    path = _largest_list(model, _n_hidden_layers(config))
    parent = model.get_submodule(path.rpartition(".")[0])
    norm_name = _norm_after(parent, path.rpartition(".")[2])
    blocks = list(model.get_submodule(path))  # type: ignore[call-overload]
    prefix = path.rpartition(".")[0]
    norm_path = f"{prefix}.{norm_name}".lstrip(".") if norm_name else ""
    return Stack(path, blocks, len(blocks), _optional(model, norm_path or None), norm_path)


def is_norm(module: torch.nn.Module) -> bool:
    """True for layer norms and RMS norms, recognised by the name of their class."""
    return "norm" in type(module).__name__.lower()


def first_norm(block: torch.nn.Module) -> tuple[str, torch.nn.Module] | None:
    """The first norm declared inside a block with its path, or None."""
    return next(((name, module) for name, module in block.named_modules() if name and is_norm(module)), None)


def _n_hidden_layers(config: object) -> int | None:
    for name in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
        value = getattr(config, name, None)
        if isinstance(value, int):
            return value
    return None


def _largest_list(model: torch.nn.Module, n_layers: int | None) -> str:
    lists = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.ModuleList) and (n_layers is None or len(module) == n_layers)
    }
    if not lists:
        raise ModelError(
            f"no list of {n_layers or 'equal'} blocks was found in {type(model).__name__}; this architecture is not "
            "supported yet (dimscope list models)."
        )
    sizes = {name: sum(parameter.numel() for parameter in module.parameters()) for name, module in lists.items()}
    largest = max(sizes.values())
    winners = [name for name, size in sizes.items() if size == largest]
    if len(winners) > 1:
        raise ModelError(f"{type(model).__name__} has several stacks of blocks: {', '.join(winners)}; one was expected.")
    return str(winners[0])


def _norm_after(parent: torch.nn.Module, list_name: str) -> str | None:
    names = [name for name, _ in parent.named_children()]
    later = names[names.index(list_name) + 1 :]
    return next((name for name in later if is_norm(parent.get_submodule(name))), None)


def _optional(model: torch.nn.Module, path: str | None) -> torch.nn.Module | None:
    if not path:
        return None
    try:
        found = model.get_submodule(path)
    except AttributeError:
        return None
    return found if isinstance(found, torch.nn.Module) else None
