"""Exact neighbours for many points: a coarse product proposes, float64 differences decide, an inequality proves.

1. The rows are put in random order. Each row i gets a radius R_i that is likely to hold its k nearest neighbours, read off its
   distances to a random sample.
2. Every pair of blocks of rows is multiplied once, in a coarse copy (see `dimscope.knn.filters`). One pass over the tile finds
   the pairs that may lie within R_i (kept in the list of i) or R_j (kept in the list of j). With D the filter's distance,
   d_ij <= R_i implies D <= R_i + e_i + e_j, and (R_i + e_i + e_j)^2 <= (1 + mix)(R_i + e_i)^2 + (1 + 1/mix) e_j^2 splits
   the test into one number per row and one per column.
3. Radii only fall: a list that runs full, and every list now and then, is cut to a smaller radius.
4. The listed candidates are decided by float64 differences, ties by index.
5. Certificate: every point within R_i is in the list of i. If the k-th distance found is at most R_i, no neighbour can be
   missing. The rows for which this fails are computed again from all float64 distances.

The answer does not depend on the filter, the sample, the threads or their order; only the time does.
"""

from collections.abc import Mapping
from functools import lru_cache
from time import perf_counter
from typing import NamedTuple

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.knn import kernels
from dimscope.knn.centre import centre_of, scale_of
from dimscope.knn.filters import PADDING, Filter, Float32Filter, Frame, Rows, with_mix
from dimscope.knn.integers import Int8Filter, Int16Filter
from dimscope.knn.join import BLOCK, Join, Side, Table, deepest, groups, room_for, sampled_radii, squared_distances
from dimscope.knn.rounding import LARGEST_NORM
from dimscope.knn.scratch import Scratch, extreme_exponent
from dimscope.knn.workers import Workers

