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
        norm = optional_module(model, family.final_norm)
        return Stack(family.blocks, blocks, n_layers, norm, family.final_norm or "")
    path = _largest_list(model, _n_hidden_layers(config))
    blocks = list(model.get_submodule(path))  # type: ignore[call-overload]
    norm_path = _norm_after(model, path)
    return Stack(path, blocks, len(blocks), optional_module(model, norm_path), norm_path)


def is_norm(module: torch.nn.Module) -> bool:
    """True for layer norms and RMS norms, recognised by the name of their class."""
    return "norm" in type(module).__name__.lower()


def norm_paths(block: torch.nn.Module) -> list[str]:
    """Paths of the norms inside a block, in the order in which they are declared."""
    return [path for path, module in block.named_modules() if is_norm(module)]


def _n_hidden_layers(config: object) -> int | None:
    text_config = getattr(config, "get_text_config", lambda: config)()
    for part in (config, text_config):  # a multi-modal model keeps the numbers of its text stack one level down
        for name in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
            value = getattr(part, name, None)
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


def _norm_after(model: torch.nn.Module, path: str) -> str:
    """The first norm declared after the list of blocks, beside it or beside a module that holds it; those of embeddings not."""
    while path:
        prefix, _, name = path.rpartition(".")
        parent = model.get_submodule(prefix)
        names = [child for child, _ in parent.named_children()]
        for later in names[names.index(name) + 1 :]:
            if is_norm(parent.get_submodule(later)) and "embed" not in later:
                return f"{prefix}.{later}".lstrip(".")
        path = prefix
    return ""


def optional_module(model: torch.nn.Module, path: str | None) -> torch.nn.Module | None:
    """The module at a path, or None when there is none."""
    if not path:
        return None
    try:
        found = model.get_submodule(path)
    except AttributeError:
        return None
    return found if isinstance(found, torch.nn.Module) else None
