"""The overlap of every layer of a run with every other one, in chunks of layers as tasks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dimscope.arrays import even_spans
from dimscope.engines import HERE, Engine
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.overlaps.matrix import OverlapMatrix, overlap_matrix
from dimscope.store.lending import each


class Lists(NamedTuple):
    """A table on the way to a worker, without its distances: indices int32 (n, k)."""

    indices: np.ndarray
    duplicates: Duplicates


class MapTask(NamedTuple):
    """The overlaps of the layers start to stop with all layers."""

    start: int
    stop: int
    tables: tuple[Neighbors | Lists, ...]
    k: int


def overlap_map(tables: Sequence[Neighbors | None], k: int, engine: Engine = HERE) -> OverlapMatrix | None:
    """The map over all layers; rows and columns of layers whose table is missing or short are NaN.

    Args:
        tables: one per layer, or None.
        k: neighbours compared.
        engine: its workers take as many layers at a time as share the work fairly; each cell depends on its two layers alone.

    Returns:
        None where fewer than two layers have k neighbours.
    """
    usable = [place for place, table in enumerate(tables) if table is not None and table.k >= k]
    if len(usable) < 2:
        return None
    size = (len(tables), len(tables))
    values, stderr, chance, n_used = (np.full(size, np.nan) for _ in range(4))
    chosen = [table for table in tables if table is not None and table.k >= k]
    for task, found in each(engine, mapped, _chunks(chosen, k, engine), _bytes):
        cells = np.ix_(usable[task.start : task.stop], usable)
        values[cells], stderr[cells], chance[cells], n_used[cells] = found.values, found.stderr, found.chance, found.n_used
    return OverlapMatrix(values, stderr, chance, np.nan_to_num(n_used).astype(np.int64), k)


def mapped(task: MapTask) -> OverlapMatrix:
    """Some rows of the map."""
    tables = [_opened(table) for table in task.tables]
    return overlap_matrix(tables[task.start : task.stop], tables, task.k)


def _opened(table: Neighbors | Lists) -> Neighbors:
    """The table; distances, which no overlap reads, are 0."""
    if isinstance(table, Neighbors):
        return table
    return Neighbors(table.indices.astype(np.int64), np.zeros(table.indices.shape), table.duplicates)


def _chunks(tables: Sequence[Neighbors], k: int, engine: Engine) -> list[MapTask]:
    """As many chunks as workers, none of which has more than a layer more than another."""
    if not engine.is_remote:
        return [MapTask(0, len(tables), tuple(tables), k)]
    lists = tuple(Lists(table.indices.astype(np.int32), table.duplicates) for table in tables)
    spans = even_spans(0, len(tables), min(len(tables), engine.n_workers))
    return [MapTask(*span, lists, k) for span in spans]


def _bytes(task: MapTask) -> int:
    """What goes to a worker: 4 bytes for each neighbour of each layer."""
    return sum(table.indices.nbytes for table in task.tables)
