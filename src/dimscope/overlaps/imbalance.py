"""Information imbalance: how well neighbours in one representation predict neighbours in another, with direction."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, IntArray, Points, as_points, whole_number
from dimscope.errors import InputError
from dimscope.estimates import Estimate, Status, no_estimate
from dimscope.knn import neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.uncertainty import error_of_mean

BLOCK_ENTRIES = 4_000_000
"""Entries of one block of squared distances (32 MB)."""


class InformationImbalance:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "mean rank in B of the nearest neighbours in A, over n/2; 0 predicts, 1 tells nothing"
    source: ClassVar[str] = "Glielmo, Zeni, Cheng, Csanyi, Laio 2022, doi:10.1093/pnasnexus/pgac039"


def information_imbalance(points_a: ArrayLike, points_b: ArrayLike, k: int = 1) -> Estimate:
    """The information imbalance from A to B.

    Delta(A -> B) = (2 / n) <rank in B of j given i>, averaged over all points i and their k nearest neighbours j in A; ranks
    count from 1. Near 0: neighbours in A are neighbours in B, so A contains B; near 1, the value without any relation: A
    tells nothing of B. The other direction is another number. Ranks are exact: they are counted from float64 distances,
    with ties ordered by index.

    Examples that are not distinct in both representations are left out. The standard error allows for shared neighbours.
    Cost O(n^2 d) time, memory a block of 32 MB.

    Args:
        points_a: shape (n, d_a).
        points_b: the same examples, in the same order, shape (n, d_b).
        k: neighbours of each point in A.

    Returns:
        `Estimate` with one value per used example in `.local`; fewer than k + 2 distinct examples give NaN with a status.

    Raises:
        InputError: different numbers of examples.
        UsageError: k is no whole number, or below 1.

    Examples:
        >>> import numpy as np
        >>> plane = np.random.default_rng(0).random((200, 2))
        >>> round(information_imbalance(plane, plane).value, 6)
        0.01
    """
    a, b = as_points(points_a), as_points(points_b)
    if len(a) != len(b):
        raise InputError(f"{len(a)} and {len(b)} points were given; the imbalance needs the same examples in both.")
    k = whole_number(k, "k", least=1)
    rows = np.intersect1d(find_duplicates(a).rows, find_duplicates(b).rows)
    if len(rows) < k + 2:
        return no_estimate((1, k), len(rows), Status.TOO_FEW, len(a) - len(rows))
    near = neighbors(a[rows], k).indices
    ranks = ranks_of(b[rows], near)
    n = len(rows)
    local = 2 / n * ranks.mean(axis=1)
    error = error_of_mean((local - local.mean()) / n, near)
    return Estimate(float(local.mean()), error, (1, k), n, len(a) - n, chance=1.0, local=local)


def ranks_of(points: Points, targets: IntArray) -> IntArray:
    """The rank of each target among the other points as seen from its row, from 1, shape of `targets` (n, k).

    Ranks are counted: 1 + the number of points that are nearer, ties in the order of index. Squared distances come from a
    float64 matrix product of the centred points; those closer to the target's than the product's rounding error are
    computed again from differences.

    Args:
        points: shape (n, d), distinct rows.
        targets: shape (n, k), rows of `points`, never the row itself.
    """
    exact = np.asarray(points, dtype=np.float64)
    centred = exact - exact.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    n, d = exact.shape
    slack = 8 * (d + 8) * np.finfo(np.float64).eps * squares.max()
    ranks = np.empty(targets.shape, dtype=np.int64)
    height = max(1, BLOCK_ENTRIES // n)
    for start in range(0, n, height):
        rows = np.arange(start, min(start + height, n))
        squared = squares[rows, None] + squares[None, :] - 2 * (centred[rows] @ centred.T)
        for column in range(targets.shape[1]):
            ranks[rows, column] = _count(exact, squared, rows, targets[rows, column], float(slack))
    return ranks


def _count(exact: FloatArray, squared: FloatArray, rows: IntArray, targets: IntArray, slack: float) -> IntArray:
    reach = squared[np.arange(len(rows)), targets][:, None]
    certain = squared < reach - slack
    certain[np.arange(len(rows)), rows] = False
    counts = certain.sum(axis=1)
    close = np.abs(squared - reach) <= slack
    close[np.arange(len(rows)), rows] = False
    close[np.arange(len(rows)), targets] = False
    for line in np.flatnonzero(close.any(axis=1)):
        others = np.flatnonzero(close[line])
        here, target = exact[rows[line]], targets[line]
        own = ((exact[target] - here) ** 2).sum()
        theirs = ((exact[others] - here) ** 2).sum(axis=1)
        counts[line] += ((theirs < own) | ((theirs == own) & (others < target))).sum()
    return np.asarray(1 + counts)
