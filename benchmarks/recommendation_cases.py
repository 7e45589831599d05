"""The cases of `recommendation.py`: real models on labelled data, all from package registries."""

import gzip
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos import DEMOS
from dimscope.demos.base import table_text
from dimscope.files import write_text
from dimscope.models.convert import ANY_LETTER, SMILES_TOKENS, convert_pickle

PROTEINS = Path("/usr/share/doc/mmseqs2/example-data/DB.fasta.gz")
"""Of the Debian package `mmseqs2-examples`."""
LONGEST_PROTEIN, FEWEST, MOST = 256, 20, 100
"""Residues read; examples that a protein name must have, and that are taken of it."""


def demo(name: str, **model: object) -> Callable[[Path], RunConfig]:
    """A case of `dimscope demo`, perhaps read in another way."""

    def make(folder: Path) -> RunConfig:
        config = DEMOS.load(name)(folder / "data").config
        return replace(config, model=replace(config.model, **model))

    return make


def other_model(package: str, place: str, model_type: str, **model: object) -> Callable[[Path], RunConfig]:
    """Reactions, read by another model than that of the demo."""

    def make(folder: Path) -> RunConfig:
        config = DEMOS.load("reactions")(folder / "data").config
        source = Path(str(distribution(package).locate_file(place)))
        target = folder / "data" / source.name
        convert_pickle(source, target, model_type=model_type, pattern=SMILES_TOKENS)
        return replace(config, model=ModelConfig(name=str(target), **model))

    return make


def proteins(folder: Path) -> RunConfig:
    """UniProt proteins by the name in their header, read by a language model of antibodies."""
    source = Path(str(distribution("antiberty").locate_file("antiberty/trained_models/AntiBERTy_md_smooth")))
    data, target = folder / "data" / "proteins.csv", folder / "data" / "antiberty"
    convert_pickle(source, target, model_type="bert", pattern=ANY_LETTER, vocabulary=source.parent / "vocab.txt")
    write_text(data, table_text(named_proteins(PROTEINS)))
    return RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", id="id"),
        model=ModelConfig(name=str(target), max_tokens=LONGEST_PROTEIN + 2),
    )


def named_proteins(file: Path) -> list[tuple[str, str, str]]:
    """(accession, sequence, name) of proteins whose name at least `FEWEST` others share, at most `MOST` of each."""
    records: dict[str, tuple[str, str]] = {}
    for record in gzip.decompress(file.read_bytes()).decode("utf-8").split("\n>"):
        head, _, body = record.partition("\n")
        words = head.split(" OS=")[0].split()
        sequence = body.replace("\n", "")
        name = " ".join(words[1:]).replace("(Fragment)", "").strip().lower()
        if not any(word in name for word in ("uncharacterized", "hypothetical", "putative", "predicted")):
            records.setdefault(sequence, (words[0].split("|")[-1], name))
    counts = Counter(name for _, name in records.values())
    members = defaultdict(list)
    for sequence, (accession, name) in records.items():
        if counts[name] >= FEWEST:
            members[name].append((accession, sequence[:LONGEST_PROTEIN], name))
    rng = np.random.default_rng(0)
    chosen = [rows[i] for _, rows in sorted(members.items()) for i in rng.permutation(len(rows))[:MOST]]
    return sorted(chosen)


def digits(folder: Path) -> RunConfig:
    """Hand-written digits, read by a small image GPT that `image_gpt.py` trained before."""
    place = folder / "digits"
    if not (place / "digits.csv").is_file():
        raise SystemExit(f"train the image model first: python benchmarks/image_gpt.py {place}")
    return RunConfig(
        data=DataConfig(path=str(place / "digits.csv"), text="text", label="label", id="id"),
        model=ModelConfig(name=str(place / "model")),
    )


RXNFP = "rxnfp/models/transformers"
CASES: dict[str, Callable[[Path], RunConfig]] = {
    "glosses, sentence encoder": demo("glosses"),
    "lexicographer classes, sentence encoder": demo("lexnames"),
    "glosses, decoder, mean": demo("decoder"),
    "glosses, decoder, last token": demo("decoder", pool="last"),
    "reactions, masked LM, mean": demo("reactions"),
    "reactions, masked LM, CLS": demo("reactions", pool="cls"),
    "reactions, fine-tuned on them, CLS": other_model("rxnfp", f"{RXNFP}/bert_ft", "bert", pool="cls"),
    "reactions, fine-tuned on a part, CLS": other_model("rxnfp", f"{RXNFP}/bert_ft_10k_25s", "bert", pool="cls"),
    "reactions, ALBERT, mean": other_model(
        "rxnmapper", "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k", "albert"
    ),
    "proteins, antibody LM, mean": proteins,
    "digits, image GPT, mean": digits,
    "digits, image GPT, mean of normed inputs": lambda folder: replace(
        digits(folder), model=replace(digits(folder).model, site="block_norm")
    ),
}
"""Name -> what runs it; the folder holds data and converted models."""
