"""FASTA files, plain or gzipped: sequences, and what their headers say in the forms of SCOPe and UniProt."""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from dimscope.errors import InputError
from dimscope.inputs.base import Chooser, Columns

FASTA_ENDINGS = tuple(f"{ending}{packed}" for ending in (".fasta", ".fa", ".faa") for packed in ("", ".gz"))
RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWYBJOUXZ")
"""One letter per residue: the twenty, then ambiguous, rare and unknown ones [IUPAC 1984, doi:10.1351/pac198456050595]."""
SCOPE_LEVELS = ("class", "fold", "superfamily", "family")
"""What the parts of a class such as `a.1.1.2` name, from left to right [SCOPe, doi:10.1093/nar/gkt1240]."""
_SCOPE = re.compile(r"(?P<family>[a-l]\.\d+\.\d+\.\d+) (?:\([^)]*\) )?(?P<name>.*?)(?: \{(?P<organism>.*)\})?$")
_UNIPROT = re.compile(r"(?P<name>.*?) OS=(?P<organism>.*?)(?= [A-Z][A-Za-z]=|$)")
_UNIPROT_ID = re.compile(r"(?:sp|tr)\|(?P<id>[^|]+)\|(?P<entry>\S+)")


def read_fasta(path: Path, choose: Chooser) -> Columns:
    """Columns `id`, `text` (the sequence in capitals, without a stop sign at its end), and those of the headers.

    A header of SCOPe or ASTRAL gives `class`, `fold`, `superfamily`, `family`, `name`, `organism`, one of UniProt `entry`,
    `name`, `organism`, any other `description`.

    Raises:
        InputError: text before the first header, a record without name or sequence, two records of one name, a letter that is
            no residue (record and position are named), or a damaged archive.
    """
    records: list[dict[str, str]] = []
    lines: dict[str, int] = {}
    for line, header, sequence in _records(path):
        record = parse_header(header)
        name = record["id"]
        if not name or not sequence:
            raise InputError(f'{path}, line {line}: the record "{name}" has no {"sequence" if name else "name"}.')
        if name in lines:
            raise InputError(
                f'{path}: the records of lines {lines[name]} and {line} are both named "{name}"; give each a name of its own.'
            )
        lines[name] = line
        records.append(record | {"text": _residues(sequence, name, path)})
    if not records:
        raise InputError(f"{path} has no examples.")
    names = choose(list(dict.fromkeys(column for record in records for column in record)))
    return {column: [record.get(column) for record in records] for column in names}


def parse_header(header: str) -> dict[str, str]:
    """What the line behind `>` says; only columns that are not empty, but always `id`.

    Examples:
        >>> parse_header("d1ux8a_ a.1.1.1 (A:) Truncated hemoglobin {Bacillus subtilis [TaxId: 1423]}")["superfamily"]
        'a.1.1'
        >>> parse_header("sp|P69905|HBA_HUMAN Hemoglobin subunit alpha OS=Homo sapiens OX=9606 GN=HBA1")["organism"]
        'Homo sapiens'
    """
    name, _, rest = header.strip().partition(" ")
    rest = rest.strip()
    if found := _SCOPE.match(rest):
        family = found["family"].split(".")
        levels = {
            level: ".".join(family[: depth + 1]) for depth, level in enumerate(("class", "fold", "superfamily", "family"))
        }
        columns = {"id": name, **levels, "name": found["name"], "organism": found["organism"] or ""}
    elif own := _UNIPROT_ID.fullmatch(name):
        about = _UNIPROT.match(rest)
        columns = {"id": own["id"], "entry": own["entry"], "name": about["name"] if about else rest}
        columns["organism"] = about["organism"] if about else ""
    else:
        columns = {"id": name, "description": rest}
    return {column: value for column, value in columns.items() if value or column == "id"}


def _records(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line of the header, header without its mark, and sequence of each record."""
    header, start, parts = "", 0, list[str]()
    for number, line in enumerate(_lines(path), start=1):
        if line.startswith(">"):
            if start:
                yield start, header, "".join(parts)
            header, start, parts = line[1:], number, []
        elif line and not line.startswith(";"):
            if not start:
                raise InputError(f"{path}, line {number} is not FASTA: a header that begins with > is expected first.")
            parts.append("".join(line.split()))
    if start:
        yield start, header, "".join(parts)


def _lines(path: Path) -> Iterator[str]:
    packed = path.suffix.lower() == ".gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as handle:
            for line in handle:
                yield line.strip()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} cannot be unpacked ({error}); copy or download it again.") from None


def _residues(sequence: str, name: str, path: Path) -> str:
    letters = sequence.upper().removesuffix("*")
    for place, letter in enumerate(letters, start=1):
        if letter not in RESIDUES:
            hint = "take the gaps of an alignment out" if letter in "-." else "mend or remove it"
            raise InputError(f'{path}: the record "{name}" has "{letter}" at position {place}, which is no residue; {hint}.')
    return letters
