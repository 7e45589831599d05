"""Resampling of examples, the same draw for every layer so that layers can be compared within a replicate."""

from collections.abc import Iterator

import numpy as np

from dimscope.arrays import IntArray
from dimscope.knn.base import Neighbors


def bootstrap_draws(table: Neighbors, replicates: int, seed: int) -> Iterator[IntArray]:
    """One array of table rows per replicate: examples drawn with replacement [Efron 1979, doi:10.1214/aos/1176344552].

    The same seed draws the same examples for every table of a run; an example that was merged into another one is left out
    of its replicate. Memory is that of one replicate.
    """
    n_rows = table.duplicates.n_rows
    position = np.full(n_rows, -1, dtype=np.int64)
    position[table.duplicates.rows] = np.arange(table.n)
    for replicate in range(replicates):
        rows = position[np.random.default_rng([seed, replicate]).integers(0, n_rows, size=n_rows)]
        yield rows[rows >= 0]
