"""The files of the paper's scripts: names, shapes and meaning.

In these files alone a neighbour table lists the point itself first: `_index.npy` (n, maxk + 1) int32 and `_dist.npy`
(n, maxk + 1), whose first column is 0. `_mus.npy` (n, m) holds r_2k / r_k for k = 1, 2, 4, ..., 256. The scripts stored
distances as float32; here they are float64.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.errors import InputError, unknown_name
from dimscope.files import atomic_path, is_numpy_file
from dimscope.knn import neighbors
from dimscope.knn.base import Neighbors

CONVENTIONS = ("exact", "paper")
RANKS = tuple(2**power for power in range(10))
"""Ranks whose distances enter the ratios: 1 to 512."""
PAPER_ZERO = 10 * float(np.finfo(np.float32).eps)
"""What the scripts put in place of a nearest distance of zero (below the float32 epsilon)."""
KINDS = ("dist", "index", "mus", "act")


def file_name(model: str, layer: int, description: str, kind: str) -> str:
    """Name of one file: `imagenet_small_layer16_train_dist.npy`.

    Args:
        model: `small`, `medium`, `large`, or any word for another model.
        layer: layer number.
        description: `train`, `valid` or `test`, with `_untrained` or `_cpt131000` behind it where the model is so.
        kind: `dist`, `index`, `mus` or `act`.
    """
    return f"imagenet_{model}_layer{layer}_{description}_{kind}.npy"


def tables(points: Points, maxk: int, *, convention: str = "exact", device: str = "auto") -> dict[str, np.ndarray]:
    """The arrays `dist`, `index` and `mus` of one layer.

    Args:
        points: (n, d).
        maxk: neighbours per point besides itself.
        convention: `exact` keeps zero distances, and a ratio over zero is NaN; `paper` replaces a nearest distance of zero by
            ten float32 epsilons, as the scripts did, which makes ratios of duplicates huge.
        device: where neighbours are searched.

    Raises:
        InputError: fewer than maxk + 1 points.
    """
    if convention not in CONVENTIONS:
        raise unknown_name("convention", convention, CONVENTIONS)
    ranks = [rank for rank in RANKS if rank < len(points)]
    table = neighbors(points, maxk, duplicates="keep", device=device, ranks=[rank for rank in ranks if rank > maxk])
    far = table.distances.copy()
    at = np.stack([far[:, rank - 1] if rank <= maxk else table.ranks[rank] for rank in ranks], axis=1)
    if convention == "paper":
        zero = at[:, 0] < np.finfo(np.float32).eps
        at[zero, 0] = far[zero, 0] = PAPER_ZERO
    own = np.arange(table.n)
    return {
        "dist": np.column_stack([np.zeros(table.n), far]),
        "index": np.column_stack([own, table.indices]).astype(np.int32),
        "mus": _ratios(at),
    }


def _ratios(at: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = at[:, 1:] / at[:, :-1]
    return np.where(at[:, :-1] > 0, found, np.nan)


def write_array(path: Path, array: np.ndarray) -> None:
    """Store one array as .npy, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.save(handle, array, allow_pickle=False)


def read_array(path: Path, n_axes: int, check: Callable[[np.ndarray], bool] = lambda array: True) -> np.ndarray:
    """An array of these files.

    Raises:
        InputError: no such file, no numpy array, or one of another form.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist.")
    try:
        if not is_numpy_file(path):
            raise ValueError("it does not begin like one")
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(f"{path} is damaged or not a numpy array ({error}).") from None
    if array.ndim != n_axes or array.dtype.kind not in "fiu" or not check(array):
        raise InputError(f"{path} has shape {array.shape} and dtype {array.dtype}; {n_axes} axes of numbers were expected.")
    return array


def without_self(index: IntArray) -> IntArray:
    """The neighbours without the point itself, whatever column it stands in; files without it are returned as they are.

    Among more than maxk equal points the scripts might list a point in another column than the first, or not at all; then the
    last column is dropped.
    """
    own = np.arange(len(index))[:, None]
    is_self = np.asarray(index) == own
    if not is_self.any():
        return np.asarray(index, np.int64)
    is_self[~is_self.any(axis=1), -1] = True
    return np.asarray(np.asarray(index)[~is_self].reshape(len(index), -1), np.int64)


def read_table(folder: Path, model: str, layer: int, description: str) -> Neighbors:
    """The neighbour table of one layer, without the point itself.

    Raises:
        InputError: a missing or foreign file.
    """
    from dimscope.knn.base import Duplicates

    index = read_array(folder / file_name(model, layer, description, "index"), 2)
    far = read_array(folder / file_name(model, layer, description, "dist"), 2, lambda array: array.shape == index.shape)
    n = len(index)
    own = Duplicates(np.arange(n), np.ones(n, np.int64), "keep")
    return Neighbors(without_self(index), np.asarray(far[:, 1:], np.float64), own, dtype=str(far.dtype))
