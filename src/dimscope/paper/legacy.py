"""The files of the paper's scripts: names, shapes and meaning.

In these files alone a neighbour table lists the point itself first: `_index.npy` (n, maxk + 1) int32 and `_dist.npy`
(n, maxk + 1), whose first column is 0. `_mus.npy` (n, m) holds r_2k / r_k for k = 1, 2, 4, ..., 256. Distances
are float64.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.errors import InputError, unknown_name
from dimscope.files import atomic_path, is_numpy_file
from dimscope.inputs.tables import own_places
from dimscope.knn import neighbors
from dimscope.knn.base import Duplicates, Neighbors

CONVENTIONS = ("exact", "paper")
RANKS = tuple(2**power for power in range(10))
"""Ranks whose distances enter the ratios: 1 to 512."""
EPSILON = float(np.finfo(np.float64).eps)
PAPER_ZERO = 10 * EPSILON
"""What the scripts put in place of a nearest distance below one epsilon (of float64; an older script, of float32)."""
STAND_INS = (PAPER_ZERO, float(np.float32(10 * np.finfo(np.float32).eps)))
"""Nearest distances that mean zero in files of the scripts."""
KINDS = ("dist", "index", "mus", "act")
IMAGENET = "imagenet"
"""The data set of the paper, the first word of file names."""


def file_name(model: str, layer: int, description: str, kind: str, *, dataset: str = IMAGENET) -> str:
    """Name of one file: `imagenet_small_layer16_train_dist.npy`.

    Args:
        model: `small`, `medium`, `large`, or any word for another model.
        layer: layer number.
        description: `train`, `valid` or `test`, with `_untrained` or `_cpt131000` behind it where the model is so.
        kind: `dist`, `index`, `mus` or `act`.
        dataset: `imagenet`, `cifar10`, or the word for other images.
    """
    return f"{dataset}_{model}_layer{layer}_{description}_{kind}.npy"


def labels_name(dataset: str = IMAGENET) -> str:
    """Name of the file with the class of every image: `imagenet_labels.npy`."""
    return f"{dataset}_labels.npy"


def tables(points: Points, maxk: int, *, convention: str = "exact", device: str = "auto") -> dict[str, np.ndarray]:
    """The arrays `dist`, `index` and `mus` of one layer.

    Distances are exact in both conventions: equal rows are neighbours at distance 0, each point stands first in its own row.

    Args:
        points: (n, d).
        maxk: neighbours per point besides itself.
        convention: `exact` takes the ratios among distinct points, and they are NaN for a row that repeats an earlier one, so
            that the rows that are not NaN give the dimension of the deduplicated points; `paper` puts ten epsilons in
            place of a nearest distance below one epsilon, as the scripts did, which makes ratios of duplicates huge.
        device: where neighbours are searched.

    Raises:
        InputError: fewer than maxk + 1 points.
        UsageError: an unknown convention.
    """
    if convention not in CONVENTIONS:
        raise unknown_name("convention", convention, CONVENTIONS)
    ranks = [rank for rank in RANKS if rank < len(points)]
    table = neighbors(points, maxk, duplicates="keep", device=device, ranks=[rank for rank in ranks if rank > maxk])
    far, at = table.distances.copy(), _at_ranks(table, ranks)
    if convention == "paper":
        at = with_paper_zeros(at)
        far[:, 0] = at[:, 0]
    elif table.duplicates.n_merged:
        at = _among_distinct(points, table.duplicates, ranks, device)
    own = np.arange(table.n)
    return {
        "dist": np.column_stack([np.zeros(table.n), far]),
        "index": np.column_stack([own, table.indices]).astype(np.int32),
        "mus": ratios(at),
    }


def with_paper_zeros(at: FloatArray) -> FloatArray:
    """Ascending distances (n, m), with ten epsilons for a nearest one below one epsilon, as in the paper's scripts."""
    found = np.array(at, np.float64)
    found[found[:, 0] < EPSILON, 0] = PAPER_ZERO
    return found


def ratios(at: FloatArray) -> FloatArray:
    """Each column but the first, divided by the one before: (n, m) distances at the ranks 1, 2, 4, ... -> (n, m - 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(at[:, 1:] / at[:, :-1])


def _at_ranks(table: Neighbors, ranks: Sequence[int]) -> FloatArray:
    return np.stack([table.distances[:, rank - 1] if rank <= table.k else table.ranks[rank] for rank in ranks], axis=1)


def _among_distinct(points: Points, duplicates: Duplicates, ranks: Sequence[int], device: str) -> FloatArray:
    """Distances at the ranks among distinct points; NaN for repeated rows and for ranks that are no longer there."""
    found = np.full((len(points), len(ranks)), np.nan)
    there = [rank for rank in ranks if rank < duplicates.n_unique]
    if there:
        rows = duplicates.first_rows
        table = neighbors(points[rows], 1, duplicates="keep", device=device, ranks=there[1:])
        found[rows, : len(there)] = _at_ranks(table, there)
    return found


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
    stored = np.asarray(index, np.int64)
    own = own_places(stored)
    return stored[~own].reshape(len(stored), -1) if own.any() else stored


def read_table(folder: Path, model: str, layer: int, description: str, *, dataset: str = IMAGENET) -> Neighbors:
    """The neighbour table of one layer, without the point itself; what the scripts put in place of zero is zero again.

    Raises:
        InputError: a missing or foreign file.
    """
    far_path, path = (folder / file_name(model, layer, description, kind, dataset=dataset) for kind in ("dist", "index"))
    index = read_array(path, 2)
    stored = read_array(far_path, 2, lambda array: array.shape == index.shape)
    far = np.array(stored[:, 1:], np.float64)
    far[np.isin(far[:, 0], STAND_INS), 0] = 0
    others = without_self(index)
    return Neighbors(others, far, _duplicates(others, far), dtype=str(stored.dtype))


def _duplicates(indices: IntArray, far: FloatArray) -> Duplicates:
    """Which rows are equal, as far as the table holds it."""
    first = np.minimum(np.arange(len(far)), np.where(far == 0, indices, len(far)).min(axis=1))
    return Duplicates(first, np.bincount(first, minlength=len(far))[first], "keep")
