"""Finding the blocks of a model and its last norm."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from dimscope.errors import ModelError, first_of
from dimscope.models.base import Family
from dimscope.models.families import FAMILIES

NO_NORM = "none"
"""What `--final-norm` says for a model without a norm after its blocks."""
LAST_NORMS = ("norm", "final_norm")
"""Names of norms that T5Gemma and NeoMME declare before their blocks and call after them."""


@dataclass(frozen=True, eq=False)
class Stack:
    """The blocks of a model in the order in which the residual stream passes them.

    Attributes:
        path: where the list stands.
        blocks: the modules, each once, even when they are called several times.
        n_layers: number of block outputs in one forward pass.
        final_norm: the norm after the last block, or None.
        final_norm_path: where it stands.
        found_by: `named` by the user, `family` (a record of ours), `declared` by transformers, or `list` (the general rule).
        tokens_first: the blocks read states (tokens, examples, width).
    """

    path: str
    blocks: list[torch.nn.Module]
    n_layers: int
    final_norm: torch.nn.Module | None
    final_norm_path: str = ""
    found_by: str = "list"
    tokens_first: bool = False

    def module_path(self, layer: int) -> str:
        """Path of the module whose output is layer `layer` (1 to n_layers)."""
        return f"{self.path}.{(layer - 1) * len(self.blocks) // self.n_layers}"


def find_stack(model: torch.nn.Module, named: Family | None = None) -> Stack:
    """The stack of an encoder or decoder.

    In this order: the places that the user named, our record of the family, the class whose outputs transformers itself
    declares to be the hidden states, the largest list of as many modules as the configuration has layers.

    Args:
        model: headless; one that wraps others may say in `part` which of them is read.
        named: the user's places.

    Raises:
        ModelError: no list of blocks, several of the same size, or a named place that is not there.
    """
    config: Any = model.config
    family = FAMILIES.get(config.model_type)
    if named is not None:
        return replace(_named_stack(model, named), tokens_first=family is not None and family.tokens_first)
    if family is not None:
        return _recorded_stack(model, family)
    lists, found_by = _candidates(model, _n_hidden_layers(model))
    path = _largest(model, lists)
    blocks = list(model.get_submodule(path))  # type: ignore[call-overload]
    norm_path = _norm_after(model, path)
    return Stack(path, blocks, len(blocks), optional_module(model, norm_path), norm_path, found_by)


def _recorded_stack(model: torch.nn.Module, family: Family) -> Stack:
    config: Any = model.config
    part = str(getattr(model, "part", ""))
    path, norm_path = (f"{part}.{place}".lstrip(".") if place else "" for place in (family.blocks, family.final_norm))
    blocks = list(model.get_submodule(path))  # type: ignore[call-overload]
    n_layers = config.num_hidden_layers if family.repeats_blocks else len(blocks)
    return Stack(path, blocks, n_layers, optional_module(model, norm_path), norm_path, "family", family.tokens_first)


def _named_stack(model: torch.nn.Module, named: Family) -> Stack:
    listed = optional_module(model, named.blocks)
    if not isinstance(listed, torch.nn.ModuleList | torch.nn.Sequential) or not len(listed):
        raise ModelError(
            f"--blocks {named.blocks} is no list of modules in {type(model).__name__}; its lists are "
            f"{first_of(lists_of(model))}."
        )
    path = _norm_after(model, named.blocks) if named.final_norm is None else named.final_norm
    norm = optional_module(model, path)
    if named.final_norm not in (None, NO_NORM) and norm is None:
        raise ModelError(f"--final-norm {named.final_norm} is no module of {type(model).__name__}; write {NO_NORM} for none.")
    return Stack(named.blocks, list(listed), len(listed), norm, path if norm is not None else "", "named")


def lists_of(model: torch.nn.Module) -> list[str]:
    """Paths of the lists of two or more modules, those that `--blocks` may name."""
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList) and len(module) > 1]


def is_norm(module: torch.nn.Module) -> bool:
    """True for layer norms and RMS norms, recognised by the name of their class."""
    return "norm" in type(module).__name__.lower()


def norm_paths(block: torch.nn.Module) -> list[str]:
    """Paths of the norms inside a block, in the order in which they are declared."""
    return [path for path, module in block.named_modules() if is_norm(module)]


def _n_hidden_layers(model: torch.nn.Module) -> int | None:
    config: Any = model.config
    of_encoder = getattr(config, "encoder_num_hidden_layers", None)  # Moonshine's other number is that of its decoder
    if isinstance(of_encoder, int) and not getattr(model, "part", ""):
        return of_encoder
    text_config = getattr(config, "get_text_config", lambda: config)()
    for part in (config, text_config):  # a multi-modal model keeps the numbers of its text stack one level down
        for name in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
            value = getattr(part, name, None)
            if isinstance(value, int):
                return value
    return None


def _candidates(model: torch.nn.Module, n_layers: int | None) -> tuple[Mapping[str, torch.nn.Module], str]:
    part = str(getattr(model, "part", ""))
    every = {
        f"{part}.{name}".lstrip("."): module
        for name, module in model.get_submodule(part).named_modules()
        if isinstance(module, torch.nn.ModuleList) and len(module)
    }
    fitting = {name: module for name, module in every.items() if n_layers is None or len(module) == n_layers}
    kinds = _declared_blocks(model.get_submodule(part))
    declared = {name: module for name, module in fitting.items() if kinds and all(isinstance(one, kinds) for one in module)}
    if not fitting:
        raise ModelError(
            f"no list of {n_layers or 'equal'} blocks was found in {type(model).__name__}; name it with --blocks PATH"
            + (f" (its lists are {first_of(every)})." if every else ", if it has one (dimscope list models).")
        )
    return (declared, "declared") if declared else (fitting, "list")


def _declared_blocks(model: torch.nn.Module) -> tuple[type, ...]:
    """The classes whose outputs transformers records as hidden states; empty where the model declares none.

    The attribute is not a public interface: whatever has another form counts as no declaration.
    """
    found = (getattr(model, "_can_record_outputs", None) or {}).get("hidden_states", ())
    several = found if isinstance(found, list | tuple) else (found,)
    classes = (getattr(one, "target_class", one) for one in several)
    return tuple(one for one in classes if isinstance(one, type))


def _largest(model: torch.nn.Module, lists: Mapping[str, torch.nn.Module]) -> str:
    sizes = {name: sum(parameter.numel() for parameter in module.parameters()) for name, module in lists.items()}
    largest = max(sizes.values())
    winners = [name for name, size in sizes.items() if size == largest]
    if len(winners) > 1:
        raise ModelError(
            f"{type(model).__name__} has several stacks of blocks: {', '.join(winners)}; one was expected. "
            "Choose with --stack or --blocks."
        )
    return str(winners[0])


def _norm_after(model: torch.nn.Module, path: str) -> str:
    """The first norm declared after the list of blocks, beside it or beside a module that holds it; those of embeddings not.

    Where there is none, one beside the list that is called the last one (`LAST_NORMS`), wherever it is declared.
    """
    beside = path.rpartition(".")[0]
    while path:
        prefix, _, name = path.rpartition(".")
        parent = model.get_submodule(prefix)
        names = [child for child, _ in parent.named_children()]
        for later in names[names.index(name) + 1 :]:
            if is_norm(parent.get_submodule(later)) and "embed" not in later:
                return f"{prefix}.{later}".lstrip(".")
        path = prefix
    last = (f"{beside}.{name}".lstrip(".") for name in LAST_NORMS)
    return next((name for name in last if is_norm(optional_module(model, name) or torch.nn.Identity())), "")


def optional_module(model: torch.nn.Module, path: str | None) -> torch.nn.Module | None:
    """The module at a path, or None when there is none."""
    if not path:
        return None
    try:
        found = model.get_submodule(path)
    except AttributeError:
        return None
    return found if isinstance(found, torch.nn.Module) else None
