"""Text files: .txt, .csv, .tsv, .jsonl, .parquet."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from dimscope.config import DataConfig
from dimscope.errors import InputError, near_match
from dimscope.files import hash_file
from dimscope.inputs.base import Examples, draw_sample

Columns: TypeAlias = dict[str, list[str | None]]
"""Column name -> one text per row; None where the cell is empty."""
Reader: TypeAlias = Callable[[Path, Callable[[list[str]], list[str]]], Columns]
"""Reads the columns that a chooser picks from all column names."""


def read_examples(config: DataConfig) -> Examples:
    """The examples of a file, sampled, with incomplete ones dropped or refused as the configuration says.

    Raises:
        InputError: no such file, an unknown ending, an empty or unreadable file, a missing column (the nearest is named), or
            examples without text or label while `incomplete` is `error`.
    """
    path = Path(config.path)
    if not path.exists():
        raise InputError(f"no data file at {path} (looked in {Path.cwd()}).")
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path} has the ending {path.suffix or 'none'}; text data may be: {', '.join(sorted(READERS))}.")
    if path.is_dir() or path.stat().st_size == 0:
        raise InputError(f"{path} is {'a folder' if path.is_dir() else 'empty'}; a file with examples is expected.")
    wanted: dict[str, str] = {}

    def choose(columns: list[str]) -> list[str]:
        wanted.update(_roles(config, columns, path))
        return list(dict.fromkeys(wanted.values()))

    columns = READERS[path.suffix.lower()](path, choose)
    examples = _assemble(columns, wanted, path, config)
    return draw_sample(examples, config.points, config.seed)


def _roles(config: DataConfig, columns: list[str], path: Path) -> dict[str, str]:
    roles = {"text": config.text or _default_text(columns, path)}
    roles |= {role: name for role in ("label", "group", "id") if (name := getattr(config, role)) is not None}
    for role, name in roles.items():
        if name not in columns:
            listed = ", ".join(columns) or "none"
            raise InputError(f'{path} has no column "{name}" for --{role}.{near_match(name, columns)}  Columns: {listed}')
    return roles


def _default_text(columns: list[str], path: Path) -> str:
    if "text" in columns:
        return "text"
    if len(columns) == 1:
        return columns[0]
    raise InputError(f"{path} has no column named text; say which one with --text.  Columns: {', '.join(columns)}")


def _assemble(columns: Columns, roles: Mapping[str, str], path: Path, config: DataConfig) -> Examples:
    texts = columns[roles["text"]]
    if not texts:
        raise InputError(f"{path} has no examples.")
    no_text = [row for row, text in enumerate(texts) if text is None or not text.strip()]
    no_label = [
        row for role in ("label", "group") if role in roles for row, cell in enumerate(columns[roles[role]]) if cell is None
    ]
    incomplete = set(no_text) | set(no_label)
    if incomplete and config.incomplete == "error":
        raise _incomplete_error(no_text, no_label, len(texts), path)
    rows = [row for row in range(len(texts)) if row not in incomplete]
    if not rows:
        raise InputError(f"{path} has {len(texts)} rows and none of them is complete.")

    def column(role: str) -> list[str] | None:
        return [str(columns[roles[role]][row]) for row in rows] if role in roles else None

    ids = column("id") or [str(row) for row in rows]
    return Examples(ids, [str(texts[row]) for row in rows], column("label"), column("group"), len(incomplete), hash_file(path))


def _incomplete_error(no_text: list[int], no_label: list[int], total: int, path: Path) -> InputError:
    facts = []
    for rows, what in ((no_text, "have no text"), (no_label, "have no label or group")):
        if rows:
            shown = ", ".join(str(row) for row in rows[:5]) + (", ..." if len(rows) > 5 else "")
            facts.append(f"{len(rows)} of {total} rows {what} (rows {shown}, counted from 0)")
    return InputError(f"{path}: {' and '.join(facts)}. Complete them, or choose --incomplete drop to leave them out.")


def _read_lines(path: Path, choose: Callable[[list[str]], list[str]]) -> Columns:
    choose(["text"])
    with path.open(encoding="utf-8-sig", newline=None) as handle:
        return {"text": [line.rstrip("\n") or None for line in handle]}


def _read_separated(path: Path, choose: Callable[[list[str]], list[str]]) -> Columns:
    import pandas

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    shared: dict[str, Any] = {"sep": separator, "dtype": str, "encoding": "utf-8-sig"}
    try:
        names = choose([str(name) for name in pandas.read_csv(path, nrows=0, **shared).columns])
        frame = pandas.read_csv(path, usecols=names, keep_default_na=False, na_values=[""], **shared)
    except (pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table: {str(error).strip()}.") from None
    return {name: [None if cell is None or cell != cell else str(cell) for cell in frame[name]] for name in names}


def _read_json_lines(path: Path, choose: Callable[[list[str]], list[str]]) -> Columns:
    columns: Columns = {}
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise InputError(f"{path}, line {number} is not JSON: {error}.") from None
            if not isinstance(record, dict):
                raise InputError(f"{path}, line {number} is a JSON {type(record).__name__}; an object is expected.")
            if not columns:
                columns = {name: [] for name in choose(list(record))}
            for name, cells in columns.items():
                cells.append(_cell(record.get(name)))
    if not columns:
        raise InputError(f"{path} has no examples.")
    return columns


def _read_parquet(path: Path, choose: Callable[[list[str]], list[str]]) -> Columns:
    import pyarrow
    from pyarrow import parquet

    try:
        names = choose(parquet.read_schema(path).names)
        table = parquet.read_table(path, columns=names)
    except pyarrow.ArrowInvalid as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    return {name: [_cell(value) for value in table[name].to_pylist()] for name in names}


def _cell(value: Any) -> str | None:
    if value is None or value == "" or value != value:
        return None
    return str(value)


READERS: Mapping[str, Reader] = {
    ".txt": _read_lines,
    ".csv": _read_separated,
    ".tsv": _read_separated,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
