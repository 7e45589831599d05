"""Folders written by `save_to_disk` of Hugging Face's datasets, read with pyarrow alone."""

import json
from pathlib import Path
from typing import Any

from dimscope.errors import InputError
from dimscope.inputs.base import Chooser, Columns
from dimscope.inputs.cells import cell_text

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"


def read_dataset_folder(path: Path, choose: Chooser) -> Columns:
    """The chosen columns of one split; numbers of a class label are turned into its names.

    Raises:
        InputError: the folder holds several splits (they are named), is no such folder, or its files cannot be read.
    """
    import pyarrow
    from pyarrow import ipc

    files = dataset_files(path)
    try:
        parts = []
        for file in files:
            with pyarrow.memory_map(str(file)) as source:
                parts.append(ipc.open_stream(source).read_all())
        table = pyarrow.concat_tables(parts)
    except pyarrow.ArrowException as error:
        raise InputError(f"{path} cannot be read as a data set: {str(error).splitlines()[0]}") from None
    classes = _class_names(path)
    names = choose(list(table.column_names))
    return {
        name: [
            _named(cell_text(value, f'{path}, row {row}, "{name}"'), classes.get(name), path)
            for row, value in enumerate(table[name].to_pylist())
        ]
        for name in names
    }


def dataset_files(path: Path) -> list[Path]:
    """The files with the rows of a saved data set, in order.

    Raises:
        InputError: the folder holds several splits (they are named), is no saved data set, or lacks a file.
    """
    if (path / SPLITS).is_file():
        splits = _content(path / SPLITS).get("splits", [])
        raise InputError(
            f"{path} holds several splits ({', '.join(splits)}); choose one, for example --data {path / splits[0]}."
        )
    if not (path / STATE).is_file():
        raise InputError(f"{path} is a folder; a file with examples, or a data set written by save_to_disk, is expected.")
    files = [path / entry["filename"] for entry in _content(path / STATE).get("_data_files", [])]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        raise InputError(f"{path} lacks {', '.join(missing) or 'files with rows'}; save the data set again.")
    return files


def _content(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise InputError(f"{file} holds a JSON {type(found).__name__}; an object is expected.")
    return found


def _class_names(path: Path) -> dict[str, list[str]]:
    """Column -> names of its classes, for columns whose cells are numbers of classes."""
    features = _content(path / INFO).get("features") or {} if (path / INFO).is_file() else {}
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
    }


def _named(cell: str | None, names: list[str] | None, path: Path) -> str | None:
    if cell is None or names is None:
        return cell
    number = int(cell)
    if number >= len(names):
        raise InputError(f"{path} has a label {number}, but names of {len(names)} classes.")
    return names[number] if number >= 0 else None  # -1 stands for a label that is not known
