"""Germline antibody V genes of human and rhesus in families, read by a protein language model of antibodies."""

import ast
import re
import shlex
from collections import Counter
from pathlib import Path

from dimscope.config import DataConfig, MeasureConfig, ModelConfig, RunConfig
from dimscope.demos.base import PreparedDemo, package_folder, table_text
from dimscope.errors import InputError
from dimscope.files import write_text

MODEL = "antiberty/trained_models/AntiBERTy_md_smooth"
GENES = "anarci/germlines.py"
CHAINS = ("H", "K", "L")
SPECIES = ("human", "rhesus")
"""Their genes are numbered on one scheme; a mouse family of the same number is another family."""
FEWEST = 20
"""Distinct sequences that a family must have."""
K, OVERLAP_K = 50, 10
"""Neighbours for some 800 sequences; families are small."""
CREDITS = (
    "Model: AntiBERTy by Ruffolo, Gray and Sulam 2021 (MIT), as carried by antiberty 0.1.3.",
    "Data: germline V genes of IMGT, the international ImMunoGeneTics information system (Lefranc et al.), as carried by "
    "anarci 2026.2.13.2 (BSD-3-Clause).",
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `antibodies.csv` (columns id, text, label, group) and the converted model into `folder`, and describe the run.

    Raises:
        InputError: a package of model or data is not installed; says how to get it.
    """
    source = package_folder("antiberty", MODEL, "antibodies", "pip install --no-deps antiberty==0.1.3")
    package = package_folder("anarci", "anarci", "antibodies", "pip install --no-deps anarci==2026.2.13.2")
    rows = v_genes(package.parent / GENES)
    data, model = folder / "antibodies.csv", folder / "antiberty"
    write_text(data, table_text(rows, ("id", "text", "label", "group")))

    from dimscope.models.convert import ANY_LETTER, convert_pickle

    convert_pickle(source, model, model_type="bert", pattern=ANY_LETTER, vocabulary=source.parent / "vocab.txt")
    config = RunConfig(
        data=DataConfig(path=str(data), text="text", label="label", group="group", id="id"),
        model=ModelConfig(name=str(model)),
        measure=MeasureConfig(k=K, overlap_k=OVERLAP_K, exclude_group=True),
    )
    options = ["--data", str(data), "--text", "text", "--label", "label", "--group", "group", "--id", "id"]
    options += ["--k", str(K), "--overlap-k", str(OVERLAP_K), "--exclude-group"]
    title = f"AntiBERTy on {len(rows)} germline V genes in {len({row[2] for row in rows})} families"
    return PreparedDemo(title, config, shlex.join(["dimscope", "run", str(model), *options]), CREDITS)


def v_genes(file: Path) -> list[tuple[str, str, str, str]]:
    """(species and allele, sequence, family, gene) of every distinct sequence in a family of at least `FEWEST`, sorted.

    The gene is the same in both species; label measures skip it, so that alleles do not count as finds.

    Raises:
        InputError: the file does not hold the table of genes.
    """
    genes = _read_table(file)
    first: dict[str, tuple[str, str, str, str]] = {}
    for species in SPECIES:
        for chain in CHAINS:
            for allele, aligned in sorted(genes[chain].get(species, {}).items()):
                family = re.match(r"IG[HKL]V\d+", allele)
                sequence = aligned.replace("-", "")
                if family:
                    gene = allele.partition("*")[0]
                    first.setdefault(sequence, (f"{species} {allele}", sequence, family.group(), gene))
    counts = Counter(row[2] for row in first.values())
    return sorted(row for row in first.values() if counts[row[2]] >= FEWEST)


def _read_table(file: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Chain -> species -> allele -> aligned V region; the file is parsed, its code is never run."""
    try:
        (statement,) = ast.parse(file.read_text(encoding="utf-8")).body
        if not isinstance(statement, ast.Assign):
            raise ValueError("no table")
        table: dict[str, dict[str, dict[str, str]]] = ast.literal_eval(statement.value)["V"]
    except (OSError, SyntaxError, ValueError, KeyError):
        raise InputError(f"{file} holds no table of germline genes; install anarci 2026.2.13.2 again.") from None
    return table
