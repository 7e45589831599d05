"""A search as one process sees it: the points, the rows in the order of the search, and coarse copies of some stretches."""

from collections import OrderedDict
from collections.abc import Sequence
from copy import copy
from math import ceil
from threading import RLock
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from dimscope.arrays import IntArray, Points
from dimscope.engines.shared import SharedFile, locate
from dimscope.engines.worker import copies_folder
from dimscope.knn.filters import PER_ROW, Filter, Frame, with_mix
from dimscope.knn.handover import Folder, Laid, lay, take
from dimscope.knn.join import sampled_rank
from dimscope.knn.on_tiles import FILTERS
from dimscope.knn.scratch import Scratch

Span: TypeAlias = tuple[int, int]
"""First and last (exclusive) row, in the order of a search."""
SURE = 3.8
"""Standard deviations by which a rank is raised: candidates are cheap, a row that fails costs n differences."""
CODES_BYTES = 512 << 20
"""Memory for coarse copies of stretches that a worker keeps for further tasks."""


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
        sample: rows of stretch 0, a random sample.
        height: rows of every other stretch; the last one may be shorter.
        choice: the filter.
        folder: where tasks may leave arrays for others.
    """

    chosen: Chosen
    k: int
    sample: int
    height: int
    choice: Choice
    folder: Folder

    @property
    def n_stretches(self) -> int:
        """Stretches, the sample among them."""
        return 1 + ceil((self.chosen.n - self.sample) / self.height)

    def span(self, stretch: int) -> Span:
        """First and last (exclusive) row of a stretch, in the order of the search."""
        start = self.sample + (stretch - 1) * self.height if stretch else 0
        return start, min(start + (self.height if stretch else self.sample), self.chosen.n)

    def room(self, seen: int) -> int:
        """Entries of the list of a row that meets so many random ones: its candidates, and as many again and more."""
        return min(seen, 3 * self.rank(seen) + self.k + 128)

    def rank(self, seen: int) -> int:
        """The rank among so many random rows whose distance is likely to hold the k nearest of all."""
        n_others = self.chosen.n - 1
        return sampled_rank(self.k, min(seen, n_others), n_others, SURE)


class Opened:
    """The points of a search as this process reads them, with the filters of some stretches.

    Attributes:
        points: shape (n_rows, d), float32 or float64.
        rows: rows of it that take part, ascending; results name a row by its place among them.
        order: the name of each row, in the order of the search.
        places: the row of `points` behind each row, in that order.
        filters: the coarse copies that are kept.
    """

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

    def filter(self, search: Search, stretch: int, made: Laid | None = None) -> Filter:
        """The filter of a stretch, kept while there is room; `made` by another task, where that can be read here."""
        start, stop = search.span(stretch)
        choice = search.choice
        key = (choice.coarse, choice.mix, choice.frame.scale, start, stop)
        with self.lock:
            if key not in self.filters:
                arrays = take(made) if made and stretch else None
                self.filters[key] = self._restored(search, stretch, arrays) if arrays else self._made(search, stretch)
            self.filters.move_to_end(key)
            while len(self.filters) > 3 and sum(kept.codes.nbytes for kept in self.filters.values()) > CODES_BYTES:
                self.filters.popitem(last=False)
            return self.filters[key]

    def lay_filter(self, search: Search, stretch: int) -> Laid | None:
        """The filter of a stretch for other processes, where it is smaller than the points from which they would make it."""
        found, (start, stop) = self.filter(search, stretch), search.span(stretch)
        if found.codes.nbytes >= (stop - start) * self.points.shape[1] * self.points.itemsize:
            return None
        return lay(search.folder, [found.codes, *(getattr(found.rows, name) for name in PER_ROW[:-1])])

    def _made(self, search: Search, stretch: int) -> Filter:
        span, choice = slice(*search.span(stretch)), search.choice
        kind, none = FILTERS[choice.coarse], Scratch(np.empty(0))
        made = kind(self.points, self.places[span], self.order[span], choice.frame, none, _one_by_one)
        made.rows = with_mix(made.rows, choice.mix)
        return made

    def _restored(self, search: Search, stretch: int, arrays: Sequence[np.ndarray]) -> Filter:
        found = copy(self.filter(search, 0))  # of the same kind
        found.codes = arrays[0]
        columns = [*arrays[1:], self.order[slice(*search.span(stretch))]]
        found.rows = found.rows._replace(**dict[str, Any](zip(PER_ROW, columns, strict=True)))
        return found


_open: dict[str, Opened] = {}
_lock = RLock()


def opened(chosen: Chosen) -> Opened:
    """The last search of this process, or another one in its place."""
    key = f"{chosen.file} {chosen.n} {chosen.seed} {hash(chosen.left_out.tobytes())}"
    with _lock:
        if key not in _open:
            made = Opened(chosen)
            for old in _open.values():
                old.scratch.__exit__()
            _open.clear()
            _open[key] = made
        return _open[key]


def _one_by_one(work: Any, items: Any) -> None:
    for item in items:
        work(item)
