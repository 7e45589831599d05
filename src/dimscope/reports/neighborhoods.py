"""The neighbours of every example in every layer of a run, as the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet

from dimscope.arrays import IntArray
from dimscope.engines import HERE, Engine
from dimscope.knn.base import Neighbors
from dimscope.overlaps.base import shared_counts
from dimscope.overlaps.matrix import OverlapMatrix
from dimscope.reports.overlap_map import overlap_map
from dimscope.reports.pictures import Picture
from dimscope.store.folder import RunFolder
from dimscope.store.tables import read_table

SHOWN = 5
"""Neighbours of an example that the page shows in each layer."""
Shares: TypeAlias = NDArray[np.float32]
Places: TypeAlias = NDArray[np.int32]
MOST_OVERLAPS = 3e9
"""Comparisons of neighbours (layers^2 n k) that the map of overlaps may cost; 50 layers of 40 000 examples at k = 30."""


@dataclass(frozen=True, eq=False)
class Neighborhoods:
    """Who is near whom in a run, by input row; a layer without a table has -1 and NaN.

    Attributes:
        layers: names of the layers, in the order of the profile.
        ids, texts: one per example; texts are what `points.parquet` holds of them.
        labels: one per example, or None where some have none.
        k: neighbours behind `kept`, `agreeing` and `overlap`.
        near: shape (layers, n, shown): the nearest examples, nearest first.
        kept: shape (layers, n): share of the k neighbours that are still there in the next layer; NaN in the last layer.
        agreeing: shape (layers, n): share of the k neighbours with the example's own label; NaN without labels.
        overlap: of every layer with every other one; None where it would cost too much.
        picture: draws an example (`pictures.find_pictures`); None where the examples are no images or are gone.
        notice: why there are no pictures of examples that are images; else empty.
    """

    layers: tuple[str, ...]
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...] | None
    k: int
    near: Places
    kept: Shares
    agreeing: Shares
    overlap: OverlapMatrix | None
    picture: Picture | None = None
    notice: str = ""

    def without_texts(self) -> "Neighborhoods":
        """The same for a page that may be shown to those who may not read the examples."""
        return replace(self, texts=("",) * len(self.ids), picture=None, notice="")


def read_neighborhoods(folder: RunFolder, layers: Sequence[str], k: int, engine: Engine = HERE) -> Neighborhoods:
    """The neighbourhoods of a finished run, read from `points.parquet` and `neighbors/`.

    Cost O(layers^2 n k) time for the map of overlaps, at most `MOST_OVERLAPS`, and O(layers n) memory, with the map
    O(layers n k).

    Args:
        folder: the run.
        layers: names of its layers; one whose points were nearly all equal has no table.
        k: neighbours compared.
        engine: whose workers compute the map of overlaps.

    Raises:
        StoreError: a table is damaged.
    """
    columns = parquet.read_table(folder.points, columns=["id", "label", "text"]).to_pydict()
    ids = tuple(str(cell) for cell in columns["id"])
    labels = None if None in columns["label"] else tuple(str(cell) for cell in columns["label"])
    texts = tuple("" if cell is None else str(cell) for cell in columns["text"])
    codes = None if labels is None else np.unique(labels, return_inverse=True)[1]
    shape, has_map = (len(layers), len(ids)), len(layers) ** 2 * len(ids) * k <= MOST_OVERLAPS
    near, kept, agreeing = np.full((*shape, SHOWN), -1, np.int32), _gaps(shape), _gaps(shape)
    tables: list[Neighbors | None] = []
    before: IntArray | None = None
    for place, layer in enumerate(layers):
        table = _table(folder, layer, k)
        tables.append(table if has_map else None)
        found = None if table is None else _lists(table)
        if found is not None:
            near[place, :, : found.shape[1]] = found[:, :SHOWN]
            if before is not None and before.shape == found.shape:
                kept[place - 1] = shared_counts(before, found) / found.shape[1]
            if codes is not None:
                agreeing[place] = (codes[found] == codes[:, None]).mean(axis=1)
        before = found
    return Neighborhoods(tuple(layers), ids, texts, labels, k, near, kept, agreeing, overlap_map(tables, k, engine))


def _gaps(shape: tuple[int, int]) -> Shares:
    return np.full(shape, np.nan, np.float32)


def _table(folder: RunFolder, layer: str, k: int) -> Neighbors | None:
    """The first k columns of a layer's table; a whole table of every layer would not fit in memory."""
    path = folder.table_of(layer)
    if not path.exists():
        return None
    whole = read_table(path)
    return Neighbors(
        whole.indices[:, :k].copy(), whole.distances[:, :k].copy(), whole.duplicates, whole.metric, whole.dtype, whole.backend
    )


def _lists(table: Neighbors) -> IntArray:
    """Shape (n_rows, k): the neighbours of every input row, as input rows; a repeated example has those of its first one."""
    found: IntArray = table.duplicates.rows[table.indices[table.duplicates.table_rows]]
    return found


def overlap_csv(overlap: OverlapMatrix, layers: Sequence[str]) -> str:
    """One line per pair of layers: `layer`, `other`, `overlap`, `stderr`, `chance`, `n`; numbers in full precision."""
    lines = ["layer,other,overlap,stderr,chance,n"]
    for row, layer in enumerate(layers):
        for column, other in enumerate(layers):
            place = (row, column)
            numbers = (overlap.values[place], overlap.stderr[place], overlap.chance[place])
            cells = ["" if np.isnan(number) else repr(float(number)) for number in numbers]
            lines.append(",".join([layer, other, *cells, str(int(overlap.n_used[place]))]))
    return "\n".join(lines) + "\n"
