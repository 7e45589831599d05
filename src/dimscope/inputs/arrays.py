"""Points that the user already has: .npy, .npz, or a folder of .npy files."""

import re
from hashlib import sha256
from pathlib import Path

import numpy as np

from dimscope.arrays import Points
from dimscope.errors import InputError
from dimscope.files import hash_file


def read_layers(path: Path) -> tuple[list[tuple[str, Points]], str]:
    """Named layers, each (n, d), in natural order of their names, and the hash of the source.

    A .npy file is one layer (n, d) or several (layers, n, d); a .npz file or a folder of .npy files has one layer per entry.

    Raises:
        InputError: no such file, another kind of file, no layers, layers of different length, or wrong axes.
    """
    if not path.exists():
        raise InputError(f"no arrays at {path} (looked in {Path.cwd()}).")
    try:
        layers = _read_folder(path) if path.is_dir() else _read_file(path)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read as numpy arrays: {error}.") from None
    if not layers:
        raise InputError(f"{path} holds no arrays.")
    for name, points in layers:
        if points.ndim != 2 or points.dtype.kind not in "fiu":
            raise InputError(
                f'"{name}" in {path} has shape {points.shape} and dtype {points.dtype}; a layer is an array of real numbers '
                "with two axes (examples, features)."
            )
    lengths = {len(points) for _, points in layers}
    if len(lengths) > 1:
        raise InputError(f"the layers of {path} have different numbers of examples: {sorted(lengths)}.")
    return layers, _hash(path)


def read_labels(path: Path, n_rows: int) -> list[str]:
    """One label per example from a .npy file or a .txt file with a label per line.

    Raises:
        InputError: no such file, or another number of labels than examples.
    """
    if not path.exists():
        raise InputError(f"no labels at {path} (looked in {Path.cwd()}).")
    try:
        if path.suffix == ".npy":
            labels = [str(label) for label in np.load(path, allow_pickle=False).ravel()]
        else:
            labels = path.read_text(encoding="utf-8-sig").splitlines()
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as labels: {error}.") from None
    if len(labels) != n_rows:
        raise InputError(f"{path} holds {len(labels)} labels for {n_rows} examples.")
    return labels


def _read_file(path: Path) -> list[tuple[str, Points]]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return [(name, archive[name]) for name in sorted(archive.files, key=_natural)]
    if path.suffix != ".npy":
        raise InputError(f"{path} has the ending {path.suffix or 'none'}; arrays may be: .npy, .npz, or a folder of .npy.")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim == 3:
        return [(f"{path.stem}_{number}", array[number]) for number in range(len(array))]
    return [(path.stem, array)]


def _read_folder(path: Path) -> list[tuple[str, Points]]:
    files = sorted(path.glob("*.npy"), key=lambda file: _natural(file.stem))
    return [(file.stem, np.load(file, mmap_mode="r", allow_pickle=False)) for file in files]


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _hash(path: Path) -> str:
    if path.is_file():
        return hash_file(path)
    parts = "".join(f"{file.name} {hash_file(file)}\n" for file in sorted(path.glob("*.npy")))
    return f"sha256:{sha256(parts.encode()).hexdigest()}"
