"""Points that the user already has: .npy, .npz, .safetensors, or a folder of .npy files."""

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np

from dimscope.arrays import Points
from dimscope.errors import InputError, first_of
from dimscope.files import hash_file, is_numpy_file

UNREADABLE = (ValueError, EOFError, OSError, RuntimeError, BadZipFile, zlib.error)
"""What numpy and zipfile raise for damaged or foreign files."""
STORED = ("F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "BOOL")
"""Types of safetensors that are numpy's too; bfloat16 and the 8-bit floats are not."""
CHUNK = 4096
"""Rows of one-hot labels that are read at a time."""


def read_layers(path: Path) -> tuple[list[tuple[str, Points]], str]:
    """Named layers, each (n, d), in natural order of their names, and the hash of the source.

    A .npy file is one layer (n, d) or several (layers, n, d); a .npz or .safetensors file, or a folder of .npy files, has one
    layer per entry.

    Raises:
        InputError: no such file, another kind of file, no layers, layers of different length, or wrong axes.
    """
    if not path.exists():
        raise InputError(f"no arrays at {path} (looked in {Path.cwd()}).")
    try:
        layers = _read_folder(path) if path.is_dir() else _read_file(path)
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as numpy arrays: {getattr(error, 'strerror', None) or error}.") from None
    if not layers:
        raise InputError(f"{path} holds no arrays.")
    for name, points in layers:
        if points.ndim != 2 or points.dtype.kind not in "fiu":
            raise InputError(
                f'"{name}" in {path} has shape {points.shape} and dtype {points.dtype}; a layer is an array of real numbers '
                "with two axes (examples, features)."
            )
    if len({len(points) for _, points in layers}) > 1:
        lengths = first_of(f"{name} {len(points)}" for name, points in layers)
        raise InputError(f"the layers of {path} have different numbers of examples: {lengths}.")
    return layers, _hash(path)


def read_labels(path: Path, n_rows: int) -> list[str]:
    """One label per example from a .npy file (labels, or one-hot rows) or a text file with a label per line.

    Raises:
        InputError: no such file, another number of labels than examples, or empty labels (their rows are named).
    """
    if not path.exists():
        raise InputError(f"no labels at {path} (looked in {Path.cwd()}).")
    try:
        labels = _label_array(path) if path.suffix.lower() == ".npy" else _label_lines(path)
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as labels: {getattr(error, 'strerror', None) or error}.") from None
    if len(labels) != n_rows:
        raise InputError(
            f"{path} holds {len(labels)} labels for {n_rows} examples; a .npy array, or a text file with one label per line "
            "and no header, is expected."
        )
    gaps = [row for row, label in enumerate(labels) if not label.strip()]
    if gaps:
        raise InputError(
            f"{path}: {len(gaps)} of {n_rows} labels are empty (rows {first_of(gaps)}, counted from 0); complete them."
        )
    return labels


def _label_array(path: Path) -> list[str]:
    return label_texts(_array(path))


def label_texts(array: np.ndarray) -> list[str]:
    """Labels as texts; of one-hot rows (n, classes) the number of the column.

    Raises:
        ValueError: another shape or dtype.
    """
    if array.ndim == 2 and min(array.shape) > 1 and array.dtype.kind in "iufb":
        return _hot_columns(array)
    array = array.squeeze()
    if array.ndim > 1 or array.dtype.kind not in "iufbSU":
        raise ValueError(f"shape {array.shape} and dtype {array.dtype}, but texts or numbers on one axis are expected")
    if array.dtype.kind == "f":
        return ["" if np.isnan(label) else str(label) for label in np.atleast_1d(array)]
    return [str(label) for label in np.atleast_1d(array.astype(str))]


def _hot_columns(array: np.ndarray) -> list[str]:
    columns: list[str] = []
    for start in range(0, len(array), CHUNK):
        block = np.asarray(array[start : start + CHUNK])
        if not ((block != 0).sum(axis=1) == 1).all():
            found = f"shape {array.shape} and dtype {array.dtype}"
            raise ValueError(f"{found}, but one label, or one column that is not 0, is expected in each row")
        columns += [str(column) for column in (block != 0).argmax(axis=1)]
    return columns


def _label_lines(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig") as handle:
        return [line.rstrip("\n") for line in handle]


def _read_file(path: Path) -> list[tuple[str, Points]]:
    ending = path.suffix.lower()
    if ending == ".npz":
        return _read_archive(path)
    if ending == ".safetensors":
        return _read_safetensors(path)
    if ending != ".npy":
        raise InputError(
            f"{path} has the ending {path.suffix or 'none'}; arrays may be: .npy, .npz, .safetensors, or a folder of .npy."
        )
    array = _array(path)
    if array.ndim == 3:
        return [(f"{path.stem}_{number}", array[number]) for number in range(len(array))]
    return [(path.stem, array)]


def _read_archive(path: Path) -> list[tuple[str, Points]]:
    if not is_zipfile(path):
        raise ValueError("it is not an archive, or its end is missing")
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
        layers = [(name, archive[name]) for name in sorted(archive.files, key=natural)]
    for name, array in layers:
        if not isinstance(array, np.ndarray):
            raise ValueError(f'"{name}" in it is not a numpy array')
    return layers


def _read_safetensors(path: Path) -> list[tuple[str, Points]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - no mapping
            foreign = {name: kind for name, kind in kinds.items() if kind not in STORED}
            if foreign:
                name = next(iter(foreign))
                raise ValueError(f'"{name}" in it is {foreign[name]}, which numpy does not know; save it as float32')
            return [(name, file.get_tensor(name)) for name in sorted(kinds, key=natural)]
    except SafetensorError as error:
        raise ValueError(f"it is no whole safetensors file ({error})") from None


def _read_folder(path: Path) -> list[tuple[str, Points]]:
    files = sorted(path.glob("*.npy"), key=lambda file: natural(file.stem))
    return [(file.stem, _array(file)) for file in files]


def _array(path: Path) -> Points:
    if path.stat().st_size and not is_numpy_file(path):
        raise ValueError(f"{path.name} is not a .npy file")
    array: Points = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A sort key that puts `layer2` before `layer10`."""
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts], name


def numbered_series(names: Iterable[str]) -> dict[str, int]:
    """How many names there are of each kind that differ in numbers only, kinds of one name left out.

    Examples:
        >>> numbered_series(["embed", "train_1", "train_2", "valid_1", "valid_2", "valid_10"])
        {'train_*': 2, 'valid_*': 3}
    """
    kinds = Counter(re.sub(r"\d+", "*", name) for name in names)
    return {kind: count for kind, count in kinds.items() if count > 1}


def _hash(path: Path) -> str:
    if path.is_file():
        return hash_file(path)
    parts = "".join(f"{file.name} {hash_file(file)}\n" for file in sorted(path.glob("*.npy")))
    return f"sha256:{sha256(parts.encode()).hexdigest()}"
