"""Proteins end to end: a FASTA file through models in the configurations of ProtBert, ProtT5, ESM-2 and AntiBERTy.

The expected vectors are means over residues of transformers' own hidden states, read from the spelling of each publication.
"""

import re

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors

from dimscope.config import config_from
from dimscope.pipeline.extract import extract
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder

LETTERS = "LAGVESIKRDTPNQFYMHCWXUBZO"


def tokens_of(splitter, ends, last):
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
CASES = {
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


@pytest.fixture(params=list(CASES))
def case(request, tmp_path):
    """Name, folder of the model, and path of the sequences."""
    config, splitter, ends = CASES[request.param]
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    model.save_pretrained(tmp_path / "model")
    tokens_of(splitter, ends, "[SEP]").save_pretrained(tmp_path / "model")
    return request.param, tmp_path / "model", tmp_path / "proteins.fasta"


def write_fasta(path, n=40):
    rng = np.random.default_rng(1)
    chains = ["".join(rng.choice(list(LETTERS), size)) for size in rng.integers(3, 58, n)]
    path.write_text("".join(f">p{row}\n{chain}\n" for row, chain in enumerate(chains)))
    return chains


def published_states(name, folder, chains):
    """Layer -> means over residues, one chain at a time."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    model = model.encoder if name == "prot_t5" else model
    rows = []
    for chain in chains:
        spelled = chain if name == "esm2" else " ".join(re.sub("[UZOB]", "X", chain))
        ids = tokenizer(spelled, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
        first = 0 if name == "prot_t5" else 1
        rows.append([state[0, first : first + len(chain)].mean(dim=0).numpy() for state in states])
    return [np.stack(layer) for layer in zip(*rows, strict=True)]


@pytest.mark.parametrize("site", ["block", "hidden_states"])
def test_means_over_residues_are_those_of_the_publication(case, tmp_path, site):
    name, folder, path = case
    chains = write_fasta(path)
    config = config_from(
        {"data": {"path": str(path)}, "model": {"name": str(folder), "site": site}, "measure": {"k": 10, "overlap_k": 5}}
    )
    extract(config, RunFolder(tmp_path / "run"), Silent())
    expected = published_states(name, folder, chains)
    normed = name in ("prot_t5", "esm2")
    names = ["embed_00", "block_01", "block_02", "final_norm_03" if normed else "block_03"]
    found = {file.stem: np.load(file) for file in (tmp_path / "run" / "states").glob("*.npy")}
    assert set(found) == set(names) | ({"block_03"} if site == "block" else set())
    for layer, states in zip(names, expected, strict=True):
        np.testing.assert_allclose(found[layer], states, rtol=1e-5, atol=1e-5 * np.abs(states).max())
