"""Exact neighbours by the workers of an engine: the method of `dimscope.knn.on_tiles`, cut into tasks.

1. The rows, in the same random order on every worker, are cut into stretches. Stretch 0 is a random sample; the others are of
   equal height. Each of them is one task: joined with the sample its rows get a radius that is likely to hold their k nearest
   neighbours, joined with itself a smaller one. (Every such task finds the radii of the sample from the sample.)
2. Each pair of stretches, or a piece of it, is one task, given out as soon as both have their radii. All these tasks list the
   pairs of rows that may lie within the radius of one of them, with a lower bound of their distance: 4 bytes each, about 120 of
   each row (n = 20 000, k = 50).
3. When all are answered, the rows are put in an order that keeps near ones together, and pieces of it are one task each, which
   decides by float64 differences, ties by index.
4. Every point within the radius of a row is among its candidates. So a k-th distance of at most the radius is a proof; rows for
   which it fails are computed again from all distances.

Candidates and coarse copies lie in a folder of the driver where workers see it (see `dimscope.knn.handover`); elsewhere
candidates pass through the driver, and each worker makes the copies that it needs.

The table is that of one machine, bit by bit, whatever the number of workers, the order of their answers, and what was done
twice: neighbours and distances depend on the points alone, where the processors are of one kind (others may sum squares in
another order).

Memory: of the driver the results, 12 n k bytes, and the answers under way, at most 4 MB per thousand rows of a stretch for each
thread of a worker where they pass through it; of a worker the filters it keeps (512 MB), the lists of two stretches, and the
pages of the file that it reads. Folder: 4 bytes for each candidate, coarse copies that are smaller than the points, at most
3 n d bytes, and decided rows until the driver has read them.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from math import ceil, sqrt
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points, even_spans
from dimscope.engines.base import Engine
from dimscope.engines.shared import share
from dimscope.errors import StoreError
from dimscope.knn.handover import Laid, close_folder, keep, open_folder, take
from dimscope.knn.listed import HIGHEST, Candidates, Listed
from dimscope.knn.opened import Chosen, Search, Span
from dimscope.knn.parts import TOGETHER, Decision, Found, Nearest, Pair, Single, Start, Task, choose, perform, searched
from dimscope.knn.scratch import extreme_exponent

Read = TypeVar("Read")

SAMPLE = 2048
"""Rows of the sample, unless all stretches are shorter."""
SAMPLED_NEIGHBORS = 5
"""Neighbours of a row that the sample holds on average: it is larger for many points, but no larger than other stretches."""
SHORTEST = 2048
"""Rows of a stretch, unless each worker has one that is longer."""
STRETCH_BYTES = 128 << 20
"""Largest float32 filter of a stretch."""
ENOUGH = 3
"""Tasks of pairs for each worker, from which on it does not matter that some have one more."""
REGION = 32_768
"""Rows among which those of a decision are chosen: it reads the candidates of all of them."""
DECIDED_TOGETHER = 8192
"""Most rows decided by one task."""
GONE = "a temporary file of the search is gone although it is needed; set TMPDIR to a folder that nobody cleans up meanwhile."


def search(
    points: Points,
    k: int,
    *,
    path: Path,
    engine: Engine,
    rows: IntArray | None = None,
    ranks: tuple[int, ...] = (),
    coarse: str = "auto",
    seed: int = 0,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The k nearest other points of every chosen row.

    Args:
        points: what the file holds, shape (n_rows, d), finite.
        k: 1 to n - 1.
        path: the .npy file; workers read it there, or get a copy.
        engine: what does the work.
        rows, coarse, seed: as in `dimscope.knn.on_tiles.search`.
        ranks: none; distances beyond the table are for a search on one machine.

    Returns:
        As `dimscope.knn.on_tiles.search`.
    """
    assert not ranks, "distances at ranks are not searched by workers"
    taking = np.arange(len(points)) if rows is None else rows
    chosen = Chosen(share(path), np.delete(np.arange(len(points)), taking), len(taking), seed)
    if extreme_exponent(points):
        ((_, (indices, distances)),) = engine.map(searched, [(chosen, k)])
        return indices, distances, np.empty((len(taking), 0))
    ((_, choice),) = engine.map(choose, [(chosen, k, coarse)])
    folder, n_workers = open_folder(), engine.n_workers
    try:
        sample, height = cut_of(len(taking), points.shape[1], k, n_workers)
        spread = _Spread(Search(chosen, k, sample, height, choice, folder), engine, n_workers)
        return (*spread.run(), np.empty((len(taking), 0)))
    finally:
        close_folder(folder)


