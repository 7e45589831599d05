"""One search over blocks of rows: sample, multiply, tighten, decide. The method and its proof stand in `on_tiles`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from threading import Event, Lock
from typing import NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.knn import decisions, kernels
from dimscope.knn.filters import Filter, Rows
from dimscope.knn.smallest import select_in_rows
from dimscope.knn.workers import Workers

BLOCK = 1024
"""Rows of a tile; also the size of the random sample."""
LIST_BYTES = 320 << 20
"""Memory of all candidate lists; beyond it the rows are served in groups, and pairs across groups are multiplied twice."""
SURE = 3.2
"""Standard deviations by which a sampled rank is raised; about one row in a thousand fails and is computed again."""
LANDMARKS = 32
"""Rows of the sample that tell in which region a row lies."""
DECIDED_TOGETHER = 256
"""Rows decided by one task."""


class Side(NamedTuple):
    """One set of points in a search; rows are numbered in the order of the filter.

    Attributes:
        points: shape (n_rows, d), float32 or float64.
        places: the row of `points` behind each row.
        coarse: the filter.
        rows: what the tile test knows about each row.
    """

    points: Points
    places: IntArray
    coarse: Filter
    rows: Rows


class Table(NamedTuple):
    """Results under construction, one line per label: squared distances, indices, squared distances at ranks, proof."""

    distances: FloatArray
    indices: IntArray
    at_ranks: FloatArray
    certified: np.ndarray


class Lists(NamedTuple):
    """Candidates of a group of rows; line l belongs to row base + l.

    Attributes:
        base: first row of the group.
        counts: int32 (rows,): entries in use.
        members: int32 (rows, room): candidates, as rows of the other side.
        far: float32 (rows, room): their squared distances in the filter.
        radii: float64 (rows,): R_i.
        limits: float32 (rows,): a_i of the tile test.
    """

    base: int
    counts: np.ndarray
    members: np.ndarray
    far: np.ndarray
    radii: FloatArray
    limits: np.ndarray


class Join:
    """The rows base to stop of one side against all rows of another; a side joined with itself leaves out equal rows.

    Args:
        rows, columns: the two sides; the columns are in random order.
        table: receives the results.
        ranks: ascending ranks at which distances are wanted beyond the table, or empty.
        base, stop: the group, whole blocks.
        workers: the threads.
    """

    def __init__(
        self, rows: Side, columns: Side, table: Table, ranks: IntArray, base: int, stop: int, workers: Workers
    ) -> None:
        self.rows, self.columns, self.table, self.ranks, self.workers = rows, columns, table, ranks, workers
        self.is_self = rows is columns
        self.base, self.stop = base, stop
        self.k = deepest(table, ranks)
        self.n_others = len(columns.places) - self.is_self
        height, room = stop - base, room_for(self.k, len(columns.places))
        self.lists = Lists(
            base, np.zeros(height, np.int32), np.empty((height, room), np.int32), np.empty((height, room), np.float32),
            np.full(height, np.inf), np.empty(height, np.float32),
        )  # fmt: skip
        self.own = range(base // BLOCK, -(-stop // BLOCK))
        self.locks = {number: Lock() for number in self.own}
        self.sampled = {number: Event() for number in self.own}
        self.seen = dict.fromkeys(self.own, 0)
        self.regions = np.zeros(height, np.int64)

    def run(self) -> None:
        """All stages."""
        self.workers.each(lambda task: task(), self._tasks())
        # Rows near the same landmark follow each other, and so do those with the same nearest sample: their candidates are
        # still in the cache (a fifth less time for points that are three times as large as the cache).
        order = self.base + np.argsort(self.regions, kind="stable")
        self.workers.each(self._decide, np.array_split(order, max(1, len(order) // DECIDED_TOGETHER)))

    def _tasks(self) -> Iterator[Callable[[], None]]:
        """What fills the lists. A task may need what earlier ones did, and waits for it: threads do not wait for all others."""
        tiles = list(self._tiles())
        cuts = [0, len(tiles) // 8, len(tiles) // 4, len(tiles) // 2, len(tiles)]
        yield from (partial(self._sample, number) for number in self.own)
        for first, last in pairwise(cuts):
            if first:
                yield from (partial(self._tighten, number) for number in self.own)
            yield from (partial(self._multiply, pair) for pair in tiles[first:last])

    def _tiles(self) -> Iterator[tuple[int, int]]:
        """Pairs of blocks still to be multiplied: inside the group in an order that keeps threads apart, then the others.

        With the shift s, p is paired with p + s: s of them that share no block with each other follow s that do with these.
        """
        inside = [number for number in self.own if number != 0] if self.is_self else []
        m = len(inside)
        for shift in range(m // 2 + 1):
            apart = np.argsort(np.arange(m // 2 if 2 * shift == m else m) // max(shift, 1) % 2, kind="stable")
            yield from ((inside[p], inside[(p + shift) % m]) for p in apart)
        n_blocks = -(-len(self.columns.places) // BLOCK)
        yield from ((row, column) for column in range(1, n_blocks) if column not in set(inside) for row in self.own)

    def _sample(self, number: int) -> None:
        """First radii of a block of rows from block 0 of the columns, which is a random sample, and its candidates there."""
        (start, stop), (_, last) = self._row_span(number), self._column_span(0)
        try:
            tile = self.rows.coarse.tile(start, stop, self.columns.coarse, 0, last, self.workers.room())
            same = self.is_self and number == 0
            sides = self.rows.rows, self.columns.rows
            squares = set_sampled_radii(tile, start, 0, same, self.k, self.n_others, self.lists, *sides)
            closest = squares[:, :LANDMARKS].argmin(axis=1) * BLOCK + squares.argmin(axis=1)
            self.regions[start - self.base : stop - self.base] = closest
        finally:  # after a failure nobody must wait for ever
            self.sampled[number].set()
        self._collect(tile, number, 0, start, 0)

    def _multiply(self, pair: tuple[int, int]) -> None:
        (start, stop), (first, last) = self._row_span(pair[0]), self._column_span(pair[1])
        tile = self.rows.coarse.tile(start, stop, self.columns.coarse, first, last, self.workers.room())
        self._collect(tile, pair[0], pair[1], start, first)

    def _collect(self, tile: np.ndarray, row: int, column: int, start: int, first: int) -> None:
        same = self.is_self and row == column
        both = self.is_self and row != column and column in self.locks
        blocks = sorted({row, column}) if both else [row]
        for block in blocks:
            self.sampled[block].wait()
        with ExitStack() as held:
            for block in blocks:
                held.enter_context(self.locks[block])
            kernels.collect(tile, start, first, same, both, self.k, self.lists, self.rows.rows, self.columns.rows)
            self.seen[row] += tile.shape[1] - same
            if both:
                self.seen[column] += tile.shape[0]

    def _tighten(self, number: int) -> None:
        start, stop = self._row_span(number)
        room = self.lists.members.shape[1]
        limit = room - max(0, room - self.k) // 4
        self.sampled[number].wait()
        with self.locks[number]:
            want = sampled_rank(self.k, self.seen[number], self.n_others)
            kernels.tighten_rows(start, stop, want, limit, self.lists, self.rows.rows, self.columns.rows)

    def _decide(self, chosen: IntArray) -> None:
        rows, columns, table = self.rows, self.columns, self.table
        shared = (
            chosen, rows.points, columns.points, rows.places, columns.places, self.lists, rows.rows, columns.rows,
        )  # fmt: skip
        decisions.decide(*shared, table.distances, table.indices, table.certified)
        if len(self.ranks):
            decisions.decide_ranks(*shared, self.ranks, table.at_ranks, table.certified)

    def _row_span(self, number: int) -> tuple[int, int]:
        return number * BLOCK, min((number + 1) * BLOCK, self.stop)

    def _column_span(self, number: int) -> tuple[int, int]:
        return number * BLOCK, min((number + 1) * BLOCK, len(self.columns.places))


def set_sampled_radii(
    tile: np.ndarray, start: int, first: int, same: bool, k: int, n_others: int, lists: Lists, rows: Rows, columns: Rows,
    sure: float = SURE,
) -> np.ndarray:  # fmt: skip
    """Set the first radii of the rows of a tile whose columns are a random sample; returns the squared distances of the tile.

    With `same` rows and columns are the same points, and the distance of a point to itself becomes infinite.
    """
    squares = squared_distances(tile, rows, columns, start, first)
    if same:
        np.fill_diagonal(squares, np.inf)
    radii = sampled_radii(squares, k, squares.shape[1] - same, n_others, sure)
    kernels.guess_radii(start, start + len(squares), radii, lists, rows)
    return squares


def squared_distances(tile: np.ndarray, rows: Rows, columns: Rows, start: int, first: int) -> np.ndarray:
    """The filter's squared distances of a tile, float32; good for guesses only."""
    here, there = slice(start, start + tile.shape[0]), slice(first, first + tile.shape[1])
    squares = np.empty(tile.shape, np.float32)
    with np.errstate(over="ignore"):  # rows too far out for float32 are found by `on_tiles`
        norms = rows.norms[here].astype(np.float32), columns.norms[there].astype(np.float32)
    kernels.fill_squares(tile, -2 * rows.factors[here], columns.factors[there], *norms, squares)
    return squares


