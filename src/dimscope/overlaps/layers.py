"""Overlap of the neighbourhoods of the same examples in two representations."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import Points, as_points, whole_number
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn import as_neighbors, neighbors
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps.base import among, common_examples, first_members, refuse_other_examples, shared_counts
from dimscope.uncertainty import error_of_mean


class Overlap:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "mean shared fraction of two k-neighbour sets; chance k/(n-1)"
    source: ClassVar[str] = "Doimo, Glielmo, Ansuini, Laio 2020, arXiv 2007.03506"


def overlap(a: Neighbors | ArrayLike, b: Neighbors | ArrayLike, k: int = 30) -> Estimate:
    """Mean fraction of the k nearest neighbours that two representations of the same examples share.

    chi = (1/n) sum_i |N_k^a(i) and N_k^b(i) in common| / k, over the examples that are distinct in both tables; from 0 to
    1, chance k / (n - 1). The standard error allows for the correlation between neighbours (`uncertainty.error_of_mean`).
    Two sets of points are searched among those examples alone. In tables a neighbour that is not distinct in both is skipped
    and the next one moves up; examples whose stored lists are too short for that are dropped, and the status says so.

    Args:
        a: neighbour table or points of the first representation.
        b: the same examples, in the same order, in the second.
        k: neighbours compared.

    Returns:
        `Estimate` with `.n_used` examples, `.chance`, and one value per used example in `.local`.

    Raises:
        InputError: different numbers of examples.
        UsageError: k is no whole number, or a table holds fewer than k neighbours.

    Examples:
        >>> import numpy as np
        >>> points = np.random.default_rng(0).random((100, 3))
        >>> overlap(points, 2 * points + 1, k=10).value
        1.0
    """
    k = whole_number(k, "k")
    if isinstance(a, Neighbors) or isinstance(b, Neighbors):
        table_a, table_b = as_neighbors(a, k), as_neighbors(b, k)
    else:
        table_a, table_b = _search_common(as_points(a), as_points(b), k)
    table_a.require(k, "this overlap")
    table_b.require(k, "this overlap")
    common = common_examples(table_a, table_b)
    if len(common.rows) < k + 2:
        return no_estimate((k, k), len(common.rows), Status.TOO_FEW)
    near_a = first_members(table_a, common.rows_a, k)
    near_b = first_members(table_b, common.rows_b, k)
    points, in_a, in_b = np.intersect1d(near_a.points, near_b.points, assume_unique=True, return_indices=True)
    dropped = len(common.rows) - len(points)
    if len(points) < 2:
        return no_estimate((k, k), len(points), Status.TOO_FEW, dropped)
    local = shared_counts(near_a.neighbors[in_a], near_b.neighbors[in_b]) / k
    error = error_of_mean((local - local.mean()) / len(local), among(points, near_a.neighbors[in_a], len(common.rows)))
    status = Status.SHORT_LISTS if dropped else Status.OK
    chance = k / (len(common.rows) - 1)
    return Estimate(float(local.mean()), error, (k, k), len(points), dropped, status, chance=chance, local=local)


def _search_common(a: Points, b: Points, k: int) -> tuple[Neighbors, Neighbors]:
    """The tables of the examples that are distinct in both, so that no list falls short of k of them."""
    refuse_other_examples(len(a), len(b))
    rows = np.intersect1d(find_duplicates(a).rows, find_duplicates(b).rows)
    if k < len(rows) < len(a):
        a, b = a[rows], b[rows]
    return neighbors(a, k), neighbors(b, k)
