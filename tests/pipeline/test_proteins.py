"""Proteins end to end: a FASTA file through models in the configurations of ProtBert, ProtT5, ESM-2 and AntiBERTy.

The expected vectors are means over residues of transformers' own hidden states, read from the spelling of each publication.
"""

import re

import numpy as np
import pytest
import torch
import transformers

from dimscope.config import config_from
from dimscope.pipeline.extract import extract
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from proteins import PROTEIN_MODELS, save_protein_model, write_fasta


@pytest.fixture(params=list(PROTEIN_MODELS))
def case(request, tmp_path):
    """Name, folder of the model, and path of the sequences."""
    return request.param, save_protein_model(request.param, tmp_path / "model"), tmp_path / "proteins.fasta"


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
