"""Overlap of every layer with every other one, in one model or across two with the same items."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, IntArray, whole_number
from dimscope.errors import InputError, UsageError
from dimscope.knn import as_neighbors
from dimscope.knn.base import Neighbors
from dimscope.knn.graph import neighbor_graph
from dimscope.notebook import line_of
from dimscope.overlaps.base import first_members
from dimscope.uncertainty import errors_of_means

BLOCK_ENTRIES = 1_000_000
"""Bytes of one block of the membership mask; it should stay in the cache of a core."""


@dataclass(frozen=True, eq=False, repr=False)
class OverlapMatrix:
    """Overlaps of the layers of a (rows) with those of b (columns); each array has shape (layers of a, layers of b).

    Attributes:
        values: mean shared fraction of the k neighbours, from 0 to 1; NaN where fewer than k + 2 items are distinct in both.
        stderr: standard error, allowing for shared neighbours.
        chance: k / (items - 1).
        n_used: items that entered.
        k: neighbours compared.
    """

    values: FloatArray
    stderr: FloatArray
    chance: FloatArray
    n_used: IntArray
    k: int

    summary: ClassVar[str] = "overlap of every layer with every other, within a model or across two models"
    source: ClassVar[str] = "Doimo, Glielmo, Ansuini, Laio 2020, arXiv 2007.03506"

    def __repr__(self) -> str:
        least, most = (float(best.reduce(self.values, axis=None)) for best in (np.fmin, np.fmax))
        return line_of(self, layers=self.values.shape, k=self.k, least=least, most=most)


def overlap_matrix(
    a: Sequence[Neighbors | ArrayLike],
    b: Sequence[Neighbors | ArrayLike] | None = None,
    k: int = 30,
    *,
    items_a: Sequence[Hashable] | None = None,
    items_b: Sequence[Hashable] | None = None,
) -> OverlapMatrix:
    """The overlap of every layer in `a` with every layer in `b` (default: of `a` with itself).

    Each cell is `overlap` of the two tables over the items that have a row of their own in both. Widths may differ: only
    neighbours are compared. With `items_a` and `items_b` the rows are matched by name, in any order, and items of one side
    only are left out; a neighbour that is left out is skipped and the next one moves up.

    Cost O(layers_a layers_b n k) time, O(layers n k) memory beyond the tables; 33 x 33 layers of 10 000 points at k = 30
    take a few seconds.

    Args:
        a: neighbour tables or points, one per layer.
        b: the same for the second model.
        k: neighbours compared.
        items_a: one name per input row of a; default: the row number.
        items_b: one name per input row of b; default: `items_a`.

    Raises:
        InputError: no layer, other numbers of rows, names that repeat, or no common items.
        UsageError: one table in place of a list, k is no whole number, or a table holds fewer than k neighbours.

    Examples:
        >>> import numpy as np
        >>> points = np.random.default_rng(0).random((100, 3))
        >>> overlap_matrix([points, points[:, :2]], k=10).values.diagonal()
        array([1., 1.])
    """
    k = whole_number(k, "k")
    tables_a = _tables(a, k)
    tables_b = tables_a if b is None else _tables(b, k)
    names_a = _names(items_a, tables_a)
    names_b = names_a if b is None else _names(items_b if items_b is not None else items_a, tables_b)
    rows_a, rows_b = _matched(names_a, names_b)
    shape = (len(tables_a), len(tables_b))
    found = OverlapMatrix(np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, np.int64), k)
    for group_a, present_a in _by_rows(tables_a, rows_a):
        for group_b, present_b in _by_rows(tables_b, rows_b):
            common = present_a & present_b
            if common.sum() >= k + 2:
                lists_b = np.stack([_lists(tables_b[layer], rows_b[common], k) for layer in group_b])
                for layer in group_a:
                    lists_a = _lists(tables_a[layer], rows_a[common], k)
                    _fill(found, (layer, group_b), lists_a, lists_b)
    return found


def _tables(layers: Sequence[Neighbors | ArrayLike], k: int) -> list[Neighbors]:
    if isinstance(layers, Neighbors):
        raise UsageError("one neighbour table was given; an overlap matrix takes a list of layers on each side.")
    tables = [as_neighbors(layer, k) for layer in layers]
    if not tables:
        raise InputError("no layer was given; an overlap matrix needs at least one on each side.")
    for table in tables:
        table.require(k, "this overlap matrix")
        if table.duplicates.n_rows != tables[0].duplicates.n_rows:
            sizes = f"{tables[0].duplicates.n_rows} and {table.duplicates.n_rows}"
            raise InputError(f"layers of {sizes} examples were given as one model; all need the same examples.")
    return tables


def _names(items: Sequence[Hashable] | None, tables: list[Neighbors]) -> list[Hashable]:
    n_rows = tables[0].duplicates.n_rows
    names: list[Hashable] = list(range(n_rows)) if items is None else list(items)
    if len(names) != n_rows:
        raise InputError(f"{len(names)} item names were given for {n_rows} examples.")
    if len(set(names)) < n_rows:
        repeated = n_rows - len(set(names))
        raise InputError(f"{repeated} item names repeat another; items are matched by name, so give unique ones.")
    return names


def _matched(names_a: list[Hashable], names_b: list[Hashable]) -> tuple[IntArray, IntArray]:
    if names_a == names_b:
        own = np.arange(len(names_a))
        return own, own
    if names_a == list(range(len(names_a))) or names_b == list(range(len(names_b))):
        raise InputError(
            f"{len(names_a)} and {len(names_b)} examples were given without common names; an overlap needs the same "
            "examples in both: give items_a and items_b."
        )
    place = {name: row for row, name in enumerate(names_b)}
    rows = [(row, place[name]) for row, name in enumerate(names_a) if name in place]
    if not rows:
        raise InputError("the two sides have no item in common; compare runs over the same examples (their ids are matched).")
    pairs = np.array(rows, dtype=np.int64)
    return pairs[:, 0], pairs[:, 1]


def _by_rows(tables: list[Neighbors], rows: IntArray) -> list[tuple[list[int], np.ndarray]]:
    """Layers that have the same distinct items together, with a mask of those items."""
    groups: dict[bytes, tuple[list[int], np.ndarray]] = {}
    for layer, table in enumerate(tables):
        present = np.zeros(table.duplicates.n_rows, dtype=bool)
        present[table.duplicates.rows] = True
        groups.setdefault(present.tobytes(), ([], present[rows]))[0].append(layer)
    return list(groups.values())


def _lists(table: Neighbors, rows: IntArray, k: int) -> IntArray:
    """Shape (n, k): the neighbours of these input rows among them, as positions; -1 for points with fewer than k."""
    near = first_members(table, np.searchsorted(table.duplicates.rows, rows), k)
    lists = np.full((len(rows), k), -1, dtype=np.int64)
    lists[near.points] = near.neighbors
    return lists


def _fill(found: OverlapMatrix, place: tuple[int, list[int]], lists_a: IntArray, lists_b: IntArray) -> None:
    used = (lists_a[:, 0] >= 0)[:, None] & (lists_b[:, :, 0] >= 0).T
    n_used = used.sum(axis=0)
    local = np.where(used, _shared(lists_a, lists_b).T / found.k, 0.0)
    means = local.sum(axis=0) / np.maximum(n_used, 1)
    deviations = np.where(used, local - means, 0.0) / np.maximum(n_used, 1)
    enough = n_used >= 2
    found.values[place] = np.where(enough, means, np.nan)
    found.stderr[place] = np.where(enough, errors_of_means(deviations, neighbor_graph(lists_a)), np.nan)
    found.chance[place] = found.k / (len(lists_a) - 1)
    found.n_used[place] = n_used


def _shared(lists_a: IntArray, lists_b: IntArray) -> IntArray:
    """Shape (layers of b, n): how many neighbours each point has in common with the same point of each layer of b."""
    layers, n, _ = lists_b.shape
    lists_a, lists_b = np.maximum(lists_a, 0), np.maximum(lists_b, 0)  # rows without a list are not read by the caller
    counts = np.empty((layers, n), dtype=np.int64)
    height = max(1, BLOCK_ENTRIES // n)
    for start in range(0, n, height):
        stop = min(start + height, n)
        offsets = np.arange(stop - start)[:, None] * n
        member = np.zeros((stop - start) * n, dtype=np.int8)
        member[lists_a[start:stop] + offsets] = 1
        counts[:, start:stop] = member[lists_b[:, start:stop] + offsets].sum(axis=2, dtype=np.int64)
    return counts
