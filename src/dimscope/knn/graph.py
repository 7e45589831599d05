"""The undirected graph of a neighbour table."""

import numpy as np
from scipy.sparse import csr_array

from dimscope.arrays import IntArray

FEW_ENTRIES = 250_000
"""Up to this many neighbours SciPy builds the graph (0.006 s there), and nothing is compiled."""
MOST_ENTRIES = 2**30
"""Beyond this many the 32-bit numbers of the compiled loop could overflow."""


def neighbor_graph(neighbors: IntArray) -> csr_array:
    """Shape (n, n): 1 where one of two points lists the other.

    Args:
        neighbors: shape (n, k): the neighbours of each point, each at most once, as positions in the same n points; -1 stands
            for none.
    """
    if FEW_ENTRIES < neighbors.size <= MOST_ENTRIES:
        return _compiled_graph(neighbors)
    n, k = neighbors.shape
    present = neighbors.ravel() >= 0
    rows, columns = np.repeat(np.arange(n), k)[present], neighbors.ravel()[present]
    graph = csr_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(n, n))
    return graph.maximum(graph.T)


def _compiled_graph(neighbors: IntArray) -> csr_array:
    from dimscope.knn.union import linked, listed_by

    n = len(neighbors)
    lists = np.array(neighbors, dtype=np.int32, order="C")
    ends, columns = linked(lists, *listed_by(lists))
    return csr_array((np.ones(len(columns), dtype=np.int8), columns, ends), shape=(n, n))
