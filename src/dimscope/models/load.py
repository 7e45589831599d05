"""Loading a model and what prepares its input from a folder or a hub, without running code that came with the weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from dimscope.config import ModelConfig
from dimscope.devices import choose_device
from dimscope.errors import ModelError, UsageError
from dimscope.files import hash_file
from dimscope.models.gguf import gguf_file
from dimscope.models.hub import explained_loading, is_on_hub
from dimscope.models.imagegpt import attend_as_trained
from dimscope.models.modality import PROCESSORS, load_processor, load_tokenizer, refuse_other_kind, stack_for
from dimscope.models.parts import part_of
from dimscope.models.silence import silent_transformers
from dimscope.models.split import check_placement, devices_of, first_device, placement
from dimscope.models.weights import check_folder, check_vocabulary, hash_weights, refuse_missing

OLDEST_TORCH = (2, 4)
"""What transformers 5 needs; an older build is refused with a sentence instead of being replaced at installation."""
UNBOUNDED = 1_000_000
"""Tokenizers without a limit report about 1e30 tokens; anything above this counts as no limit."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A headless model in evaluation mode with what prepares its input, and what is known about both.

    Attributes:
        tokenizer: for texts; None where the examples are something else.
        processor: image processor or feature extractor; None for texts and token ids.
        device: of the model, or the first of several, which gets the examples.
        devices: all of them, where the model lies on several.
    """

    model: Any
    tokenizer: Any
    name: str
    weights_hash: str
    max_tokens: int
    device: torch.device
    dtype: str
    processor: Any = None
    devices: tuple[str, ...] = ()

    @property
    def _parts(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer, "processor": self.processor}

    @property
    def facts(self) -> dict[str, Any]:
        """Plain facts for the manifest."""
        config = self.model.config
        return {
            "name": self.name,
            "class": type(self.model).__name__,
            "model_type": config.model_type,
            "is_causal": is_causal(config),
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "weights_hash": self.weights_hash,
            **{name: type(part).__name__ for name, part in self._parts.items() if part is not None},
            "max_tokens": self.max_tokens,
            "dtype": self.dtype,
            "device": ", ".join(self.devices) or str(self.device),
        }


def load_model(config: ModelConfig, kind: str = "text") -> LoadedModel:
    """The model named in the configuration, with what prepares examples of this kind for it.

    A name that is a folder on this machine is read from there; any other name is looked up in the local cache and on the
    hub. `trust_remote_code` is always off, safetensors are preferred, and a pickle is read only with `allow_pickle`.

    Args:
        config: which model, and how.
        kind: of the examples: `text`, `protein`, `tokens`, `image` or `audio`.

    Raises:
        ModelError: no such folder or hub model, no network, no usable weights, or nothing that prepares such examples.
        UsageError: the device is not there, the dtype does not fit it, or the model reads examples of another kind.
    """
    _check_torch()
    devices = devices_of(config.device)
    device = first_device(config.device) if len(devices) > 1 else choose_device(config.device)
    folder, packed = Path(config.name).expanduser(), gguf_file(config.name)
    if packed is not None:
        folder = packed.parent
    elif folder.is_dir():
        check_folder(folder, config.allow_pickle)
    elif config.name.startswith((".", "/", "~")) or folder.is_file():
        what = "is a file, not a model folder" if folder.is_file() else "does not exist"
        raise ModelError(f"the model folder {folder} {what} (looked in {Path.cwd()}).")
    source = str(folder) if folder.is_dir() else config.name
    model, tokenizer, processor, folder = _load(source, config, device, kind, packed)
    limit = max_tokens(model, tokenizer)
    if config.max_tokens is not None and config.max_tokens > limit:
        raise UsageError(f"--max-tokens {config.max_tokens} was asked for; {config.name} reads at most {limit} tokens.")
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        name=config.name,
        weights_hash=hash_weights(folder) if packed is None else hash_file(packed),
        max_tokens=config.max_tokens or limit,
        device=device,
        dtype=str(next(model.parameters()).dtype).removeprefix("torch."),
        processor=processor,
        devices=tuple(devices) if len(devices) > 1 else (),
    )


def _check_torch() -> None:
    found = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    if found < OLDEST_TORCH:
        raise ModelError(
            f"PyTorch {torch.__version__} is installed, dimscope reads models with 2.4 or newer; install the build for your "
            "device (pip install torch), it is never replaced without being asked."
        )


def is_causal(config: Any) -> bool:
    """True for decoder-only language models, by the task that the architecture was trained for."""
    architectures = getattr(config, "architectures", None) or []
    return bool(getattr(config, "is_decoder", False)) or any(
        name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures
    )


def max_tokens(model: Any, tokenizer: Any) -> int:
    """The longest input in tokens, special ones included, that both the tokenizer, if any, and the position table allow."""
    limits = [UNBOUNDED] if tokenizer is None else [UNBOUNDED, tokenizer.model_max_length]
    config = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if isinstance(positions, int) and positions > 0:
        limits.append(positions - _position_offset(model))
    return int(min(limits))


def _position_offset(model: Any) -> int:
    """Positions that are never used because numbering starts after the padding index (RoBERTa and its relatives)."""
    embeddings = getattr(model, "embeddings", None)
    if embeddings is not None and counts_positions_itself(model):
        padding = getattr(embeddings, "padding_idx", None)
        return padding + 1 if isinstance(padding, int) else 0
    return 0


def counts_positions_itself(model: Any) -> bool:
    """True when the embeddings number the positions from the input ids, so that padding on either side is skipped."""
    embeddings = getattr(model, "embeddings", None)
    return hasattr(embeddings, "create_position_ids_from_input_ids") or model.config.model_type in (
        "mpnet",
        "opt",
        "esm",
    )


def _load(source: str, config: ModelConfig, device: torch.device, kind: str, packed: Path | None) -> tuple[Any, Any, Any, Path]:
    """Model, tokenizer, processor, and the folder they come from."""
    shared: dict[str, Any] = {"revision": config.revision or "main", "trust_remote_code": False}
    if packed is not None:
        shared["gguf_file"] = packed.name
    dtype = "auto" if config.dtype == "auto" and device.type != "cpu" else _torch_dtype(config.dtype)
    is_folder = Path(source).is_dir()
    with silent_transformers():
        with explained_loading(f'the model "{config.name}"', is_folder):
            if not is_folder:
                shared["local_files_only"] = not is_on_hub(source, shared["revision"])
            model_config = transformers.AutoConfig.from_pretrained(source, **shared)
        stack = stack_for(kind, config.stack, model_config)
        refuse_other_kind(kind, stack, model_config, config.name)
        with explained_loading(f'the tokenizer of "{config.name}"', is_folder):
            tokenizer = load_tokenizer(source, kind, shared)
        with explained_loading(f'the {PROCESSORS.get(kind, "")} of "{config.name}"', is_folder):
            processor = load_processor(source, kind, model_config, shared)
        with explained_loading(f'the model "{config.name}"', is_folder), placement(config.device) as dealt:
            whole, report = transformers.AutoModel.from_pretrained(
                source,
                config=model_config,
                dtype=dtype,
                use_safetensors=None if config.allow_pickle or packed is not None else True,
                output_loading_info=True,
                **dealt,
                **shared,
            )
            check_placement(whole, config.device, dealt)
    model = part_of(whole, stack)
    attend_as_trained(model)
    refuse_missing(whole, model, report["missing_keys"], config.name)
    folder = Path(source) if is_folder else _cached_folder(source, config)
    if tokenizer is not None and packed is None:
        check_vocabulary(folder, tokenizer, config.name)
    for part in (model.config, model.config.get_text_config()):
        if hasattr(part, "use_cache"):
            part.use_cache = False
    return model.eval() if dealt else model.eval().to(device), tokenizer, processor, folder


def _torch_dtype(name: str) -> torch.dtype:
    found = torch.float32 if name == "auto" else getattr(torch, name)
    assert isinstance(found, torch.dtype)
    return found


def _cached_folder(source: str, config: ModelConfig) -> Path:
    from transformers.utils import cached_file

    found = cached_file(source, "config.json", revision=config.revision or "main", local_files_only=True)
    return Path(str(found)).parent