def sampled_radii(squares: np.ndarray, k: int, seen: int, n_others: int, sure: float = SURE) -> FloatArray:
    """Radii likely to hold k of `n_others` points, from distances to `seen` random ones; infinite when those are too few."""
    want = sampled_rank(k, seen, n_others, sure)
    if want > seen:
        return np.full(len(squares), np.inf)
    at_rank = np.empty(len(squares))
    select_in_rows(squares, want - 1, at_rank)
    return np.sqrt(at_rank)


def sampled_rank(k: int, seen: int, n_others: int, sure: float = SURE) -> int:
    """A rank among `seen` random points whose distance exceeds the k-th of all but for one row in a thousand (`SURE`)."""
    if seen >= n_others:
        return k
    mean = k * seen / n_others
    return int(np.ceil(mean + sure * np.sqrt(mean * (1 - seen / n_others)) + 2))


def deepest(table: Table, ranks: IntArray) -> int:
    """The largest rank that is wanted."""
    return max(int(table.distances.shape[1]), int(ranks[-1]) if len(ranks) else 0)


def room_for(k: int, n: int) -> int:
    """Entries of one candidate list."""
    return min(n, k + 3 * min(k, 128) + 256)


def groups(n: int, room: int) -> list[tuple[int, int]]:
    """Stretches of rows, whole blocks, whose lists fit into `LIST_BYTES`."""
    height = BLOCK * max(1, LIST_BYTES // (8 * room * BLOCK))
    return [(start, min(start + height, n)) for start in range(0, n, height)]
