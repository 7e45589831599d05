"""OpenAI's image GPT checkpoints as Hugging Face ImageGPT folders."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from dimscope.errors import InputError, ModelError, UsageError
from dimscope.files import atomic_path, hash_file, write_text
from dimscope.paper.bundle import Bundle
from dimscope.paper.space import require_space
from dimscope.progress import Progress, Silent

SHARD_BYTES = 1 << 30
"""Weights are written in files of about this size, so that memory stays bounded for the largest model (5.5 GB)."""
INDEX = "model.safetensors.index.json"
N_COLORS, N_PIXELS = 512, 1024


@dataclass(frozen=True)
class Shape:
    """The numbers that define an image GPT.

    Attributes:
        n_layer, n_embd, n_head: blocks, width, attention heads.
        n_pixels: longest input.
        n_colors: colour clusters; the embedding has one row more, the start vector.
        is_bert: trained with the BERT objective: no start vector, no shift, attention in both directions.
    """

    n_layer: int
    n_embd: int
    n_head: int
    n_pixels: int = N_PIXELS
    n_colors: int = N_COLORS
    is_bert: bool = False

    @property
    def n_bytes(self) -> int:
        """Bytes of the converted weights, within 1 %."""
        return 4 * (12 * self.n_layer * self.n_embd**2 + (self.n_pixels + 2 * self.n_colors) * self.n_embd)

    @property
    def size(self) -> str | None:
        """`small`, `medium` or `large`, by blocks, width and heads; None for any other model."""
        found = (self.n_layer, self.n_embd, self.n_head)
        return next((name for name, known in SIZES.items() if (known.n_layer, known.n_embd, known.n_head) == found), None)

    @property
    def name(self) -> str:
        """A word for file names: the size, or blocks x width; a BERT variant is marked."""
        return f"{self.size or f'igpt-{self.n_layer}x{self.n_embd}'}{'-bert' * self.is_bert}"


SIZES = {"small": Shape(24, 512, 8), "medium": Shape(36, 1024, 8), "large": Shape(48, 1536, 16)}
"""iGPT-S (76 million parameters), M (455), L (1 362). Chen et al. 2020, Generative Pretraining from Pixels (ICML)."""


def blocks_of(name: str) -> int:
    """The number of blocks of the model that `Shape.name` gave this word; 0 for any other word."""
    word = name.removesuffix("-bert")
    if word in SIZES:
        return SIZES[word].n_layer
    found = re.fullmatch(r"igpt-(\d+)x\d+", word)
    return int(found[1]) if found else 0


Reading = Callable[[str], np.ndarray]
"""Name of a tensor in the checkpoint (without `model/`) -> its values."""


def shape_of(bundle: Bundle) -> Shape:
    """The shape of the model in a checkpoint, read from its tensors.

    Raises:
        InputError: it is no image GPT.
    """
    try:
        n_pixels, n_embd = bundle.shape("model/wpe")
        n_colors, _ = bundle.shape("model/wte")
        n_head = bundle.shape("model/h0/attn/q_proj")[0]
    except (InputError, ValueError, IndexError) as error:
        raise InputError(f"{bundle.prefix} is no checkpoint of OpenAI's image GPT: {error}") from None
    n_layer = sum(name.startswith("model/h") and name.endswith("/ln_1/g") for name in bundle.names)
    return Shape(n_layer, n_embd, n_head, n_pixels, n_colors, "model/sos" not in bundle)


def shape_of_folder(folder: Path) -> Shape:
    """The shape of the model in a Hugging Face ImageGPT folder, read from its `config.json`.

    Raises:
        InputError: it is no ImageGPT.
    """
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        numbers = [int(found[name]) for name in ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size")]
    except (OSError, ValueError, LookupError, TypeError):
        raise InputError(f"{folder}/config.json is no configuration of an ImageGPT.") from None
    n_layer, n_embd, n_head, n_pixels, n_tokens = numbers
    return Shape(n_layer, n_embd, n_head, n_pixels, n_tokens - 1, bool(found.get("bidirectional")))


def origin_of_folder(folder: Path) -> Mapping[str, str]:
    """What `write_folder` noted about the weights; empty for a folder from elsewhere."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("origin")
    except (OSError, ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def convert(checkpoint: Path, to: Path, *, size: str | None = None, progress: Progress | None = None) -> Shape:
    """Write the checkpoint as a Hugging Face ImageGPT folder; what is already there is not written again.

    The weights are those of `ImageGPTForCausalImageModeling`: rows 0 to 511 of the embedding are the colours, the last one is
    the start vector (zeros in a BERT variant, whose `config.json` says `bidirectional: true`).

    Args:
        checkpoint: prefix of the TensorFlow 1 bundle, or a folder that holds one.
        to: the new folder.
        size: `small`, `medium` or `large` when the checkpoint must be of that size.

    Raises:
        InputError: no checkpoint, a damaged one, or one of another model or size.
        StoreError: the disk is full or `to` cannot be written.
    """
    bundle = Bundle(checkpoint)
    shape = shape_of(bundle)
    if size is not None:
        check_size(shape, size, str(checkpoint))
    origin = {"checkpoint": bundle.prefix.name, "index": hash_file(bundle.index)}
    write_folder(lambda name: bundle.read(f"model/{name}"), shape, to, origin, progress)
    return shape


def check_size(shape: Shape, size: str, source: str) -> None:
    """Nothing when blocks, width and heads are those of the named size.

    Raises:
        UsageError: they are not.
    """
    wanted = SIZES[size]
    if shape.size != size:
        hint = f"use --model {shape.size}" if shape.size else "leave --model out"
        raise UsageError(
            f"--model {size} has {wanted.n_layer} blocks of width {wanted.n_embd}; {source} has {shape.n_layer} of width "
            f"{shape.n_embd}: {hint}."
        )


def write_folder(read: Reading, shape: Shape, to: Path, origin: Mapping[str, str], progress: Progress | None = None) -> None:
    """Write weights in files of about 1 GB, and `config.json` last: a folder without it is not finished.

    Args:
        read: the weights.
        shape: of the model.
        to: folder.
        origin: what tells these weights from others of the same shape; stands in `config.json` under `origin`.
        progress: receives the blocks.

    Raises:
        ModelError: the folder holds another model.
        StoreError: the disk has no room for it, or cannot be written.
    """
    config = _config(shape) | {"origin": dict(origin)}
    if (to / "config.json").is_file():
        if (to / INDEX).is_file() and json.loads((to / "config.json").read_text(encoding="utf-8")) == config:
            return
        raise ModelError(f"{to} holds another model; choose another folder.")
    require_space(to, shape.n_bytes, "the weights")
    places: dict[str, str] = {}
    part: dict[str, np.ndarray] = {}
    with (progress or Silent()).stage("convert", shape.n_layer + 1) as task:
        for tensors in _groups(read, shape):
            part |= tensors
            if sum(values.nbytes for values in part.values()) >= SHARD_BYTES:
                places |= _write_part(part, to, len(set(places.values())))
                part = {}
            task.advance()
    if part:
        places |= _write_part(part, to, len(set(places.values())))
    write_text(to / INDEX, json.dumps({"metadata": {}, "weight_map": places}, indent=1))
    write_text(to / "config.json", json.dumps(config, indent=1))


def _write_part(part: dict[str, np.ndarray], to: Path, number: int) -> dict[str, str]:
    name = f"model-{number:05d}.safetensors"
    with atomic_path(to / name) as temporary:
        save_file({key: np.ascontiguousarray(values, np.float32) for key, values in part.items()}, temporary, {"format": "pt"})
    return dict.fromkeys(part, name)


def _config(shape: Shape) -> dict[str, object]:
    return {
        "architectures": ["ImageGPTForCausalImageModeling"], "model_type": "imagegpt", "n_layer": shape.n_layer,
        "n_embd": shape.n_embd, "n_head": shape.n_head, "n_positions": shape.n_pixels, "vocab_size": shape.n_colors + 1,
        "activation_function": "quick_gelu", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": False,
        "bidirectional": shape.is_bert,
    }  # fmt: skip


def _groups(read: Reading, shape: Shape) -> Iterator[dict[str, np.ndarray]]:
    """The weights under their names in transformers, outside the blocks first, then block by block."""
    width, colors = shape.n_embd, shape.n_colors
    start = np.zeros(width, np.float32) if shape.is_bert else read("sos")
    yield {
        "transformer.wte.weight": np.concatenate([read("wte").reshape(colors, width), start.reshape(1, width)]),
        "transformer.wpe.weight": read("wpe"),
        "transformer.ln_f.weight": read("ln_f/g"),
        "lm_head.weight": read("wtet").reshape(colors, width),
    }
    for layer in range(shape.n_layer):
        yield {f"transformer.h.{layer}.{name}": values for name, values in _block(read, f"h{layer}", width).items()}


def _block(read: Reading, block: str, width: int) -> dict[str, np.ndarray]:
    """One block: OpenAI keeps q, k, v as (heads, head width, input), transformers as (input, 3 x width), and has biases."""

    def square(name: str) -> np.ndarray:
        return read(f"{block}/attn/{name}").reshape(width, width)

    return {
        "ln_1.weight": read(f"{block}/ln_1/g"),
        "ln_2.weight": read(f"{block}/ln_2/g"),
        "attn.c_attn.weight": np.concatenate([square(name).T for name in ("q_proj", "k_proj", "v_proj")], axis=1),
        "attn.c_attn.bias": np.zeros(3 * width),
        "attn.c_proj.weight": square("c_proj"),
        "attn.c_proj.bias": np.zeros(width),
        "mlp.c_fc.weight": read(f"{block}/mlp/c_fc/w").reshape(width, 4 * width),
        "mlp.c_fc.bias": np.zeros(4 * width),
        "mlp.c_proj.weight": read(f"{block}/mlp/c_proj/w").reshape(4 * width, width),
        "mlp.c_proj.bias": np.zeros(width),
    }


def fresh(shape: Shape, seed: int) -> Reading:
    """Weights as OpenAI's training starts from them, drawn from `seed`; each tensor has a random stream of its own.

    Standard deviations: .01 positions, .02 colours, start vector and MLP, 1/sqrt(width) queries, keys and values,
    1/sqrt(width x blocks) attention output; gains 1, output matrix 0.
    """
    width = shape.n_embd
    square = (width, width)

    def read(name: str) -> np.ndarray:
        last = name.rpartition("/")[2]
        if last == "g":
            return np.ones(width, np.float32)
        sizes: dict[str, tuple[tuple[int, ...], float]] = {
            "wpe": ((shape.n_pixels, width), 0.01), "wte": ((shape.n_colors, width), 0.02),
            "wtet": ((shape.n_colors, width), 0.0), "sos": ((width,), 0.02), "w": ((4, *square), 0.02),
            "c_proj": (square, (width * shape.n_layer) ** -0.5),
        }  # fmt: skip
        dims, deviation = sizes.get(last, (square, width**-0.5))
        rng = np.random.default_rng([seed, *name.encode()])
        return np.asarray(rng.standard_normal(dims, np.float32) * np.float32(deviation))

    return read