def cut_of(n: int, d: int, k: int, n_workers: int) -> tuple[int, int]:
    """Rows of the sample and of every other stretch: one or several for each worker, none too short or too long.

    With very many workers there are fewer stretches, about eight pairs for each: the driver gives out a hundred tasks a second.
    """
    most = min(HIGHEST // 2, max(1, STRETCH_BYTES // (4 * d)))
    wanted = max(min(n_workers, ceil(n / SHORTEST), ceil(4 * sqrt(n_workers))), ceil(n / most))
    even = n_workers * ceil(wanted / n_workers)
    wanted = even if wanted > n_workers and 3 * even <= 4 * wanted else wanted
    sample = min(max(SAMPLE, ceil(SAMPLED_NEIGHBORS * n / k)), ceil(n / (wanted + 1)))
    return sample, max(1, ceil((n - sample) / wanted))


def pieces_of(n_pairs: int, n_workers: int) -> int:
    """Pieces into which each pair of stretches is cut, so that all workers get as many, or it matters little."""
    pieces = 1
    while n_pairs * pieces % n_workers and n_pairs * pieces < ENOUGH * n_workers:
        pieces += 1
    return pieces


def regions_of(n: int, n_workers: int) -> tuple[list[Span], int]:
    """Spans of rows that are decided together, and the tasks in which each is: two or more for each worker."""
    regions = even_spans(0, n, ceil(n / REGION))
    return regions, ceil(max(2 * n_workers, n / DECIDED_TOGETHER) / len(regions))


class _Spread:
    """One search under way.

    Attributes:
        radii: of each row, in the order of the search, the least that any task gave.
        keys: of each row, in that order; near rows have keys that are near.
        found: the candidates of all rows, as far as they are known.
        filters: of each stretch whose rows have their radii, where a worker left its filter.
        n_joined: tasks that were answered, decisions not counted.
        is_shared: True as long as all workers read and write the folder.
    """

    def __init__(self, search: Search, engine: Engine, n_workers: int) -> None:
        n, k = search.chosen.n, search.k
        self.search, self.engine, self.n_workers = search, engine, n_workers
        self.radii, self.keys = np.full(n, np.inf), np.zeros(n, np.int64)
        self.found = list[Candidates]()
        self.filters: dict[int, Laid | None] = {}
        self.n_joined = 0
        self.is_shared = True
        self.order = np.random.default_rng(search.chosen.seed).permutation(n)
        self.nearest = Nearest(np.empty((n, k)), np.empty((n, k), np.int64), np.zeros(n, np.bool_))

    def run(self) -> tuple[IntArray, FloatArray]:
        """All tasks; what a worker could not read, and rows without a proof, are done in further rounds."""
        unread = self._perform(self._tasks())
        if unread:
            self._perform(self._decision(task.rows) for task in unread if isinstance(task, Decision))
        left = np.flatnonzero(~self.nearest.certified)
        if len(left):
            self._perform(Single(self.search, left[start : start + TOGETHER]) for start in range(0, len(left), TOGETHER))
        return self.nearest.indices, self.nearest.distances

    def _tasks(self) -> Iterator[Task | None]:
        """Stretches, pairs, decisions; None where the next one needs answers that are still to come."""
        stretches = range(1, self.search.n_stretches)
        yield from (Start(self.search, number) for number in stretches)
        pairs = list(combinations(stretches, 2))
        pieces = pieces_of(len(pairs), self.n_workers)
        joins = [(pair, rows) for pair in pairs for rows in even_spans(*self.search.span(pair[0]), pieces)]
        for pair, rows in joins:
            while any(number not in self.filters for number in pair):
                yield None
            yield self._pair(pair, rows)
        while self.n_joined < len(stretches) + len(joins):
            yield None
        yield from map(self._decision, self._groups())

    def _groups(self) -> Iterator[IntArray]:
        """The rows of each decision, about as many for each worker; near ones follow each other."""
        regions, pieces = regions_of(self.search.chosen.n, self.n_workers)
        for first, last in regions:
            order = first + np.argsort(self.keys[first:last], kind="stable")
            yield from (order[slice(*cut)] for cut in even_spans(0, last - first, pieces))

    def _pair(self, pair: tuple[int, int], rows: Span) -> Pair:
        radii = (self.radii[slice(*rows)], self.radii[slice(*self.search.span(pair[1]))])
        return Pair(self.search, pair, rows, radii, (self.filters[pair[0]], self.filters[pair[1]]))

    def _decision(self, rows: IntArray) -> Decision:
        first, last = int(rows.min()), int(rows.max())
        parts = [part for part in self.found if part.rows and part.rows[0] <= last and part.rows[1] > first]
        if not self.is_shared:
            parts = [_there(part.read()).of(rows) for part in parts]
        return Decision(self.search, rows, parts, self.radii[rows])

    def _perform(self, tasks: Iterable[Task | None]) -> list[Task]:
        """Give out the tasks and note their answers; returns those without one."""
        given, unread = dict[int, Task](), list[Task]()

        def noted() -> Iterator[Task | None]:
            number = 0
            for task in tasks:
                if task is not None:
                    given[number] = task
                    number += 1
                yield task

        work: Callable[[Any], Found | Nearest | Laid | None] = perform
        for number, answer in self.engine.map(work, noted()):
            task = given.pop(number)
            if answer is None:
                self.is_shared = False
                unread.append(task)
            elif isinstance(answer, Found):
                self._note(task, answer)
            else:
                self._write(task, answer)
        return unread

    def _write(self, task: Task, answer: Nearest | Laid) -> None:
        assert not isinstance(task, Start | Pair)
        numbers = self.order[task.rows] if isinstance(task, Decision) else task.numbers
        for column, found in zip(self.nearest, _taken(answer) if isinstance(answer, Laid) else answer, strict=True):
            column[numbers] = found

    def _note(self, task: Task, answer: Found) -> None:
        """Candidates that came in an answer go into the folder."""
        for part, radii in zip(answer.candidates, answer.radii, strict=True):
            assert part.rows is not None
            rows = slice(*part.rows)
            self.radii[rows] = np.minimum(self.radii[rows], radii)
            if isinstance(part.lists, Listed):
                self.is_shared = False
                part = part._replace(lists=keep(self.search.folder, part.lists))
            self.found.append(part)
        if isinstance(task, Start):
            assert answer.keys is not None
            self.filters[task.stretch] = answer.filter
            for span, keys in zip((self.search.span(0), self.search.span(task.stretch)), answer.keys, strict=True):
                self.keys[slice(*span)] = keys
        self.n_joined += 1


def _taken(laid: Laid) -> list[np.ndarray]:
    """What a worker laid down for this process."""
    found = _there(take(laid))
    Path(laid.path).unlink(missing_ok=True)
    return found


def _there(found: Read | None) -> Read:
    """What was read from a file of the folder, which this process made and must find."""
    if found is None:
        raise StoreError(GONE)
    return found
