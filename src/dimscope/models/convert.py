"""Models in older forms, rewritten once as folders that `load_model` reads: safetensors, configuration, fast tokenizer."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers

from dimscope.errors import ModelError
from dimscope.models.silence import silent_transformers
from dimscope.models.weights import NEVER_READ

SMILES_ATOMS = r"\[[^\]]+\]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p"
SMILES_TOKENS = rf"%\([0-9]{{3}}\)|{SMILES_ATOMS}|\||\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>>|>|\*|\$|%[0-9]{{2}}|[0-9]"
"""One token per atom, bond, bracket and ring number of a SMILES string [Schwaller 2019, doi:10.1021/acscentsci.9b00576]."""
ANY_LETTER = "."
"""One token per letter, for sequences of amino acids."""


def convert_pickle(source: Path, folder: Path, *, model_type: str, pattern: str, vocabulary: Path | None = None) -> Path:
    """`folder`, after an encoder with `config.json` and `pytorch_model.bin` was rewritten there; nothing when it is there.

    The pickle is read with `weights_only`, which refuses everything but tensors.

    Args:
        source: holds the two files, and `vocab.txt` unless `vocabulary` names it.
        folder: is made.
        model_type: for example `bert`, where the configuration does not say it.
        pattern: what one token is, a regular expression.
        vocabulary: one token per line, in the order of their numbers.

    Raises:
        ModelError: a parameter of the encoder is missing.
    """
    if (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file():
        return folder
    content = json.loads((source / "config.json").read_text(encoding="utf-8"))
    content.pop("model_type", None)
    config = transformers.AutoConfig.for_model(model_type, **content)
    model = transformers.AutoModel.from_config(config)
    states: dict[str, torch.Tensor] = torch.load(source / "pytorch_model.bin", weights_only=True, map_location="cpu")
    own = {name.removeprefix(f"{model_type}."): value for name, value in states.items()}
    missing, _ = model.load_state_dict(own, strict=False)
    absent = [name for name in missing if not NEVER_READ & set(name.split("."))]
    if absent:
        raise ModelError(f"{source} lacks {len(absent)} parameters of its encoder ({', '.join(absent[:3])}).")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(vocabulary or source / "vocab.txt", pattern, int(config.max_position_embeddings))
    _save(model, tokenizer, folder)
    return folder


def convert_gguf(file: Path, folder: Path) -> Path:
    """`folder`, after a quantised decoder was rewritten there in float32; nothing when it is there.

    Raises:
        ModelError: the packages that read GGUF files are not installed, or the file is of a kind that transformers cannot read.
    """
    if (folder / "model.safetensors").is_file() and (folder / "tokenizer.json").is_file():
        return folder
    try:
        with silent_transformers(), redirect_stderr(io.StringIO()):  # the bar of the GGUF reader has no switch
            model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                file.parent, gguf_file=file.name, dtype=torch.float32
            )
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    except Exception as error:  # transformers raises many kinds
        raise ModelError(
            f"{file} cannot be read ({str(error).splitlines()[0]}); it needs the packages gguf and accelerate."
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    _save(_unquantized(model), tokenizer, folder)
    return folder


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    with silent_transformers():
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)


def _unquantized(model: Any) -> Any:
    """The same weights in a model that does not remember its quantised file, which transformers would refuse to save."""
    content = model.config.to_dict()
    content.pop("quantization_config", None)
    plain = transformers.AutoModelForCausalLM.from_config(type(model.config).from_dict(content), dtype=torch.float32)
    plain.load_state_dict(model.state_dict())
    return plain


def _tokenizer(vocabulary: Path, pattern: str, longest: int) -> Any:
    numbers = {token: number for number, token in enumerate(vocabulary.read_text(encoding="utf-8").splitlines())}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(numbers, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed", invert=True)
    ends = [(token, numbers[token]) for token in ("[CLS]", "[SEP]")]
    made.post_processor = tokenizers.processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=longest, **names)
