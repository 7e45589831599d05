"""Neighbour tables that were computed elsewhere: distances and indices of the nearest points, one pair per layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.errors import InputError
from dimscope.files import hash_file, is_numpy_file
from dimscope.inputs.arrays import UNREADABLE, natural

DISTANCES, INDICES = ("distances", "dist"), ("indices", "dist_indices", "index")
"""Names of the two arrays: ours and DADApy's, then those at the end of the file names of Valeriani et al. 2023."""


@dataclass(frozen=True, eq=False)
class GivenTable:
    """The neighbours of every point in one layer, the point itself left out.

    Attributes:
        name: of the layer.
        indices: shape (n, k).
        distances: shape (n, k), float64.
    """

    name: str
    indices: IntArray
    distances: FloatArray


def read_tables(path: Path) -> tuple[list[GivenTable], str] | None:
    """The tables of a source in natural order of their names with the hash of its files, or None when it holds none.

    A .npz archive with `distances` and `indices` is one layer, or several where they have a first axis more. In a folder each
    pair such as `layer16_train_dist.npy` and `layer16_train_index.npy` is one; other files there are left alone. A column with
    the point itself is recognised and left out, wherever it stands.

    Raises:
        InputError: one array of a pair is missing, or they do not fit each other.
    """
    try:
        if path.is_dir():
            files = _pairs(path)
            pairs = [(name, _array(far), _array(index)) for name, far, index in files]
            hashed = [file for _, *both in files for file in both]
        elif path.suffix.lower() == ".npz" and is_zipfile(path):
            pairs, hashed = list(_entries(path)), [path]
        else:
            return None
    except UNREADABLE as error:
        raise InputError(f"{path} cannot be read as neighbour tables: {error}.") from None
    if not pairs:
        return None
    tables = [_table(name, far, index, path) for name, far, index in pairs]
    lengths = {len(table.indices) for table in tables}
    if len(lengths) > 1:
        raise InputError(f"the tables of {path} have different numbers of points: {sorted(lengths)}.")
    return tables, _hash(hashed)


def without_self(distances: FloatArray, indices: IntArray) -> tuple[FloatArray, IntArray]:
    """Both arrays (n, k + 1) without the place where a row lists its own number; as they are where no row does.

    Where many points are equal a row may not list itself; then its last column is left out.
    """
    own = own_places(indices)
    if not own.any():
        return distances, indices
    n, width = indices.shape
    return distances[~own].reshape(n, width - 1), indices[~own].reshape(n, width - 1)


def own_places(indices: IntArray) -> np.ndarray:
    """True at one place of each row: where it lists its own number, or else the last one; nowhere when no row lists itself."""
    own: np.ndarray = indices == np.arange(len(indices))[:, None]
    if own.any():
        own[~own.any(axis=1), -1] = True
    return own


def _pairs(folder: Path) -> list[tuple[str, Path, Path]]:
    """Name, file of distances and file of indices of each layer."""
    found: list[tuple[str, Path, Path]] = []
    for far in sorted(folder.glob("*.npy"), key=lambda file: natural(file.stem)):
        name, _, word = far.stem.rpartition("_")
        if word not in DISTANCES:
            continue
        partners = [folder / f"{name}_{other}.npy" for other in INDICES]
        index = next((partner for partner in partners if partner.is_file()), None)
        if index is None:
            raise InputError(f"{far} has no indices beside it; {partners[-1].name} was expected.")
        found.append((name, far, index))
    return found


def _entries(path: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
        far = next((name for name in DISTANCES if name in archive.files), None)
        index = next((name for name in INDICES if name in archive.files), None)
        if far is None or index is None:
            return
        distances, indices = archive[far], archive[index]
    if distances.ndim == 3 and indices.shape == distances.shape:
        yield from ((f"{path.stem}_{layer}", distances[layer], indices[layer]) for layer in range(len(distances)))
    else:
        yield path.stem, distances, indices


def _array(path: Path) -> np.ndarray:
    if not is_numpy_file(path):
        raise ValueError(f"{path.name} is not a .npy file")
    array: np.ndarray = np.load(path, allow_pickle=False)
    return array


def _table(name: str, distances: np.ndarray, indices: np.ndarray, path: Path) -> GivenTable:
    fits = distances.shape == indices.shape and distances.ndim == 2 and 0 not in distances.shape
    if not fits or distances.dtype.kind != "f" or indices.dtype.kind not in "iu":
        found = [f"{array.shape} of dtype {array.dtype}" for array in (distances, indices)]
        raise InputError(
            f'the table "{name}" of {path} has distances {found[0]} and indices {found[1]}; real and whole numbers of one '
            "shape (points, neighbours) are expected."
        )
    far, index = without_self(distances.astype(np.float64), indices.astype(np.int64))
    return GivenTable(name, index, far)


def _hash(files: list[Path]) -> str:
    if len(files) == 1:
        return hash_file(files[0])
    parts = "".join(f"{file.name} {hash_file(file)}\n" for file in files)
    return f"sha256:{sha256(parts.encode()).hexdigest()}"
