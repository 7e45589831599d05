"""The neighbours of every example in one layer, for tools that show or search them."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dimscope.arrays import FloatArray, IntArray
from dimscope.errors import StoreError, UsageError
from dimscope.exports.points import vectors
from dimscope.exports.selection import point_rows
from dimscope.files import atomic_path
from dimscope.knn.base import Neighbors
from dimscope.store.folder import RunFolder
from dimscope.store.tables import read_table
from dimscope.version import __version__

if TYPE_CHECKING:
    import pyarrow


def export_neighbors(folder: RunFolder, layer: str, out: Path, ending: str, *, k: int | None, with_points: bool) -> Path:
    """The path, after the neighbours of a layer were written as `parquet` or `csv`; see `dimscope.exports.export`.

    Raises:
        StoreError: the layer has no table, or a file is gone or damaged.
        UsageError: the table holds fewer than k neighbours, or vectors in a csv file.
    """
    if with_points and ending != "parquet":
        raise UsageError(f"--with-points was given, but a {ending} file has no place for vectors; use parquet.")
    ids, distances = neighbor_rows(_table(folder, layer), k)
    rows = point_rows(folder)
    if ending == "csv":
        return _write_lines(out, [str(name) for name in rows["id"].to_pylist()], ids, distances)
    from pyarrow import parquet

    table = rows.append_column("neighbors", _column(ids, distances))
    if with_points:
        table = table.append_column("vector", vectors(folder, layer))
    facts = {"dimscope": __version__, "layer": layer, "k": str(ids.shape[1]), "metric": "euclidean"}
    with atomic_path(out) as temporary:
        parquet.write_table(table.replace_schema_metadata(facts), temporary)
    return out


def neighbor_rows(table: Neighbors, k: int | None = None) -> tuple[IntArray, FloatArray]:
    """The neighbours of every input row, as input rows, and their distances; both of shape (n_rows, k), nearest first.

    Of merged rows only the first of each is ever a neighbour, and a repeated row has the neighbours of its first one.

    Raises:
        UsageError: the table holds fewer than k neighbours.
    """
    if k is not None:
        table.require(k, "this export")
    place = table.duplicates.table_rows
    found: IntArray = table.duplicates.rows[table.indices[place, :k]]
    return found, table.distances[place, :k]


def _table(folder: RunFolder, layer: str) -> Neighbors:
    if not folder.table_of(layer).is_file():
        raise StoreError(
            f"{folder.path} has no neighbour table of {layer}: it was removed, or fewer than 3 points of the layer are "
            f"distinct. `dimscope measure {folder.path}` makes the tables again."
        )
    return read_table(folder.table_of(layer))


def _column(ids: IntArray, distances: FloatArray) -> "pyarrow.StructArray":
    """One `{ids: [...], distances: [...]}` per row."""
    import pyarrow

    offsets = np.arange(len(ids) + 1, dtype=np.int64) * ids.shape[1]
    lists = [pyarrow.LargeListArray.from_arrays(offsets, np.ascontiguousarray(part).ravel()) for part in (ids, distances)]
    return pyarrow.StructArray.from_arrays(lists, names=["ids", "distances"])


def _write_lines(out: Path, names: list[str], ids: IntArray, distances: FloatArray) -> Path:
    import pandas

    n, k = ids.shape
    known = np.array(names, dtype=object)
    lines = pandas.DataFrame(
        {
            "id": np.repeat(known, k),
            "rank": np.tile(np.arange(1, k + 1), n),
            "neighbor": known[ids.ravel()],
            "distance": distances.ravel(),
        }
    )
    with atomic_path(out) as temporary:
        lines.to_csv(temporary, index=False, lineterminator="\n")
    return out
