"""The files of a model: whether they can be used, whether they are complete, and their hash."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from dimscope.errors import ModelError, first_of
from dimscope.files import hash_file

LOOKED_FOR = ("model.safetensors", "model.safetensors.index.json")
"""Names under which transformers looks for weights, whole or the list of their parts."""
ADAPTER = "adapter_config.json"
"""What peft writes beside the few weights of an adapter."""
FULL_HASH_LIMIT = 8 << 30
"""Weights up to this many bytes are hashed whole; of larger ones the header of each file (names, shapes, offsets) is."""
NEVER_READ = frozenset({"pooler", "contact_head"})
"""Parts whose output no site reads: published checkpoints often lack them."""


def check_folder(folder: Path, allow_pickle: bool) -> None:
    """Nothing when the folder holds a configuration and weights that may be read.

    Raises:
        ModelError: no config.json, no weights, those of an adapter, or under another name than transformers looks for, or only
            a pickle that was not allowed.
    """
    is_found = any((folder / name).is_file() for name in LOOKED_FOR)
    if (folder / ADAPTER).is_file() and not is_found:
        raise ModelError(
            f"{folder} is an adapter ({ADAPTER}), not a whole model. Merge it into its base model (peft: merge_and_unload, "
            "then save_pretrained) and give that folder."
        )
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is not a model folder: it has no config.json.")
    if is_found:
        return
    tensors, pickles = sorted(path.name for path in folder.glob("*.safetensors")), _pickles(folder)
    if tensors and not (allow_pickle and pickles):
        raise ModelError(
            f"{folder} holds {first_of(tensors, 3)}, but neither {' nor '.join(LOOKED_FOR)}, by which transformers finds "
            "weights; rename the file, or copy the index too."
        )
    if not pickles:
        raise ModelError(f"{folder} holds no weights: no .safetensors file was found beside its config.json.")
    if not allow_pickle:
        raise ModelError(
            f"the weights in {folder} are a pickle only ({pickles[0].name}); loading a pickle can run code. Convert it to "
            "safetensors, or say --allow-pickle if you trust its source."
        )


def check_vocabulary(folder: Path, tokenizer: Any, name: str) -> None:
    """Nothing when the tokenizer was read from files; without any, transformers makes one that knows no words.

    Raises:
        ModelError: none of the tokenizer's files is in the folder.
    """
    needed = sorted({*tokenizer.vocab_files_names.values(), "tokenizer.json"})
    if tokenizer.vocab_files_names and not any((folder / file).is_file() for file in needed):
        raise ModelError(f'the model "{name}" has no tokenizer files; one of {", ".join(needed)} is needed in {folder}.')


def refuse_missing(model: Any, used: Any, missing: Iterable[str], name: str) -> None:
    """Nothing when every parameter that is read came from the files; transformers fills the others with random numbers.

    Args:
        model: the model as loaded.
        used: the part of it that is read (the encoder of an encoder-decoder).
        missing: names of the parameters of `model` that no file held.
        name: of the model, for the message.

    Raises:
        ModelError: names the parameters.
    """
    read = {id(parameter) for parameter in used.parameters()}
    parameters = dict(model.named_parameters(remove_duplicate=False))
    absent = sorted(key for key in missing if id(parameters.get(key)) in read and not NEVER_READ & set(key.split(".")))
    if absent:
        shown = ", ".join(absent[:3]) + (", ..." if len(absent) > 3 else "")
        raise ModelError(
            f'the weights of "{name}" are incomplete: {len(absent)} parameters that config.json asks for are in no file '
            f"({shown}). Copy or download the model again."
        )


def hash_weights(folder: Path) -> str:
    """The hash of all weights in a folder, `sha256:` or, above `FULL_HASH_LIMIT`, `headers-sha256:` and hex digits."""
    files = sorted(folder.glob("*.safetensors")) or _pickles(folder)
    if sum(file.stat().st_size for file in files) > FULL_HASH_LIMIT:
        parts = [(file.name, str(file.stat().st_size), _header(file)) for file in files]
        return f"headers-sha256:{sha256(json.dumps(parts).encode()).hexdigest()}"
    hashes = [hash_file(file) for file in files]
    if len(hashes) == 1:
        return hashes[0]
    return f"sha256:{sha256(''.join(hashes).encode()).hexdigest()}"


def _pickles(folder: Path) -> list[Path]:
    return sorted(path for ending in ("bin", "pt", "pth") for path in folder.glob(f"*.{ending}"))


def _header(file: Path) -> str:
    with file.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        return sha256(handle.read(min(length, 1 << 24))).hexdigest()
