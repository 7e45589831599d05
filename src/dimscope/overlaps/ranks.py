"""The same overlap at several numbers of neighbours, read from one pair of tables."""

from collections.abc import Iterable, Sequence

from numpy.typing import ArrayLike

from dimscope.arrays import whole_number
from dimscope.errors import UsageError
from dimscope.estimates import Estimate
from dimscope.knn import as_neighbors
from dimscope.knn.base import Neighbors
from dimscope.overlaps.labels import label_overlap
from dimscope.overlaps.layers import overlap

RANKS = (1, 2, 5, 10, 20, 30)


def overlap_scaling(a: Neighbors | ArrayLike, b: Neighbors | ArrayLike, k: Sequence[int] = RANKS) -> list[Estimate]:
    """`overlap` at each number of neighbours in `k`, from one neighbour search.

    Overlaps at different k share their points and are not independent. Values of different k can be compared with each other
    only relative to their chance levels k / (n - 1).

    Raises:
        InputError, UsageError: as `overlap`.

    Examples:
        >>> import numpy as np
        >>> points = np.random.default_rng(0).random((100, 3))
        >>> [found.value for found in overlap_scaling(points, points, [1, 5])]
        [1.0, 1.0]
    """
    most = _largest(k)
    tables = as_neighbors(a, most), as_neighbors(b, most)
    return [overlap(*tables, rank) for rank in k]


def label_overlap_scaling(
    source: Neighbors | ArrayLike,
    labels: ArrayLike,
    k: Sequence[int] = RANKS,
    *,
    balanced: bool = False,
    exclude: ArrayLike | None = None,
) -> list[Estimate]:
    """`label_overlap` at each number of neighbours in `k`, from one neighbour search.

    Raises:
        InputError, UsageError: as `label_overlap`.
    """
    most = _largest(k)
    table = as_neighbors(source, most) if exclude is None or isinstance(source, Neighbors) else source
    return [label_overlap(table, labels, rank, balanced=balanced, exclude=exclude) for rank in k]


def _largest(k: Sequence[int]) -> int:
    if not isinstance(k, Iterable) or len(k) == 0 or min(whole_number(rank, "k") for rank in k) < 1:
        raise UsageError(f"k={k} was asked for; give one or more numbers of neighbours, each at least 1.")
    return max(k)
