"""Tiny random protein models in the configurations of ProtBert, ProtT5, ESM-2 and AntiBERTy, and chains for them to read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

LETTERS = "LAGVESIKRDTPNQFYMHCWXUBZO"


def tokens_of(splitter: Any, ends: int, last: str) -> Any:
    """A tokenizer of residues; `ends` are the tokens it adds, the last of them behind the sequence."""
    known = {token: number for number, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS])}
    made = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    made.pre_tokenizer = splitter
    single = " ".join([*(["[CLS]"] if ends == 2 else []), "$A", last])
    special = [(token, known[token]) for token in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single=single, special_tokens=special)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=60, **names)


BY_SPACE, BY_LETTER = pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")
SIZES = {"vocab_size": 30, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
PROTEIN_MODELS: dict[str, Any] = {
    "protbert": (
        transformers.BertConfig(**SIZES, type_vocab_size=2, max_position_embeddings=64, hidden_dropout_prob=0.0), BY_SPACE, 2
    ),
    "prot_t5": (
        transformers.T5Config(  # as ProtT5-XL: heads wider than the model, no gate
            vocab_size=30, d_model=32, d_kv=16, num_heads=4, d_ff=64, num_layers=3, feed_forward_proj="relu",
            decoder_start_token_id=0,
        ), BY_SPACE, 1,
    ),
    "esm2": (
        transformers.EsmConfig(
            **SIZES, max_position_embeddings=66, position_embedding_type="rotary", emb_layer_norm_before=False,
            token_dropout=True, pad_token_id=0, mask_token_id=4,
        ), BY_LETTER, 2,
    ),
    "antiberty": (transformers.BertConfig(**SIZES, max_position_embeddings=64), BY_SPACE, 2),
}  # fmt: skip


def save_protein_model(name: str, folder: Path) -> Path:
    """The tiny model of seed 0 and its tokenizer, as a folder."""
    config, splitter, ends = PROTEIN_MODELS[name]
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    tokens_of(splitter, ends, "[SEP]").save_pretrained(folder)
    return folder


def write_fasta(path: Path, n: int = 40) -> list[str]:
    """A FASTA file of n chains of 3 to 57 residues, and the chains."""
    rng = np.random.default_rng(1)
    chains = ["".join(rng.choice(list(LETTERS), size)) for size in rng.integers(3, 58, n)]
    path.write_text("".join(f">p{row}\n{chain}\n" for row, chain in enumerate(chains)))
    return chains
