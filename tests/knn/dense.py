"""The straightforward computation: all float64 distances."""

import numpy as np


def all_pairs(queries, base, k, is_self):
    """Indices and distances of the k nearest, ties by index."""
    exact, others = np.asarray(queries, dtype=np.float64), np.asarray(base, dtype=np.float64)
    indices, distances = np.empty((len(exact), k), np.int64), np.empty((len(exact), k))
    for row, point in enumerate(exact):
        squares = ((others - point) ** 2).sum(axis=1)
        if is_self:
            squares[row] = np.inf
        order = np.lexsort((np.arange(len(others)), squares))[:k]
        indices[row], distances[row] = order, np.sqrt(squares[order])
    return indices, distances
