"""Examples from files with texts or sequences: which columns are meant, which rows are complete."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from dimscope.config import DataConfig
from dimscope.errors import InputError, first_of, near_match
from dimscope.files import hash_file
from dimscope.inputs.base import Columns, Examples, draw_sample
from dimscope.inputs.columns import ending_of, read_columns
from dimscope.inputs.datasets import INFO, dataset_files, read_dataset_folder
from dimscope.inputs.fasta import FASTA_ENDINGS

MOST_NAMES = 20
"""Column names that a message lists."""


def read_texts(config: DataConfig) -> Examples:
    """The examples of a table, a FASTA file or a saved data set, sampled; incomplete ones are dropped or refused as configured.

    Raises:
        InputError: an unreadable file, a missing column (the nearest is named), a name that stands over two columns or two
            examples, or examples without text, label or group while `incomplete` is `error`.
    """
    path = Path(config.path).expanduser()
    wanted: dict[str, str] = {}

    def choose(columns: list[str]) -> list[str]:
        wanted.update(_roles(config, columns, path))
        return list(dict.fromkeys(wanted.values()))

    columns = read_dataset_folder(path, choose) if path.is_dir() else read_columns(path, choose)
    examples = _assemble(columns, wanted, path, config)
    return draw_sample(examples, config.points, config.seed)


def _is_fasta(path: Path) -> bool:
    return ending_of(path) in FASTA_ENDINGS and path.is_file()


def _hash(path: Path) -> str:
    """`sha256:` and digest of the file, or of the hashes of the files of a data set."""
    if path.is_file():
        return hash_file(path)
    files = [*dataset_files(path), *([path / INFO] if (path / INFO).is_file() else [])]
    parts = "".join(f"{file.name} {hash_file(file)}\n" for file in files)
    return f"sha256:{sha256(parts.encode()).hexdigest()}"


def _roles(config: DataConfig, columns: list[str], path: Path) -> dict[str, str]:
    roles = {"text": _default_text(columns, path) if config.text is None else config.text}
    roles |= {role: name for role in ("label", "group", "id") if (name := getattr(config, role)) is not None}
    if _is_fasta(path):
        roles.setdefault("id", "id")
    for role, name in roles.items():
        if name not in columns:
            near = near_match(name, columns)
            raise InputError(f'{path} has no column "{name}" for --{role}.{near}  Columns: {_listed(columns)}')
        if columns.count(name) > 1:
            raise InputError(
                f'{path} has {columns.count(name)} columns named "{name}", which is asked for as --{role}; rename all but one.'
            )
    return roles


def _default_text(columns: list[str], path: Path) -> str:
    if "text" in columns:
        return "text"
    if len(columns) != 1:
        raise InputError(f"{path} has no column named text; say which one with --text.  Columns: {_listed(columns)}")
    if path.suffix.lower() == ".csv" and any(mark in columns[0] for mark in ";\t|"):
        raise InputError(
            f"{path} has a single column named {columns[0]!r}; its cells seem to be separated by something else than a comma. "
            "Save it with commas or as .tsv, or say --text with this name."
        )
    return columns[0]


def _listed(columns: list[str]) -> str:
    return ", ".join(columns[:MOST_NAMES]) + (", ..." if len(columns) > MOST_NAMES else "") or "none"


def _assemble(columns: Columns, roles: Mapping[str, str], path: Path, config: DataConfig) -> Examples:
    total = len(columns[roles["text"]])
    if not total:
        raise InputError(f"{path} has no examples.")
    gaps = {role: _gaps(columns[roles[role]]) for role in ("text", "label", "group") if role in roles}
    incomplete = {row for rows in gaps.values() for row in rows}
    if incomplete and config.incomplete == "error":
        raise _incomplete_error(gaps, total, path)
    rows = [row for row in range(total) if row not in incomplete]
    if not rows:
        raise InputError(f"{path} has {total} rows and none of them is complete.")

    def column(role: str) -> list[str] | None:
        return [str(columns[roles[role]][row]) for row in rows] if role in roles else None

    if "id" in roles:
        _refuse_bad_names(columns[roles["id"]], rows, roles["id"], path)
    ids = column("id") or [str(row) for row in rows]
    kind = "protein" if _is_fasta(path) else "text"
    return Examples(ids, column("text") or [], column("label"), column("group"), len(incomplete), _hash(path), kind)


def _gaps(cells: list[str | None]) -> list[int]:
    return [row for row, cell in enumerate(cells) if cell is None or not cell.strip()]


def _incomplete_error(gaps: Mapping[str, list[int]], total: int, path: Path) -> InputError:
    facts = []
    for role, rows in gaps.items():
        if rows:
            facts.append(f"{len(rows)} of {total} rows have no {role} (rows {first_of(rows)}, counted from 0)")
    return InputError(f"{path}: {' and '.join(facts)}. Complete them, or choose --incomplete drop to leave them out.")


def _refuse_bad_names(cells: list[str | None], rows: list[int], name: str, path: Path) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        cell = cells[row]
        if cell is None:
            raise InputError(
                f'{path}: row {row} (counted from 0) has no "{name}", which is asked for as --id. Fill it, or drop --id.'
            )
        if cell in seen:
            raise InputError(
                f'{path}: rows {seen[cell]} and {row} (counted from 0) are both named "{cell}" in the column "{name}". Each '
                "example needs a name of its own; without --id it is the row number."
            )
        seen[cell] = row
