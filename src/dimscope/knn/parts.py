"""The tasks into which `dimscope.knn.spread` cuts a search; each opens what it needs and depends on its arguments alone."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.engines.shared import SharedFile, locate
from dimscope.engines.worker import copies_folder
from dimscope.knn import join, kernels
from dimscope.knn.filters import Filter, Frame, Rows, stacked, with_mix
from dimscope.knn.join import Lists, sampled_rank, set_sampled_radii
from dimscope.knn.listed import Listed, decide, listed, merged
from dimscope.knn.on_tiles import FILTERS, Wanted, choose_filter, frame_of, is_readable, search
from dimscope.knn.scratch import Scratch
from dimscope.knn.workers import Workers

CODES_BYTES = 512 << 20
"""Memory for filters of stretches that a worker keeps for further tasks."""


class Chosen(NamedTuple):
    """Which rows of which file are searched, and in what order.

    Attributes:
        file: a .npy file of points (n_rows, d).
        left_out: rows of it that do not take part, ascending.
        n: rows that do.
        seed: of the random order.
    """

    file: SharedFile
    left_out: IntArray
    n: int
    seed: int


class Choice(NamedTuple):
    """Frame, name and mix of the filter."""

    frame: Frame
    coarse: str
    mix: float


class Search(NamedTuple):
    """What all tasks of one search share.

    Attributes:
        chosen: the rows.
        k: neighbours.
        height: rows of a stretch; the last one may be shorter.
        choice: the filter.
    """

    chosen: Chosen
    k: int
    height: int
    choice: Choice

    def span(self, stretch: int) -> tuple[int, int]:
        """First and last (exclusive) row of a stretch, in the order of the search."""
        return stretch * self.height, min((stretch + 1) * self.height, self.chosen.n)

    @property
    def room(self) -> int:
        """Entries of one list: the candidates of a row in one stretch, and as many again for rows that have more."""
        return min(self.height, 4 * self.rank + 256)

    @property
    def rank(self) -> int:
        """The rank in the first stretch, a random sample, whose distance holds the k nearest of all."""
        return sampled_rank(self.k, min(self.height, self.chosen.n) - 1, self.chosen.n - 1)


class Pair(NamedTuple):
    """Two stretches (or one with itself) and the radii of their rows; None where they are still to be read off a sample."""

    search: Search
    rows: int
    columns: int
    row_radii: FloatArray | None
    column_radii: FloatArray | None


class Found(NamedTuple):
    """Candidates and radii of both sides of a pair; a stretch with itself has the first side only."""

    row_radii: FloatArray
    column_radii: FloatArray
    of_rows: Listed
    of_columns: Listed


class Decision(NamedTuple):
    """One stretch with all its candidates, each part with the stretch they are from."""

    search: Search
    stretch: int
    parts: Sequence[tuple[int, Listed]]
    radii: FloatArray


class Single(NamedTuple):
    """Rows without a certificate, by their numbers in the results."""

    search: Search
    numbers: IntArray


class Nearest(NamedTuple):
    """Distances (rows, k), indices (rows, k) in 32 bits, and which rows are proven."""

    distances: FloatArray
    indices: np.ndarray
    certified: np.ndarray


class _Opened:
    """The points of a search as this process reads them, with the filters of some stretches."""

    def __init__(self, chosen: Chosen) -> None:
        path = locate(chosen.file, copies_folder())
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        self.scratch = Scratch(stored)
        self.points: Points = self.scratch.searchable(stored)
        taking = np.ones(len(stored), np.bool_)
        taking[chosen.left_out] = False
        self.rows = np.flatnonzero(taking)
        self.order = np.random.default_rng(chosen.seed).permutation(chosen.n)
        self.places = self.rows[self.order]
        self.filters: OrderedDict[tuple[Any, ...], Filter] = OrderedDict()
        self.lock = RLock()

    def filter(self, search: Search, stretch: int) -> Filter:
        """The filter of a stretch, kept while there is room."""
        start, stop = search.span(stretch)
        choice = search.choice
        key = (choice.coarse, choice.mix, choice.frame.scale, start, stop)
        with self.lock:
            if key not in self.filters:
                made = FILTERS[choice.coarse](
                    self.points,
                    self.places[start:stop],
                    self.order[start:stop],
                    choice.frame,
                    Scratch(np.empty(0)),
                    _one_by_one,
                )
                made.rows = with_mix(made.rows, choice.mix)
                self.filters[key] = made
            self.filters.move_to_end(key)
            while len(self.filters) > 2 and sum(kept.codes.nbytes for kept in self.filters.values()) > CODES_BYTES:
                self.filters.popitem(last=False)
            return self.filters[key]


_open: dict[str, _Opened] = {}
_lock = RLock()


def _opened(chosen: Chosen) -> _Opened:
    """The last search of this process, or another one in its place."""
    key = f"{chosen.file} {chosen.n} {chosen.seed} {hash(chosen.left_out.tobytes())}"
    with _lock:
        if key not in _open:
            made = _Opened(chosen)
            for old in _open.values():
                old.scratch.__exit__()
            _open.clear()
            _open[key] = made
        return _open[key]


def _one_by_one(work: Any, items: Any) -> None:
    for item in items:
        work(item)


def choose(task: tuple[Chosen, int, str]) -> Choice:
    """The filter that suits these points and k neighbours best on this machine."""
    chosen, k, coarse = task
    opened = _opened(chosen)
    with Workers(1, 2 * join.BLOCK * join.BLOCK) as workers:
        frame = frame_of(opened.points, opened.places)
        scratch = Scratch(np.empty(0))
        return Choice(frame, *choose_filter(opened.points, opened.places, frame, scratch, workers, Wanted(k, k), coarse))


def collect(pair: Pair) -> Found:
    """Candidates of the rows of two stretches in each other, or of one stretch in itself."""
    search, opened = pair.search, _opened(pair.search.chosen)
    is_self = pair.rows == pair.columns
    filters = [opened.filter(search, number) for number in ((pair.rows,) if is_self else (pair.rows, pair.columns))]
    height = len(filters[0].rows.norms)
    whole = filters[0] if is_self else stacked(filters)
    with Workers(1, 2 * join.BLOCK * join.BLOCK) as workers:
        if search.choice.coarse != "float32":
            workers.limit_torch()
        lists = _lists(len(whole.rows.norms), search.room)
        if not is_readable(whole.rows):
            lists.radii[:] = -1.0
        else:
            _collect(pair, whole, height, lists, workers)
    return _found(pair, whole.rows, height, lists)


def _lists(n: int, room: int) -> Lists:
    return Lists(
        0, np.zeros(n, np.int32), np.empty((n, room), np.int32), np.empty((n, room), np.float32),
        np.full(n, np.inf), np.empty(n, np.float32),
    )  # fmt: skip


def _collect(pair: Pair, whole: Filter, height: int, lists: Lists, workers: Workers) -> None:
    """Fill the lists; rows 0 to `height` are those of the first stretch, the others those of the second."""
    search, n = pair.search, len(lists.counts)
    first = 0 if pair.rows == pair.columns else height
    if pair.column_radii is not None:
        kernels.set_radii(first, n, pair.column_radii, lists, whole.rows)
    if pair.row_radii is not None:
        kernels.set_radii(0, height, pair.row_radii, lists, whole.rows)
    else:
        _sample(search, whole, height, first, lists, workers)
    done = first if pair.row_radii is None else -1  # the sample was collected when the radii were read off it
    for start, stop in _blocks(0, height):
        for begin, end in _blocks(first, n):
            if done not in (start, begin) and (first or begin >= start):
                tile = whole.tile(start, stop, whole, begin, end, workers.room())
                same = begin == start
                kernels.collect(tile, start, begin, same, not same, search.rank, lists, whole.rows, whole.rows)
    if pair.row_radii is None:
        want = min(search.rank, n - first)
        limit = search.room - max(0, search.room - want) // 4
        kernels.tighten_rows(0, height, want, limit, lists, whole.rows, whole.rows)


def _blocks(start: int, stop: int) -> list[tuple[int, int]]:
    return [(first, min(first + join.BLOCK, stop)) for first in range(start, stop, join.BLOCK)]


def _sample(search: Search, whole: Filter, height: int, first: int, lists: Lists, workers: Workers) -> None:
    """First radii of rows 0 to `height` from the first block of the sample, at row `first`, and what it holds within them."""
    end = min(first + join.BLOCK, len(lists.counts))
    for start, stop in _blocks(0, height):
        tile = whole.tile(start, stop, whole, first, end, workers.room())
        same, others = start == first, search.chosen.n - 1
        set_sampled_radii(tile, start, first, same, search.k, others, lists, whole.rows, whole.rows)
        kernels.collect(tile, start, first, same, not same, search.rank, lists, whole.rows, whole.rows)


def _found(pair: Pair, rows: Rows, height: int, lists: Lists) -> Found:
    n = len(lists.counts)
    if pair.rows == pair.columns:
        own = listed(0, height, 0, lists, rows)
        return Found(lists.radii, lists.radii[:0], own, listed(0, 0, 0, lists, rows))
    return Found(
        lists.radii[:height], lists.radii[height:], listed(0, height, height, lists, rows), listed(height, n, 0, lists, rows)
    )


def decided(task: Decision) -> Nearest:
    """The nearest neighbours of a stretch."""
    search, opened = task.search, _opened(task.search.chosen)
    start, stop = search.span(task.stretch)
    parts = merged([(search.span(number)[0], part) for number, part in task.parts])
    squares, indices, certified = decide(
        opened.points, opened.places[start:stop], opened.places, opened.order, parts, task.radii,
        search.choice.frame.scale, search.k,
    )  # fmt: skip
    return Nearest(np.sqrt(squares), indices.astype(np.int32), certified)


def recomputed(task: Single) -> Nearest:
    """The nearest neighbours of some rows from all float64 distances."""
    search, opened = task.search, _opened(task.search.chosen)
    squares, indices = np.empty((len(task.numbers), search.k)), np.empty((len(task.numbers), search.k), np.int64)
    for line, number in enumerate(task.numbers):
        row = opened.points[opened.rows[number]].astype(np.float64)
        kernels.nearest_of_row(row, opened.points, opened.rows, number, squares[line], indices[line])
    return Nearest(np.sqrt(squares), indices.astype(np.int32), np.ones(len(squares), np.bool_))


def searched(task: tuple[Chosen, int]) -> tuple[IntArray, FloatArray]:
    """The whole search on this worker, for points that `collect` does not take."""
    chosen, k = task
    opened = _opened(chosen)
    stored = np.load(locate(chosen.file, copies_folder()), mmap_mode="r", allow_pickle=False)
    indices, distances, _ = search(stored, k, rows=opened.rows)
    return indices, distances
