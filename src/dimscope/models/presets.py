"""Conventions of published studies, as sets of options."""

from collections.abc import Mapping
from typing import Any

from dimscope.config import RunConfig, config_from
from dimscope.errors import unknown_name

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "igpt": {"site": "block_norm", "pool": "mean", "special_tokens": "include"},
    "esm": {"site": "hidden_states", "pool": "mean", "special_tokens": "exclude"},
}
"""Name -> options of the model [Valeriani et al. 2023, doi:10.48550/arXiv.2302.00294].

`igpt`: the normalised input of each block, then the output of the last norm, mean over all positions, the start among them.
`esm`: layers 0 to L, the last one after the last norm, mean over the residues without the tokens at both ends.
"""


def preset_config(name: str) -> RunConfig:
    """The defaults with the options of a preset.

    Raises:
        UsageError: no preset has this name; the nearest is named.

    Example:
        >>> preset_config("esm").model.site
        'hidden_states'
    """
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return config_from({"model": PRESETS[name]})
