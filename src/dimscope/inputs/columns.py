"""Readers of files with examples, each as columns of texts: which ending is read how, and the plain tables."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dimscope.errors import InputError
from dimscope.inputs.base import Chooser, Columns, Reader
from dimscope.inputs.cells import cell_text
from dimscope.inputs.fasta import FASTA_ENDINGS, read_fasta

LARGEST_CELL = (1 << 31) - 1
"""Bytes of one CSV cell; the largest number that every system takes."""


def read_columns(path: Path, choose: Chooser) -> Columns:
    """The chosen columns of a file, read by its ending, UTF-8 with or without byte order mark.

    Raises:
        InputError: the content is not what the ending says, not UTF-8, or cannot be read; the line is named where there is one.
    """
    try:
        return READERS[ending_of(path)](path, choose)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(
            f"{path} is not UTF-8 text: byte 0x{byte:02x} ({error.reason}). Save it again in the encoding UTF-8."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or str(error).splitlines()[0]}).") from None


def ending_of(path: Path) -> str:
    """The ending that decides how a file is read, in small letters; that of a compressed file has two parts."""
    endings = [ending.lower() for ending in path.suffixes]
    return "".join(endings[-2:]) if endings[-1:] == [".gz"] else "".join(endings[-1:])


def _read_lines(path: Path, choose: Chooser) -> Columns:
    (name,) = choose(["text"])
    with path.open(encoding="utf-8-sig") as handle:
        return {name: [line.rstrip("\n") or None for line in handle]}


def _read_separated(path: Path, choose: Chooser) -> Columns:
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as handle, _any_cell_size():
        rows = _rows(csv.reader(handle, delimiter=separator, strict=True), path)
        _, header = next(rows, (0, []))
        if not header:
            raise InputError(f"{path} has no examples.")
        places = {name: header.index(name) for name in choose(header)}
        columns: Columns = {name: [] for name in places}
        for line, row in rows:
            if any(row[len(header) :]):
                raise _too_many_cells(path, line, row, header)
            for name, place in places.items():
                columns[name].append((row[place] or None) if place < len(row) else None)
    return columns


def _rows(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line where a row begins, and its cells; a blank line is no row."""
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}, line {line} cannot be read as a table: {error}. Look at its quotes.") from None
        if row:
            yield line, row


@contextmanager
def _any_cell_size() -> Iterator[None]:
    usual = csv.field_size_limit(LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def _too_many_cells(path: Path, line: int, row: Sequence[str], header: Sequence[str]) -> InputError:
    return InputError(
        f"{path}, line {line} has {len(row)} cells where the header has {len(header)}. Put quotes around cells that hold the "
        "separator, and check that the header names every column."
    )


def _read_json_lines(path: Path, choose: Chooser) -> Columns:
    seen = dict.fromkeys(name for _, record in _records(path) for name in record)
    if not seen:
        raise InputError(f"{path} has no examples.")
    columns: Columns = {name: [] for name in choose(list(seen))}
    for number, record in _records(path):
        for name, cells in columns.items():
            cells.append(cell_text(record.get(name), f'{path}, line {number}, "{name}"'))
    return columns


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8-sig") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{path}, line {number} is not JSON: {error}.") from None
            if not isinstance(record, dict):
                raise InputError(f"{path}, line {number} is a JSON {type(record).__name__}; an object is expected.")
            yield number, record


def _read_parquet(path: Path, choose: Chooser) -> Columns:
    import pyarrow
    from pyarrow import parquet

    try:
        names = choose(parquet.read_schema(path).names)
        table = parquet.read_table(path, columns=names)
        return {
            name: [cell_text(value, f'{path}, row {row}, "{name}"') for row, value in enumerate(table[name].to_pylist())]
            for name in names
        }
    except pyarrow.ArrowException as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


READERS: Mapping[str, Reader] = {
    ".txt": _read_lines,
    ".csv": _read_separated,
    ".tsv": _read_separated,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    **dict.fromkeys(FASTA_ENDINGS, read_fasta),
}
"""Ending -> reader."""
