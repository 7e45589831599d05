"""Exact nearest neighbours of points in one layer."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import DuplicatePolicy, FloatArray, IntArray, Points, as_points, spacing, stored_dtype, whole_number
from dimscope.errors import InputError, UsageError, first_of, unknown_name
from dimscope.knn.base import Backend, Duplicates, Neighbors, SampledLists
from dimscope.knn.duplicates import find_duplicates, with_near_duplicates
from dimscope.knn.scratch import Scratch
from dimscope.registry import Registry

BACKENDS = Registry(
    "neighbour backend",
    {
        "blas": "dimscope.knn.on_blas:search",
        "tiles": "dimscope.knn.on_tiles:search",
        "cuda": "dimscope.knn.on_torch:search",
    },
    "dimscope list backends",
)
METRICS = ("euclidean", "cosine", "inner_product")
SAMPLED_LISTS = 1000
"""Points whose whole lists are kept where only distances at ranks were asked for (16 MB for rank 1024)."""
FEW_POINTS = 4096
"""Up to this many points nothing is compiled: the first call of a process stays quick."""


def neighbors(
    points: ArrayLike,
    k: int = 100,
    *,
    metric: str = "euclidean",
    duplicates: DuplicatePolicy = "merge",
    device: str = "auto",
    ranks: Sequence[int] = (),
) -> Neighbors:
    """The k nearest other points of every point, exact.

    Distances are float64 differences of the points as given; a lower precision is used only to propose candidates, and each
    row carries a proof that none was missed (see `dimscope.knn.on_tiles`). Equal distances are ordered by index.

    Args:
        points: shape (n_rows, d), any real dtype, a memory map or a torch tensor (bfloat16 too).
        k: neighbours per point, 1 to n - 1, self never counted.
        metric: `euclidean`; `cosine`, 1 - cos, computed as half the squared distance of the normalised rows; `inner_product`,
            ordered by the largest product, with the negative product in `.distances`.
        duplicates: `merge` keeps one row per distinct point in the order of first appearance, with `.duplicates` as the map;
            `keep` treats equal rows as neighbours at distance 0.
        device: `auto` (a CUDA device when PyTorch sees one and the points are many), `cpu`, `cuda`, `cuda:1`, ...
        ranks: ranks, up to n - 1, whose distances are wanted beyond k; read with `.at_rank(rank)`. The whole lists of 1000
            random points come along as `.sample`, from which errors at these ranks are computed.

    Returns:
        `Neighbors` with n = number of distinct points (`merge`) or of rows (`keep`).

    Raises:
        InputError: wrong shape, NaN or Inf, all points equal, fewer than k + 1 points, or with `cosine` a row of zeros.
        UsageError: unknown metric, policy or device, or a k or rank that is no whole number.

    Examples:
        >>> import numpy as np
        >>> neighbors(np.array([[0.0], [1.0], [3.0]]), k=2).distances
        array([[1., 3.],
               [1., 2.],
               [2., 3.]])
    """
    array, stored = as_points(points), stored_dtype(points)
    if not isinstance(ranks, Iterable):
        raise UsageError(f"ranks={ranks!r} was asked for; give one or more, as in ranks=[{ranks!r}].")
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    found = find_duplicates(array, duplicates)
    return search_distinct(array, k, found, metric=metric, device=str(device), ranks=ranks, stored=stored)


def search_distinct(
    array: Points,
    k: int,
    found: Duplicates,
    *,
    metric: str = "euclidean",
    device: str = "auto",
    ranks: Sequence[int] = (),
    stored: str = "",
    tiles: Backend | None = None,
) -> Neighbors:
    """The table of `array` whose equal rows are already known as `found`.

    Args:
        array, k, metric, device, ranks: as in `neighbors`.
        found: the equal rows.
        stored: the dtype in which the points were stored; default: that of the array.
        tiles: takes the place of the backend of this name for Euclidean distances, with the same answers (as
            `dimscope.knn.spread` does).

    Raises:
        InputError: one point, all points equal, fewer than k + 1 points, or with `cosine` a row of zeros.
        UsageError: k or a rank is no whole number, or the device is not there.
    """
    if found.n_rows == 1:
        raise InputError("1 point was given; a nearest neighbour needs at least 2.")
    if found.n_unique == 1:
        raise InputError(f"all {found.n_rows} points are equal: there is no nearest neighbour to measure.")
    k = _allowed_k(k, found)
    wanted = tuple(sorted({_allowed_k(rank, found, "rank") for rank in ranks}))
    stored = stored or str(array.dtype)
    backend, options = _choose_backend(found, metric, device)
    with Scratch(array) as scratch:
        searched = _normalized(array, found, scratch) if metric == "cosine" else array
        search = tiles if tiles is not None and backend == "tiles" and metric == "euclidean" else BACKENDS.load(backend)
        indices, distances, far = search(searched, k, rows=found.rows, ranks=wanted, **options)
        sample = _sample_lists(searched, found, k, wanted) if metric != "inner_product" else None
    if metric == "cosine":
        distances, far = distances**2 / 2, far**2 / 2
        sample = replace(sample, distances=sample.distances**2 / 2) if sample else None
    if metric == "euclidean":
        found = with_near_duplicates(found, array, distances[:, 0], spacing(stored))
    return Neighbors(indices, distances, found, metric, stored, backend, dict(zip(wanted, far.T, strict=True)), sample)


def _sample_lists(points: Points, found: Duplicates, k: int, ranks: Sequence[int]) -> SampledLists | None:
    """The whole lists of a few points when a rank beyond k was asked for."""
    depth = max(ranks, default=0)
    if depth <= k:
        return None
    n = len(found.rows)
    chosen = np.sort(np.random.default_rng(0).permutation(n)[:SAMPLED_LISTS])
    if n <= FEW_POINTS:
        indices, distances, _ = BACKENDS.load("blas")(points, depth, rows=found.rows, asked=chosen)
        return SampledLists(chosen, indices, distances)
    from dimscope.knn.subsets import search_rows

    return SampledLists(chosen, *search_rows(points, found.rows, chosen, depth))


def _choose_backend(found: Duplicates, metric: str, device: str) -> tuple[str, dict[str, Any]]:
    if device not in ("auto", "cpu") and not device.startswith("cuda"):
        raise UsageError(f'device "{device}" was asked for; neighbours are computed on: auto, cpu, cuda, cuda:0, ...')
    if metric == "inner_product":
        if device.startswith("cuda"):
            raise UsageError(f'device "{device}" was asked for; inner products are computed on: auto, cpu.')
        return "blas", {"inner": True}
    is_small = len(found.rows) <= FEW_POINTS
    if device == "cpu" or (device == "auto" and (is_small or not _has_cuda())):
        return ("blas" if is_small else "tiles"), {}
    return "cuda", {"device": "cuda" if device == "auto" else device}


def _has_cuda() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


def _normalized(array: Points, found: Duplicates, scratch: Scratch) -> Points:
    zero = np.flatnonzero(~array.any(axis=1))
    if len(zero):
        raise InputError(
            f"{len(zero)} of {found.n_rows} rows are all zero (rows {first_of(zero)}); they have no cosine with others."
        )
    return scratch.normalized(array)


def neighbors_between(queries: ArrayLike, base: ArrayLike, k: int = 1) -> tuple[IntArray, FloatArray]:
    """The k points of `base` nearest to each query, exact, by Euclidean distance; ties by index, equal points at distance 0.

    Args:
        queries: shape (n_queries, d).
        base: shape (n_base, d).
        k: 1 to n_base.

    Returns:
        Indices (n_queries, k) int64 into `base`, and distances (n_queries, k) float64, ascending.

    Raises:
        InputError: points that cannot be read, different widths, or k out of range.
        UsageError: k is no whole number.

    Examples:
        >>> import numpy as np
        >>> neighbors_between(np.array([[0.9]]), np.array([[0.0], [1.0], [3.0]]), k=2)[0]
        array([[1, 0]])
    """
    asked, given = as_points(queries), as_points(base)
    if asked.shape[1] != given.shape[1]:
        raise InputError(f"queries have {asked.shape[1]} features, the base has {given.shape[1]}; they must be the same.")
    k = whole_number(k, "k")
    if not 1 <= k <= len(given):
        raise InputError(f"k={k} neighbours were asked for, the base has {len(given)} points; k may be 1 to {len(given)}.")
    from dimscope.knn.on_tiles import search_between

    return search_between(asked, given, k)


def subset_neighbors(table: Neighbors, points: ArrayLike, rows: ArrayLike, k: int) -> Neighbors:
    """The table that `neighbors(points[rows], k)` gives, read off the table of all points as far as it proves enough.

    A point keeps those of its stored neighbours that are in the subset; where k of them are, they are the answer. Only the
    other points are searched again, among the subset. With a share p kept, about a Binomial(table.k, p) number of neighbours
    stays; for p >= 8 k / table.k nearly every point is answered by the table.

    Args:
        table: Euclidean, over `points`.
        points: all input rows, shape (n_rows, d).
        rows: the input rows of the subset, ascending; each must have a row of its own in the table (see `Duplicates.rows`).
        k: neighbours per point, 1 to len(rows) - 1.

    Raises:
        InputError: rows that are no whole numbers, repeat another one, are out of order, or too few.
        UsageError: a table of another metric.
    """
    from dimscope.knn.subsets import search_subset

    chosen = np.asarray(rows)
    if chosen.dtype.kind not in "iu":
        raise InputError(f"the rows of a subset are numbers of input rows, found dtype {chosen.dtype}.")
    return search_subset(table, as_points(points), chosen.astype(np.int64), whole_number(k, "k"))


def _allowed_k(k: int, found: Duplicates, what: str = "k") -> int:
    k = whole_number(k, what)
    n = len(found.rows)
    if not 1 <= k <= n - 1:
        n_merged = found.n_rows - n
        merged = f"distinct points were found ({n_merged} of {found.n_rows} rows repeat another)"
        points = merged if n_merged else "points were found"
        raise InputError(f"{what}={k} neighbours were asked for, {n} {points}; {what} may be 1 to {n - 1}.")
    return k


def as_neighbors(source: "Neighbors | ArrayLike", k: int) -> Neighbors:
    """The table itself, or the table of these points with k neighbours (more than n - 1 is an error, never cut silently)."""
    if isinstance(source, Neighbors):
        return source
    return neighbors(source, k)


def keep_nearest(table: Neighbors, k: int) -> Neighbors:
    """The same table with only the k nearest neighbours of each point."""
    table.require(k, "a smaller table")
    return replace(table, indices=table.indices[:, :k], distances=table.distances[:, :k], _validated=True)


__all__ = [
    "BACKENDS", "METRICS", "Duplicates", "Neighbors", "as_neighbors", "keep_nearest", "neighbors", "neighbors_between",
    "subset_neighbors",
]  # fmt: skip
