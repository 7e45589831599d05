"""What a model reads, and what turns examples into it: tokenizer, image processor or feature extractor."""

from collections.abc import Mapping
from typing import Any

import transformers

from dimscope.errors import UsageError

INPUTS: Mapping[str, tuple[str, ...]] = {
    "text": ("input_ids",),
    "protein": ("input_ids",),
    "tokens": ("input_ids",),
    "image": ("pixel_values",),
    "audio": ("input_features", "input_values"),
}
"""Kind of examples -> names that transformers gives the inputs of models for them."""
EXAMPLES = {"text": "texts", "protein": "sequences", "tokens": "token ids", "image": "images", "audio": "sound"}
"""Kind of examples -> how messages call them."""
WORDS = {"input_ids": "token ids", "pixel_values": "images", "input_features": "sound", "input_values": "sound"}
"""Name of an input -> what it is."""
PROCESSORS = {"image": "image processor", "audio": "feature extractor"}
"""Kind of examples -> what prepares them."""
COLOR_MODEL = "imagegpt"
"""The model type whose tokens are colours, so that it reads images too."""


def stack_for(kind: str, stack: str, config: Any) -> str:
    """The part of the model that is read: for images and `auto` the image tower of a model that has one."""
    has_tower = getattr(config, "vision_config", None) is not None
    return "vision" if kind == "image" and stack == "auto" and has_tower else stack


def refuse_other_kind(kind: str, stack: str, config: Any, name: str) -> None:
    """Nothing when the model, or the part of it that is read, takes examples of this kind.

    Args:
        kind: of the examples.
        stack: as `stack_for` gives it.
        config: of the whole model.
        name: of the model, for the message.

    Raises:
        UsageError: it reads something else.
    """
    if stack == "vision":
        found = "pixel_values"
    elif stack == "text":
        found = "input_ids"
    else:
        found = _main_input(config)
    both = kind == "image" and config.model_type == COLOR_MODEL
    if found and found not in INPUTS[kind] and not both:
        raise UsageError(
            f"the data are {EXAMPLES[kind]}, but {name} ({config.model_type}) reads {WORDS.get(found, found)}; give "
            "data of that kind, or another model."
        )
    if kind == "audio" and stack == "decoder":
        raise UsageError("--stack decoder reads texts; for sound the encoder is read, leave --stack out.")


def _main_input(config: Any) -> str:
    """What the headless model of a configuration is called with; empty when transformers knows no such model."""
    try:
        model = transformers.AutoModel._model_mapping[type(config)]
    except (KeyError, AttributeError):
        return ""
    return str(getattr(model, "main_input_name", ""))


def load_tokenizer(source: str, kind: str, shared: Mapping[str, Any]) -> Any:
    """The tokenizer of a model for texts, or None for examples that need none."""
    if kind not in ("text", "protein"):
        return None
    return transformers.AutoTokenizer.from_pretrained(source, **shared)


def load_processor(source: str, kind: str, config: Any, shared: Mapping[str, Any]) -> Any:
    """What a model for images or sound was trained to have its input prepared by; None for other examples.

    An ImageGPT may lack one: its colours can be given with --clusters.
    """
    if kind == "audio":
        return transformers.AutoFeatureExtractor.from_pretrained(source, **shared)
    if kind != "image":
        return None
    try:
        return transformers.AutoImageProcessor.from_pretrained(source, **shared)
    except (OSError, ValueError):
        if config.model_type == COLOR_MODEL:
            return None
        raise
