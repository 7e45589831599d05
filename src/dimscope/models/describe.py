"""What is found in a model from its configuration alone: no weights are read."""

from pathlib import Path
from typing import Any

import torch
import transformers

from dimscope.models.blocks import find_stack, norm_paths
from dimscope.models.gguf import gguf_file
from dimscope.models.hub import explained_loading, is_on_hub
from dimscope.models.parts import part_of
from dimscope.models.silence import silent_transformers


def describe_model(name: str, stack: str = "auto") -> dict[str, Any]:
    """Class, blocks, norms and sizes of a model as `dimscope run` would find them.

    Args:
        name: a folder, a GGUF file, or a hub name.
        stack: the part of a model with several.

    Returns:
        `class`, `blocks` (path), `n_layers`, `final_norm` (path or none), `found_by` (see `dimscope.models.blocks.Stack`),
        `norms` of a block, `width` and `parameters` of what is read.

    Raises:
        ModelError: no such configuration, an architecture that transformers does not know, or no list of blocks in it.
    """
    packed = gguf_file(name)
    place = packed.parent if packed else Path(name).expanduser()
    options: dict[str, Any] = {"gguf_file": packed.name} if packed else {}
    with silent_transformers(), torch.device("meta"), explained_loading(f'the model "{name}"', place.is_dir()):
        if not place.is_dir():
            options["local_files_only"] = not is_on_hub(name, "main")
        source = str(place) if place.is_dir() else name
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False, **options)
        model = part_of(transformers.AutoModel.from_config(config, trust_remote_code=False), stack)
    found = find_stack(model)
    return {
        "class": type(model).__name__,
        "blocks": found.path,
        "n_layers": found.n_layers,
        "final_norm": found.final_norm_path or "none",
        "found_by": found.found_by,
        "norms": norm_paths(found.blocks[-1]),
        "width": getattr(model.config.get_text_config(), "hidden_size", None),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
