"""Exact neighbours by the workers of an engine: the method of `dimscope.knn.on_tiles`, cut into tasks.

1. The rows, in the same random order on every worker, are cut into stretches of equal height. The first stretch is a random
   sample: joined with it, every row gets a radius that is likely to hold its k nearest neighbours.
2. Each other pair of stretches is one task. Its answer lists the pairs of rows that may lie within the radius of one of them,
   with a lower bound of their distance: 4 bytes each, about 300 of each row (n = 20 000, k = 100). The driver keeps them in a
   temporary file.
3. Each stretch with all its candidates is one task, which decides by float64 differences, ties by index.
4. Every point within the radius of a row is among its candidates. So a k-th distance of at most the radius is a proof; rows for
   which it fails are computed again from all distances.

The table is that of one machine, bit by bit, whatever the number of workers, the order of their answers, and what was done
twice: neighbours and distances depend on the points alone, where the processors are of one kind (others may sum squares in
another order).

Memory: of the driver the results, 12 n k bytes, and two answers per worker, at most 4 MB per thousand rows of a stretch; of a
worker the filters it keeps (512 MB), the lists of two stretches, and the pages of the file that it reads.
"""

import tempfile
from collections.abc import Iterator
from math import ceil, sqrt
from pathlib import Path
from typing import IO

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.engines.base import Engine
from dimscope.engines.shared import share
from dimscope.files import explained_disk_errors
from dimscope.knn.listed import HIGHEST, Listed
from dimscope.knn.parts import (
    Chosen,
    Decision,
    Nearest,
    Pair,
    Search,
    Single,
    choose,
    collect,
    decided,
    recomputed,
    searched,
)
from dimscope.knn.scratch import extreme_exponent

FEWEST_STRETCHES = 6
"""Of 5 to 10 measured at n = 20 000 with two workers, 5 and 6 were the quickest."""
PAIRS_PER_WORKER = 6
"""Tasks of pairs for each worker at least, so that all end at about the same time."""
TOGETHER = 64
"""Rows of one task that computes them from all distances."""


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
    chosen = Chosen(share(path), np.setdiff1d(np.arange(len(points)), taking), len(taking), seed)
    if extreme_exponent(points):
        ((_, (indices, distances)),) = engine.map(searched, [(chosen, k)])
        return indices, distances, np.empty((len(taking), 0))
    ((_, choice),) = engine.map(choose, [(chosen, k, coarse)])
    with _Spread(Search(chosen, k, stretch_height(len(taking), engine.n_workers), choice), engine) as spread:
        return (*spread.run(), np.empty((len(taking), 0)))


def stretch_height(n: int, n_workers: int) -> int:
    """Rows of a stretch: enough of them for all workers, and none longer than its rows can be numbered."""
    wanted = max(FEWEST_STRETCHES, ceil(n / HIGHEST), ceil(sqrt(2 * PAIRS_PER_WORKER * n_workers)))
    return max(1, ceil(n / wanted))


class _Spread:
    """One search under way."""

    def __init__(self, search: Search, engine: Engine) -> None:
        self.search, self.engine = search, engine
        self.n_stretches = ceil(search.chosen.n / search.height)
        self.radii = [np.full(np.subtract(*search.span(number)[::-1]), np.inf) for number in range(self.n_stretches)]
        self.spool = _Spool(self.n_stretches)

    def __enter__(self) -> "_Spread":
        return self

    def __exit__(self, *problem: object) -> None:
        self.spool.close()

    def run(self) -> tuple[IntArray, FloatArray]:
        """All stages."""
        self._collect([Pair(self.search, 0, 0, None, None)])
        self._collect([Pair(self.search, number, 0, None, self.radii[0]) for number in range(1, self.n_stretches)])
        self._collect([Pair(self.search, *pair, *(self.radii[number] for number in pair)) for pair in self._others()])
        return self._decide()

    def _others(self) -> Iterator[tuple[int, int]]:
        """Pairs without the sample; neighbours in this order share a stretch, and the short tasks come last."""
        numbers = range(1, self.n_stretches)
        yield from ((row, column) for row in numbers for column in numbers if row < column)
        yield from ((number, number) for number in numbers)

    def _collect(self, pairs: list[Pair]) -> None:
        for number, found in self.engine.map(collect, pairs):
            pair = pairs[number]
            self._note(pair.rows, pair.columns, found.row_radii, found.of_rows)
            if pair.rows != pair.columns:
                self._note(pair.columns, pair.rows, found.column_radii, found.of_columns)

    def _note(self, stretch: int, other: int, radii: FloatArray, candidates: Listed) -> None:
        self.radii[stretch] = np.minimum(self.radii[stretch], radii)
        self.spool.add(stretch, other, candidates)

    def _decide(self) -> tuple[IntArray, FloatArray]:
        n, k = self.search.chosen.n, self.search.k
        order = np.random.default_rng(self.search.chosen.seed).permutation(n)
        indices, distances, certified = np.empty((n, k), np.int64), np.empty((n, k)), np.zeros(n, np.bool_)

        def keep(numbers: IntArray, nearest: Nearest) -> None:
            distances[numbers], indices[numbers], certified[numbers] = nearest

        decisions = (
            Decision(self.search, number, self.spool.take(number), self.radii[number]) for number in range(self.n_stretches)
        )
        for number, nearest in self.engine.map(decided, decisions):
            keep(order[slice(*self.search.span(number))], nearest)
        left = np.flatnonzero(~certified)
        singles = [Single(self.search, left[start : start + TOGETHER]) for start in range(0, len(left), TOGETHER)]
        for number, nearest in self.engine.map(recomputed, singles):
            keep(singles[number].numbers, nearest)
        return indices, distances


class _Spool:
    """Candidates of each stretch in a temporary file."""

    def __init__(self, n_stretches: int) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="dimscope-")  # noqa: SIM115
        self._kept: list[list[tuple[int, int, tuple[int, int]]]] = [[] for _ in range(n_stretches)]

    def add(self, stretch: int, other: int, candidates: Listed) -> None:
        """Keep the candidates of a stretch in another one.

        Raises:
            StoreError: the disk is full.
        """
        with explained_disk_errors(Path(tempfile.gettempdir())):
            offset = self._file.seek(0, 2)
            for part in candidates:
                self._file.write(part.tobytes())
        self._kept[stretch].append((other, offset, (len(candidates.counts), len(candidates.members))))

    def take(self, stretch: int) -> list[tuple[int, Listed]]:
        """All candidates of a stretch, each part with the stretch they are from."""
        found = []
        for other, offset, (n, m) in sorted(self._kept[stretch]):
            self._file.seek(offset)
            numbers = np.frombuffer(self._file.read(2 * (n + 2 * m)), np.uint16)
            found.append((other, Listed(numbers[:n], numbers[n : n + m], numbers[n + m :])))
        return found

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
