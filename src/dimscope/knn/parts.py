"""The tasks into which `dimscope.knn.spread` cuts a search; each opens what it needs and depends on its arguments alone."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import NamedTuple, TypeAlias

import numpy as np

from dimscope.arrays import FloatArray, IntArray, even_spans
from dimscope.engines.shared import locate
from dimscope.engines.worker import copies_folder
from dimscope.knn import join, kernels
from dimscope.knn.filters import Filter, cut, joined
from dimscope.knn.handover import Laid, lay
from dimscope.knn.join import Lists, set_sampled_radii
from dimscope.knn.listed import Candidates, Listed, decide, listed, merged
from dimscope.knn.on_tiles import Wanted, choose_filter, frame_of, is_readable, search
from dimscope.knn.opened import SURE, Choice, Chosen, Search, Span, opened
from dimscope.knn.scratch import Scratch
from dimscope.knn.workers import Workers, reused

FEW = 64
"""Rows of the sample by which others are grouped first. Of 8 to 1024, measured at n = 20 000, 16 to 64 were the best."""
TOGETHER = 64
"""Rows of one task that are computed from all distances."""


class Start(NamedTuple):
    """A stretch (not the sample), to be joined with the sample and with itself."""

    search: Search
    stretch: int


class Pair(NamedTuple):
    """Two stretches, the first of which may be cut.

    Attributes:
        search: the search.
        stretches: the two.
        rows: those of the first that take part.
        radii: of these rows, and of all rows of the second stretch.
        filters: of the stretches, where other tasks have left them.
    """

    search: Search
    stretches: tuple[int, int]
    rows: Span
    radii: tuple[FloatArray, FloatArray]
    filters: tuple[Laid | None, Laid | None]


class Decision(NamedTuple):
    """Some rows with all their candidates.

    Attributes:
        search: the search.
        rows: near ones follow each other: what they share is then still in the cache.
        parts: where the candidates of each are.
        radii: of the rows, within which these are all.
    """

    search: Search
    rows: IntArray
    parts: Sequence[Candidates]
    radii: FloatArray


class Single(NamedTuple):
    """Rows without a certificate, by their numbers in the results."""

    search: Search
    numbers: IntArray


class Found(NamedTuple):
    """What a join gave.

    Attributes:
        candidates: of both sides.
        radii: of the same rows; every point within them is among the candidates.
        keys: numbers that are near each other for rows that are, of both sides of a stretch that was started.
        filter: of the stretch that was started, where it lies in a file.
    """

    candidates: tuple[Candidates, Candidates]
    radii: tuple[FloatArray, FloatArray]
    keys: tuple[IntArray, IntArray] | None = None
    filter: Laid | None = None


class Nearest(NamedTuple):
    """Distances (rows, k), indices (rows, k) in 32 bits, and which rows are proven."""

    distances: FloatArray
    indices: np.ndarray
    certified: np.ndarray


Task: TypeAlias = Start | Pair | Decision | Single


def choose(task: tuple[Chosen, int, str]) -> Choice:
    """The filter that suits these points and k neighbours best on this machine."""
    chosen, k, coarse = task
    own = opened(chosen)
    with Workers(1, 2 * join.BLOCK * join.BLOCK) as workers:
        frame = frame_of(own.points, own.places)
        scratch = Scratch(np.empty(0))
        return Choice(frame, *choose_filter(own.points, own.places, frame, scratch, workers, Wanted(k, k), coarse))


def perform(task: Task) -> Found | Nearest | Laid | None:
    """The answer to a task of a search; None for a decision whose candidates this process cannot read."""
    if isinstance(task, Start):
        return start(task)
    if isinstance(task, Pair):
        return collect(task)
    if isinstance(task, Single):
        return recomputed(task)
    nearest = decided(task)
    return nearest and (lay(task.search.folder, nearest) or nearest)


def start(task: Start) -> Found:
    """Radii of a stretch, and candidates of its rows and of the sample in each other and of the stretch in itself.

    Stretch 1 brings the candidates of the sample in itself, too.
    """
    search, own = task.search, opened(task.search.chosen)
    spans = (search.span(0), search.span(task.stretch))
    with _Tiles(search, [own.filter(search, number) for number in (0, task.stretch)]) as tiles:
        if tiles.is_readable:
            tiles.start(is_first=task.stretch == 1)
        found = tiles.found(spans, is_start=True)
    keys = tiles.keys[: tiles.edge], tiles.keys[tiles.edge :]
    return found._replace(keys=keys, filter=own.lay_filter(search, task.stretch))


def collect(pair: Pair) -> Found:
    """Candidates of the rows of two stretches in each other."""
    search, own = pair.search, opened(pair.search.chosen)
    spans, first = (pair.rows, search.span(pair.stretches[1])), search.span(pair.stretches[0])[0]
    here, there = (own.filter(search, number, made) for number, made in zip(pair.stretches, pair.filters, strict=True))
    with _Tiles(search, [cut(here, pair.rows[0] - first, pair.rows[1] - first), there]) as tiles:
        if tiles.is_readable:
            tiles.cross(pair.radii)
        return tiles.found(spans, is_start=False)


class _Tiles:
    """The lists of two sets of rows, numbered one after the other: rows 0 to `edge` are the first."""

    def __init__(self, search: Search, filters: Sequence[Filter]) -> None:
        self.search, self.filters, self.rows = search, filters, joined([part.rows for part in filters])
        self.edge, self.n = len(filters[0].rows.norms), len(self.rows.norms)
        self.is_readable = is_readable(self.rows)
        self.rank, self.room = search.rank(self.n), search.room(self.n)
        self.lists = _lists(self.n, self.room)
        self.seen, self.keys = np.zeros(self.n, np.int64), np.zeros(self.n, np.int64)
        self.workers = Workers(1, 2 * join.BLOCK * join.BLOCK)

    def __enter__(self) -> "_Tiles":
        self.workers.__enter__()
        if self.search.choice.coarse != "float32":
            self.workers.limit_torch()
        return self

    def __exit__(self, *problem: object) -> None:
        self.workers.__exit__()

    def start(self, is_first: bool) -> None:
        """The second set with the first, a random sample, and with itself; unless `is_first`, the first without itself."""
        sample, own = _blocks(0, self.edge), _blocks(self.edge, self.n)
        for part in (sample, own):
            for rows in part:
                self._sample(rows, sample[0])
            self._multiply([(rows, columns) for columns in sample[1:] for rows in part if rows >= columns])
            self._tighten(part)
            if part is sample and not is_first:
                self.lists.counts[: self.edge] = 0
        tiles = _round(own)
        for first, last in pairwise([0, len(tiles) // 2, len(tiles)]):  # two cuts or none took longer
            self._multiply(tiles[first:last])
            self._tighten(own)

    def cross(self, radii: tuple[FloatArray, FloatArray]) -> None:
        """Both sets with each other."""
        kernels.set_radii(0, self.edge, radii[0], self.lists, self.rows)
        kernels.set_radii(self.edge, self.n, radii[1], self.lists, self.rows)
        self._multiply([(rows, columns) for rows in _blocks(0, self.edge) for columns in _blocks(self.edge, self.n)])

    def found(self, spans: tuple[Span, Span], is_start: bool) -> Found:
        """What the lists hold of both sets, which are these rows of the search, in a file where the folder is seen."""
        if not self.is_readable:
            self.lists.radii[:] = -1.0
        first = listed(0, self.edge, 0 if is_start else self.edge, self.lists, self.rows)
        second = listed(self.edge, self.n, 0, self.lists, self.rows)
        columns = (spans, spans) if is_start else (spans[1:], spans[:1])
        halves: tuple[Listed | Laid, Listed | Laid] = (first, second)
        if laid := lay(self.search.folder, [*first, *second]):
            halves = laid._replace(forms=laid.forms[:3]), laid._replace(forms=laid.forms[3:])
        candidates = Candidates(spans[0], columns[0], halves[0]), Candidates(spans[1], columns[1], halves[1])
        return Found(candidates, (self.lists.radii[: self.edge], self.lists.radii[self.edge :]))

    def _sample(self, rows: Span, columns: Span) -> None:
        """First radii of a block of rows from a block of the sample, and what it holds within them.

        Keys are the nearest of a few rows of the sample, then the nearest of all in the block.
        """
        tile, n_others = self._tile(rows, columns), self.search.chosen.n - 1
        sides = self.rows, self.rows
        squares = set_sampled_radii(
            tile, rows[0], columns[0], rows == columns, self.search.k, n_others, self.lists, *sides, SURE
        )
        self.keys[slice(*rows)] = squares[:, :FEW].argmin(axis=1) * squares.shape[1] + squares.argmin(axis=1)
        self._collect(tile, rows, columns)

    def _multiply(self, tiles: Sequence[tuple[Span, Span]]) -> None:
        for rows, columns in tiles:
            self._collect(self._tile(rows, columns), rows, columns)

    def _tile(self, rows: Span, columns: Span) -> np.ndarray:
        (here, first, last), (there, begin, end) = map(self._place, (rows, columns))
        return here.tile(first, last, there, begin, end, self.workers.room())

    def _place(self, rows: Span) -> tuple[Filter, int, int]:
        """The filter that holds these rows, and where it does."""
        if rows[0] < self.edge:
            return self.filters[0], *rows
        return self.filters[1], rows[0] - self.edge, rows[1] - self.edge

    def _collect(self, tile: np.ndarray, rows: Span, columns: Span) -> None:
        same = rows == columns
        kernels.collect(tile, rows[0], columns[0], same, not same, self.rank, self.lists, self.rows, self.rows)
        self.seen[slice(*rows)] += tile.shape[1] - same
        if not same:
            self.seen[slice(*columns)] += tile.shape[0]

    def _tighten(self, blocks: Sequence[Span]) -> None:
        """Smaller radii, from the candidates among all rows that were met so far."""
        for first, last in blocks:
            want = self.search.rank(int(self.seen[first]))
            limit = self.room - max(0, self.room - want) // 4
            kernels.tighten_rows(first, last, want, limit, self.lists, self.rows, self.rows)


def _lists(n: int, room: int) -> Lists:
    members, far = reused("members", (n, room), np.int32), reused("far", (n, room), np.float32)
    return Lists(0, np.zeros(n, np.int32), members, far, np.full(n, np.inf), np.empty(n, np.float32))


def _blocks(start: int, stop: int) -> list[Span]:
    """Blocks of about equal heights, at most `join.BLOCK` each."""
    return even_spans(start, stop, max(1, ceil((stop - start) / join.BLOCK)))


def _round(blocks: Sequence[Span]) -> list[tuple[Span, Span]]:
    """All pairs of blocks, each with itself first, in an order in which all blocks meet equally many others at any time."""
    m = len(blocks)
    return [
        (blocks[place], blocks[(place + shift) % m])
        for shift in range(m // 2 + 1)
        for place in range(m // 2 if shift and 2 * shift == m else m)
    ]


def decided(task: Decision) -> Nearest | None:
    """The nearest neighbours of some rows, or None where their candidates cannot be read here."""
    search, own = task.search, opened(task.search.chosen)
    parts = [part.read() for part in task.parts]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    places, scale = own.places[task.rows], search.choice.frame.scale
    together = merged(task.rows, found)
    squares, indices, certified = decide(own.points, places, own.places, own.order, together, task.radii, scale, search.k)
    nearest = Nearest(np.sqrt(squares), indices.astype(np.int32), certified)
    left = np.flatnonzero(~certified)
    if 0 < len(left) <= TOGETHER:  # more are tasks of their own
        for column, again in zip(nearest, recomputed(Single(search, own.order[task.rows[left]])), strict=True):
            column[left] = again
    return nearest


def recomputed(task: Single) -> Nearest:
    """The nearest neighbours of some rows from all float64 distances."""
    search, own = task.search, opened(task.search.chosen)
    squares, indices = np.empty((len(task.numbers), search.k)), np.empty((len(task.numbers), search.k), np.int64)
    for line, number in enumerate(task.numbers):
        row = own.points[own.rows[number]].astype(np.float64)
        kernels.nearest_of_row(row, own.points, own.rows, number, squares[line], indices[line])
    return Nearest(np.sqrt(squares), indices.astype(np.int32), np.ones(len(squares), np.bool_))


def searched(task: tuple[Chosen, int]) -> tuple[IntArray, FloatArray]:
    """The whole search on this worker, for points that no filter takes."""
    chosen, k = task
    own = opened(chosen)
    stored = np.load(locate(chosen.file, copies_folder()), mmap_mode="r", allow_pickle=False)
    indices, distances, _ = search(stored, k, rows=own.rows)
    return indices, distances
