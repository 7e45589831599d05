"""Errors of means over points that share neighbours, and resampling of examples."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dimscope.arrays import FloatArray, IntArray
from dimscope.knn.base import Neighbors
from dimscope.knn.graph import neighbor_graph


def error_of_mean(deviations: FloatArray, neighbors: IntArray) -> float:
    """Standard error of a sum of weighted deviations that are correlated between neighbours.

    se^2 = sum_i e_i^2 + sum over ordered pairs (i, j), i != j, one of which lists the other, of e_i e_j
    [the estimator of Conley 1999, doi:10.1016/S0304-4076(98)00084-0, with the neighbour graph as the notion of nearness].
    Values that are means over a neighbourhood (overlaps, label overlaps) agree between neighbours; treating them as
    independent states half of the true error for a label overlap at k = 20 (simulation in tests/theory).
    The sum over pairs never lowers the error below that of independent points: where neighbourhoods cover much of the data
    the deviations of the pairs cancel by construction, and the estimate would fall to half of the scatter of the mean
    (random labels, n = 200, k = 100; to nothing in a third of such data sets) or less (a tenth at k = 150).

    Args:
        deviations: shape (n,): weight times (value - mean); for a plain mean (x_i - mean) / n.
        neighbors: shape (n, k): the neighbours of each point, as positions in the same n points; -1 stands for none.
    """
    return float(errors_of_means(deviations[:, None], neighbor_graph(neighbors))[0])


def error_from_sample(deviations: FloatArray, rows: IntArray, indices: IntArray, is_mutual: NDArray[np.bool_]) -> float:
    """`error_of_mean` where the neighbours of a random sample of the points alone are known.

    With D the sum of e_i e_j over pairs where i lists j and M that over pairs that list each other, the sum over ordered pairs
    one of which lists the other is 2 D - M; both are scaled up from the sample.

    Args:
        deviations: shape (n,).
        rows: shape (m,): the sampled points.
        indices: shape (m, k): their neighbours, among the n points.
        is_mutual: shape (m, k): which of these list the sampled point in turn.
    """
    products = deviations[rows][:, None] * deviations[indices]
    alone = float(deviations @ deviations)
    pairs = len(deviations) / len(rows) * float(2 * products.sum() - products[is_mutual].sum())
    return float(np.sqrt(max(alone + pairs, alone)))


def errors_of_means(deviations: FloatArray, graph: csr_array) -> FloatArray:
    """`error_of_mean` of each column of `deviations`, shape (n, m), over one `neighbor_graph`; shape (m,)."""
    alone = np.einsum("ij,ij->j", deviations, deviations)
    together = alone + np.einsum("ij,ij->j", deviations, graph @ deviations)
    return np.asarray(np.sqrt(np.maximum(together, alone)))


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


def widened(replicates: FloatArray, stderr: float) -> FloatArray:
    """The replicates with their deviations from their mean stretched until they scatter by at least the stated error.

    Examples drawn with replacement keep the neighbours of the whole data, so replicates do not see that two points share a
    distance, which the stated errors of the estimators allow for (1.2 to 1.6 times for TwoNN and Gride, docs/calibration.md).
    """
    if len(replicates) < 2 or not np.isfinite(replicates).any():
        return replicates
    scatter = float(np.nanstd(replicates, ddof=1))
    mean = float(np.nanmean(replicates))
    factor = max(1.0, stderr / scatter) if scatter > 0 and np.isfinite(stderr) else 1.0
    return np.asarray(mean + factor * (replicates - mean))
