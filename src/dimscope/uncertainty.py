"""Resampling of examples, the same draw for every layer so that layers can be compared within a replicate."""

import numpy as np

from dimscope.arrays import IntArray
from dimscope.knn.base import Neighbors


def bootstrap_draws(n_rows: int, replicates: int, seed: int) -> IntArray:
    """Shape (replicates, n_rows): examples drawn with replacement [Efron 1979, doi:10.1214/aos/1176344552]."""
    return np.random.default_rng([seed, n_rows, replicates]).integers(0, n_rows, size=(replicates, n_rows))


def draws_within(table: Neighbors, draws: IntArray) -> list[IntArray]:
    """The draws as rows of the table; an example that was merged into another one is skipped in its replicate."""
    position = np.full(table.duplicates.n_rows, -1, dtype=np.int64)
    position[table.duplicates.rows] = np.arange(table.n)
    inside = (position[draw] for draw in draws)
    return [rows[rows >= 0] for rows in inside]
