"""Tiny random models of many architectures with tokenizers of a few words."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = [f"w{number}" for number in range(60)]
SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
VOCABULARY = {token: number for number, token in enumerate([*SPECIAL, *WORDS])}
MAX_TOKENS = 40
N_LAYERS = 3

COMMON: dict[str, Any] = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 48,
    "pad_token_id": 0,
}
ENDS = {"bos_token_id": 1, "eos_token_id": 2}
GROUPED = {**COMMON, **ENDS, "num_key_value_heads": 2}
OPT = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "ffn_dim": 48,
    "max_position_embeddings": 48,
    "pad_token_id": 0,
    **ENDS,
}

ENCODERS = {
    "bert": lambda: transformers.BertConfig(**COMMON),
    "roberta": lambda: transformers.RobertaConfig(**COMMON),
    "albert": lambda: transformers.AlbertConfig(**COMMON, embedding_size=16),
    "mpnet": lambda: transformers.MPNetConfig(**COMMON),
    "modernbert": lambda: transformers.ModernBertConfig(
        **COMMON, cls_token_id=1, sep_token_id=2, **ENDS, global_attn_every_n_layers=2, local_attention=8
    ),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=len(VOCABULARY),
        dim=32,
        n_layers=N_LAYERS,
        n_heads=4,
        hidden_dim=48,
        max_position_embeddings=48,
        pad_token_id=0,
    ),
    "esm": lambda: transformers.EsmConfig(
        **COMMON, mask_token_id=4, position_embedding_type="rotary", emb_layer_norm_before=False, token_dropout=False
    ),
    "t5": lambda: transformers.T5Config(
        vocab_size=len(VOCABULARY),
        d_model=32,
        num_layers=N_LAYERS,
        num_heads=4,
        d_ff=48,
        d_kv=8,
        pad_token_id=0,
        decoder_start_token_id=0,
    ),
}
DECODERS = {
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=len(VOCABULARY), n_embd=32, n_layer=N_LAYERS, n_head=4, n_positions=48, **ENDS
    ),
    "gpt_neox": lambda: transformers.GPTNeoXConfig(**COMMON, **ENDS),
    "opt": lambda: transformers.OPTConfig(**OPT, word_embed_proj_dim=32),
    "opt_350m": lambda: transformers.OPTConfig(**OPT, word_embed_proj_dim=16, do_layer_norm_before=False),
    "llama": lambda: transformers.LlamaConfig(**GROUPED),
    "mistral": lambda: transformers.MistralConfig(**GROUPED),
    "qwen3": lambda: transformers.Qwen3Config(**GROUPED, head_dim=8),
    "gemma": lambda: transformers.GemmaConfig(**GROUPED, head_dim=8),
    "gemma2": lambda: transformers.Gemma2Config(**GROUPED, head_dim=8),
}
FAMILIES = {**ENCODERS, **DECODERS}
WITHOUT_FINAL_NORM = {"bert", "roberta", "albert", "mpnet", "distilbert", "opt_350m"}


def make_tokenizer(with_special: bool, padding_side: str = "right", pad: str = "[PAD]") -> Any:
    """A tokenizer of whole words; with [CLS] and [SEP] around a text, or with nothing added."""
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if with_special:
        ends = [("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])]
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=MAX_TOKENS,
        padding_side=padding_side,
    )


def save_model(name: str, folder: Path, padding_side: str = "right") -> Path:
    """The tiny model of a family with random weights of seed 0, and its tokenizer, as a folder."""
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(FAMILIES[name]()).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    # MPNet's embeddings skip the token with number 1, whatever the configuration says; there it must be the padding.
    pad = "[CLS]" if name == "mpnet" else "[PAD]"
    make_tokenizer(name in ENCODERS and name != "mpnet", padding_side, pad).save_pretrained(folder)
    return folder


def make_texts(n: int, seed: int = 0) -> list[str]:
    """Texts of 1 to 29 words."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, size=length)) for length in rng.integers(1, 30, size=n)]
