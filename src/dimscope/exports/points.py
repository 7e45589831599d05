"""The points of layers, in forms that other tools read."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dimscope.arrays import Points
from dimscope.exports.selection import point_rows
from dimscope.files import atomic_path
from dimscope.store.folder import RunFolder
from dimscope.store.states import open_states
from dimscope.version import __version__

if TYPE_CHECKING:
    import pyarrow


def export_points(folder: RunFolder, layers: Sequence[str], out: Path, ending: str) -> Path:
    """The path, after the points were written as `parquet`, `safetensors` or `npy`; see `dimscope.exports.export`.

    Raises:
        StoreError: the states are gone or damaged.
    """
    if ending == "npy":
        _write_array(out, _states(folder, layers[0]))
    elif ending == "safetensors":
        _write_tensors(out, folder, layers)
    else:
        _write_rows(out, folder, layers[0])
    return out


def vectors(folder: RunFolder, layer: str) -> "pyarrow.FixedSizeListArray":
    """One vector per example, in the precision that the run stored."""
    import pyarrow

    points = _states(folder, layer)
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(np.asarray(points).ravel()), points.shape[1])


def _states(folder: RunFolder, layer: str) -> Points:
    return open_states(folder.states / f"{layer}.npy")


def _write_array(out: Path, points: Points) -> None:
    with atomic_path(out) as temporary, temporary.open("wb") as handle:
        np.save(handle, points)


def _write_tensors(out: Path, folder: RunFolder, layers: Sequence[str]) -> None:
    from safetensors.numpy import save_file

    arrays = {layer: np.ascontiguousarray(_states(folder, layer)) for layer in layers}
    with atomic_path(out) as temporary:
        save_file(arrays, temporary, metadata={"dimscope": __version__, "rows": "as in points.parquet"})
        shutil.copymode(folder.config, temporary)  # safetensors keeps its files for their owner


def _write_rows(out: Path, folder: RunFolder, layer: str) -> None:
    from pyarrow import parquet

    table = point_rows(folder).append_column("vector", vectors(folder, layer))
    with atomic_path(out) as temporary:
        parquet.write_table(table.replace_schema_metadata({"dimscope": __version__, "layer": layer}), temporary)