CENTRE_ROWS = 512
"""Rows from which centre and scale of the filter are read."""
PILOT_ROWS = 256
FEW_ROWS = 64
SLOWNESS_OF_FEW = 1.6
"""A float32 product of `FEW_ROWS` rows takes up to so many times as long per row as that of a tile (measured: 1.15 to 1.65)."""
CANDIDATE_SECONDS = 0.35e-9
"""Cost of one coordinate of one candidate in the decision (measured on two machines: 0.2 to 0.4 ns)."""
WIDEST = {"int8": 2**31 // 127**2, "int16": 2**30 // 127**2}
"""Columns up to which 32-bit sums of products of 8-bit integers cannot overflow."""
PAIR_PRODUCTS = 3
"""Products of 8-bit integers in one tile of pairs."""
FILTERS: Mapping[str, type[Filter]] = {"int8": Int8Filter, "int16": Int16Filter, "float32": Float32Filter}


class Wanted(NamedTuple):
    """What is asked of each row: k neighbours, and distances up to rank `deepest`."""

    k: int
    deepest: int


class Estimate(NamedTuple):
    """Seconds that a search is likely to take with a filter, its products alone, and the weight `mix` that suits its errors."""

    seconds: float
    product_seconds: float
    mix: float


def search(
    points: Points,
    k: int,
    *,
    rows: IntArray | None = None,
    ranks: tuple[int, ...] = (),
    threads: int | None = None,
    coarse: str = "auto",
    seed: int = 0,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The k nearest other points of every chosen row.

    Peak memory beyond the points, with L = `LIST_BYTES` (320 MB): the lists, at most max(L, 8 MB per 1024 neighbours); results,
    16 n k bytes; the filter, n d (int8), 3 n d (int16) or 4 n d (float32) bytes, in temporary files when the points are a
    memory map.

    Args:
        points: finite real numbers, shape (n_rows, d); a memory map is read in blocks.
        k: 1 to n - 1.
        rows: the chosen rows, ascending; default: all.
        ranks: ranks up to n - 1 at which the distance is wanted too, whatever k.
        threads: default: as many as this process may use.
        coarse: `int8`, `int16`, `float32`, or `auto`, which tries them on a sample.
        seed: of the random order; it cannot change the answer.

    Returns:
        Indices (n, k) int64, positions within `rows`; distances (n, k) float64, ascending, ties by index; distances at `ranks`.
    """
    places = np.arange(len(points), dtype=np.int64) if rows is None else rows
    n = len(places)
    order = np.random.default_rng(seed).permutation(n)
    wanted = np.array(sorted(ranks), dtype=np.int64)
    table = Table(np.empty((n, k)), np.empty((n, k), np.int64), np.empty((n, len(wanted))), np.zeros(n, np.bool_))
    with Scratch(points) as scratch, Workers(threads, 2 * BLOCK * BLOCK) as workers:
        exponent = extreme_exponent(points)
        readable = scratch.searchable(points, exponent)
        frame = frame_of(readable, places[order])
        side = _side(readable, places[order], order, frame, scratch, workers, Wanted(k, deepest(table, wanted)), coarse)
        if is_readable(side.rows):
            for base, stop in groups(n, room_for(deepest(table, wanted), n)):
                Join(side, side, table, wanted, base, stop, workers).run()
        _recompute(readable, places, readable, places, table, wanted, workers, is_self=True)
    back = [ranks.index(rank) for rank in wanted]
    at_ranks = np.empty_like(table.at_ranks)
    at_ranks[:, back] = table.at_ranks
    return table.indices, _lengths(table.distances, exponent), _lengths(at_ranks, exponent)


def search_between(
    queries: Points,
    base: Points,
    k: int,
    *,
    query_rows: IntArray | None = None,
    base_rows: IntArray | None = None,
    threads: int | None = None,
    coarse: str = "auto",
    seed: int = 0,
) -> tuple[IntArray, FloatArray]:
    """The k rows of `base` nearest to every row of `queries`; equal rows count, at distance 0.

    Args:
        queries: shape (n_queries, d).
        base: shape (n_base, d).
        k: 1 to n_base.
        query_rows, base_rows: the chosen rows; default: all.
        threads, coarse, seed: as in `search`.

    Returns:
        Indices (n_queries, k) int64, positions within `base_rows`; distances (n_queries, k) float64.
    """
    asked = np.arange(len(queries), dtype=np.int64) if query_rows is None else query_rows
    places = np.arange(len(base), dtype=np.int64) if base_rows is None else base_rows
    order = np.random.default_rng(seed).permutation(len(places))
    n, none = len(asked), np.empty(0, np.int64)
    table = Table(np.empty((n, k)), np.empty((n, k), np.int64), np.empty((n, 0)), np.zeros(n, np.bool_))
    with Scratch(base) as scratch, Workers(threads, 2 * BLOCK * BLOCK) as workers:
        exponent = extreme_exponent(queries, base)
        here, there = (scratch.searchable(points, exponent) for points in (queries, base))
        frame = frame_of(there, places[order])
        columns = _side(there, places[order], order, frame, scratch, workers, Wanted(k, k), coarse)
        copy = type(columns.coarse)(here, asked, np.arange(n), frame, scratch, workers.each)
        rows = Side(here, asked, copy, with_mix(copy.rows, columns.rows.mix))
        if is_readable(columns.rows) and is_readable(rows.rows):
            for first, stop in groups(n, room_for(k, len(places))):
                Join(rows, columns, table, none, first, stop, workers).run()
        _recompute(here, asked, there, places, table, none, workers, is_self=False)
    return table.indices, _lengths(table.distances, exponent)


def frame_of(points: Points, places: IntArray) -> Frame:
    """Centre and scale from some rows (in random order): the median centred norm becomes about 1."""
    sample = np.asarray(points[np.sort(places[:CENTRE_ROWS])], dtype=np.float64)
    mean, norms = centre_of(sample)
    scale = scale_of(norms)
    signs = np.random.default_rng(len(mean)).choice(np.array([-1.0, 1.0]), -(-points.shape[1] // PADDING) * PADDING)
    return Frame(scale, mean * scale, signs)


def _side(
    points: Points, places: IntArray, labels: IntArray, frame: Frame, scratch: Scratch, workers: Workers, wanted: Wanted,
    coarse: str,
) -> Side:  # fmt: skip
    """The side with its filter."""
    chosen, mix = choose_filter(points, places, frame, scratch, workers, wanted, coarse)
    filled = FILTERS[chosen](points, places, labels, frame, scratch, workers.each)
    return Side(points, places, filled, with_mix(filled.rows, mix))


def choose_filter(
    points: Points, places: IntArray, frame: Frame, scratch: Scratch, workers: Workers, wanted: Wanted, coarse: str
) -> tuple[str, float]:
    """Name and mix of the filter; `auto` chooses by an estimate of the time that each would take (places in random order)."""
    names = [coarse] if coarse != "auto" else ["float32"]
    if coarse == "auto" and len(places) > 2 * BLOCK and _has_integers():
        names = [name for name in ("int8", "int16") if len(frame.signs) <= WIDEST[name]] + names
    if names != ["float32"]:
        workers.limit_torch()
    estimates: dict[str, Estimate] = {}
    for name in names:
        if not estimates or _least_seconds(name, estimates, len(places), points.shape[1], wanted.k) < _best(estimates).seconds:
            estimates[name] = _estimate(FILTERS[name], points, places, frame, scratch, workers, wanted)
    best = _best(estimates)
    return next(name for name in estimates if estimates[name] is best), best.mix


def _best(estimates: Mapping[str, Estimate]) -> Estimate:
    return min(estimates.values(), key=lambda one: one.seconds)


def _estimate(
    kind: type[Filter], points: Points, places: IntArray, frame: Frame, scratch: Scratch, workers: Workers, wanted: Wanted
) -> Estimate:
    """The product of a few random rows is timed, and the candidates are counted that the filter would leave to decide."""
    n, height, last = len(places), min(PILOT_ROWS, BLOCK, len(places)), min(BLOCK, len(places))
    pilot = kind(points, places[:last], places[:last], frame, scratch, workers.each)
    times = []
    for _ in range(2):
        started = perf_counter()
        tile = pilot.tile(0, height, pilot, 0, last, workers.room())
        times.append(perf_counter() - started)
    squares = squared_distances(tile, pilot.rows, pilot.rows, 0, 0)
    np.fill_diagonal(squares, np.inf)
    radii = sampled_radii(squares, wanted.deepest, last - 1, n - 1)[:, None]
    typical, radius = float(np.median(pilot.rows.errors)), float(np.median(radii))
    if not np.isfinite(typical):
        return Estimate(np.inf, min(times), 1.0)
    error = 2 * typical + (pilot.rows.blur * float(np.median(pilot.rows.norms)) / radius if radius > 0 else 0.0)
    distances = np.sqrt(np.maximum(squares, 0))
    within = max(1e-9, float((distances <= radii).mean()))
    decided = wanted.k * float((distances <= radii + error).mean()) / within
    if wanted.deepest > wanted.k:  # a window of two half-widths on both sides of every rank; the ranks add up to twice the last
        window = float(((distances > radii - 2 * error) & (distances <= radii + 2 * error)).mean())
        decided += 2 * wanted.deepest * window / within
    product_seconds = min(times) * n / height * n / last / 2
    decision_seconds = n * min(decided, 2.0 * room_for(wanted.deepest, n)) * points.shape[1] * CANDIDATE_SECONDS
    mix = max(typical / (radius + typical) if np.isfinite(radius) else 0.0, 1e-7)
    return Estimate(product_seconds + decision_seconds, product_seconds, mix)


def _least_seconds(name: str, estimates: Mapping[str, Estimate], n: int, d: int, k: int) -> float:
    """Seconds that the products and k decisions per row would take with a further filter, before it is tried."""
    decisions = n * k * d * CANDIDATE_SECONDS
    if name == "int16":
        return PAIR_PRODUCTS * estimates["int8"].product_seconds + decisions
    return _float32_seconds(d) * n * n / 2 + decisions


@lru_cache
def _float32_seconds(d: int) -> float:
    """Seconds per product of two float32 rows in a large product, from a small one; no more than they take."""
    rows, columns, times = np.ones((FEW_ROWS, d), np.float32), np.ones((BLOCK, d), np.float32), []
    for _ in range(2):
        started = perf_counter()
        rows @ columns.T
        times.append(perf_counter() - started)
    return min(times) / SLOWNESS_OF_FEW / (FEW_ROWS * BLOCK)


def _has_integers() -> bool:
    """True when torch has an integer product that gives the right answer here."""
    try:
        import torch

        rows = np.random.default_rng(0).choice(np.array([-127, 127], np.int8), (32, 64))
        rows[:2] = [[-127], [127]]  # sums of products that 16 bits cannot hold, as some processors add them
        product = torch._int_mm(torch.from_numpy(rows), torch.from_numpy(rows).t()).numpy()
        return np.array_equal(product, rows.astype(np.int64) @ rows.T.astype(np.int64))
    except (ImportError, AttributeError, RuntimeError):
        return False


def is_readable(rows: Rows) -> bool:
    """False when a row lies so far out that not even float64 holds its square."""
    return bool((rows.norms <= LARGEST_NORM**2).all() and np.isfinite(rows.errors).all())


def _lengths(squares: FloatArray, exponent: int) -> FloatArray:
    """The roots of the squares times 2^exponent, in their place."""
    np.sqrt(squares, out=squares)
    return np.ldexp(squares, exponent, out=squares)


def _recompute(
    points: Points, places: IntArray, others: Points, other_places: IntArray, table: Table, ranks: IntArray, workers: Workers,
    *, is_self: bool,
) -> None:  # fmt: skip
    """Rows without a certificate, from all float64 distances."""
    depth, k = deepest(table, ranks), table.distances.shape[1]

    def work(name: int) -> None:
        squares, indices = np.empty(depth), np.empty(depth, np.int64)
        row = points[places[name]].astype(np.float64)
        kernels.nearest_of_row(row, others, other_places, name if is_self else -1, squares, indices)
        table.distances[name], table.indices[name] = squares[:k], indices[:k]
        table.at_ranks[name] = squares[ranks - 1]

    workers.each(work, np.flatnonzero(~table.certified))
