"""Density-peak clustering (ADP): peaks of the neighbour density that stand out of its own error."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, IntArray, real_number
from dimscope.clusters.saddles import Saddles, find_saddles, merge_peaks
from dimscope.dimensions import dimension
from dimscope.dimensions.abide import constant_density_sizes
from dimscope.errors import InputError, UsageError
from dimscope.knn import as_neighbors
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import position_of_rows
from dimscope.notebook import line_of

ALPHA = 1e-6
"""Level of the test of constant density behind the neighbourhoods, that of the published method."""


class DensityPeaks:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "clusters around significant density peaks (ADP), with density, saddle points and halo"
    source: ClassVar[str] = "d'Errico, Facco, Laio, Rodriguez 2021, doi:10.1016/j.ins.2021.01.010"


@dataclass(frozen=True, eq=False, repr=False)
class Clusters:
    """A partition by density peaks; clusters are numbered by falling density of their peak (density less its error).

    Attributes:
        labels: shape (n_rows,): cluster of every input row (merged rows have that of their representative).
        core: shape (n_rows,): False in the halo, where the density is below the highest saddle of the cluster.
        peaks: shape (clusters,): input row of each peak.
        log_density: shape (n,): log density of each table row up to a common constant.
        log_density_err: shape (n,): its standard error.
        saddles: shape (clusters, clusters): log density at the highest saddle between two clusters, NaN where they do not
            touch.
        significance: shape (clusters,): (log density of the peak - of its highest saddle) / (sum of their errors); inf for a
            cluster without neighbours. At least Z by construction.
        dimension: the dimension at which volumes were read.
    """

    labels: IntArray
    core: np.ndarray
    peaks: IntArray
    log_density: FloatArray
    log_density_err: FloatArray
    saddles: FloatArray
    significance: FloatArray
    dimension: float

    def __repr__(self) -> str:
        facts = {"n_clusters": self.n_clusters, "core_fraction": self.core_fraction, "dimension": self.dimension}
        return line_of(self, n_rows=len(self.labels), **facts)

    @property
    def n_clusters(self) -> int:
        """Number of significant peaks."""
        return len(self.peaks)

    @property
    def core_fraction(self) -> float:
        """Share of the input rows outside the halo."""
        return float(self.core.mean())


class _Density(NamedTuple):
    log: FloatArray
    error: FloatArray
    sizes: IntArray


def density_peaks(
    source: Neighbors | ArrayLike, z: float = 1.6, *, k: int = 100, dimension_value: float | None = None
) -> Clusters:
    """The clusters around density peaks that exceed their saddles by more than z errors.

    1. Density: log rho_i = log k*_i - d log r_{i, k*}, error 1 / sqrt(k*_i), over the largest neighbourhood k* of constant
       density (test of `abide` at level 1e-6). The value that ranks points is g = log rho - error.
    2. Peaks: points with the largest g in their own neighbourhood that lie in the neighbourhood of no point of larger g. Every
       other point joins the cluster of its nearest point of larger g.
    3. Saddles: between two clusters the point of largest g among those of one whose nearest point of the other lies in their
       neighbourhood, and who are in turn the nearest to that point.
    4. From the highest saddle down, two clusters are merged when log rho of either peak exceeds that of the saddle by less
       than z times the sum of their errors.

    A point that is not a peak and has no point of larger g in the table joins the cluster of the nearest one that has it in
    its neighbourhood. Deterministic. Cost O(n k).

    Args:
        source: neighbour table or points.
        z: significance; 1.6 is the value of Doimo et al. 2024 (arXiv 2409.03662).
        k: neighbours searched for points; a table is read in full width.
        dimension_value: the dimension of the data; default: TwoNN on the same table.

    Raises:
        UsageError: z is negative, or the table holds fewer than 5 neighbours.
        InputError: rows at distance 0, or no dimension can be found.

    Examples:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> found = density_peaks(np.r_[rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (200, 2))], k=50)
        >>> found.n_clusters
        2
    """
    if not real_number(z, "z") >= 0:
        raise UsageError(f"z={z} was asked for; the significance of a peak is not negative.")
    table = as_neighbors(source, k)
    if (table.distances[:, 0] == 0).any():
        raise InputError("some rows lie at distance 0, where the density is infinite; use duplicates='merge'.")
    d = dimension(table, "twonn").value if dimension_value is None else real_number(dimension_value, "dimension_value")
    if not (np.isfinite(d) and d > 0):
        raise InputError("no dimension could be found, so volumes have no meaning; give dimension_value.")
    density = _density(table, d)
    rank = _rank(density)
    starts, parents = _peaks(table, density, rank)
    assigned = _assign(starts, parents, rank)
    found = find_saddles(table, assigned, density.sizes, rank, len(starts))
    merged, saddles = merge_peaks(starts, found, density.log, density.error, rank, z)
    return _finish(table, density, merged[assigned], starts, saddles, d)


def _density(table: Neighbors, d: float) -> _Density:
    sizes = constant_density_sizes(table, d, ALPHA)
    radius = table.distances[np.arange(table.n), sizes - 1]
    return _Density(np.log(sizes) - d * np.log(radius), 1 / np.sqrt(sizes), sizes)


def _rank(density: _Density) -> IntArray:
    """0 for the point of largest g = log rho - error; ties in the order of index."""
    order = np.argsort(-(density.log - density.error), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _peaks(table: Neighbors, density: _Density, rank: IntArray) -> tuple[IntArray, IntArray]:
    """The peaks by falling g, and for every point the nearest one of larger g in reach (-1 for peaks)."""
    n, k = table.indices.shape
    higher = rank[table.indices] < rank[:, None]
    within = np.arange(k) < density.sizes[:, None]
    first = np.where(higher.any(axis=1), table.indices[np.arange(n), higher.argmax(axis=1)], -1)
    is_top = ~(higher & within).any(axis=1)
    lower_inside = within & (rank[table.indices] > rank[:, None])
    owners, columns = np.nonzero(lower_inside)
    members, reach = table.indices[owners, columns], table.distances[owners, columns]
    order = np.lexsort((owners, reach, members))
    members, owners = members[order], owners[order]
    covered, where = np.unique(members, return_index=True)
    owner = np.full(n, -1, dtype=np.int64)
    owner[covered] = owners[where]
    is_peak = is_top & (owner < 0)
    parents = np.where(first >= 0, first, owner)
    parents[is_peak] = -1
    peaks = np.flatnonzero(is_peak)
    return peaks[np.argsort(rank[peaks])], parents


def _assign(starts: IntArray, parents: IntArray, rank: IntArray) -> IntArray:
    assigned = np.full(len(rank), -1, dtype=np.int64)
    assigned[starts] = np.arange(len(starts))
    for point in np.argsort(rank):
        if assigned[point] < 0:
            assigned[point] = assigned[parents[point]]
    return assigned


def _finish(table: Neighbors, density: _Density, assigned: IntArray, starts: IntArray, saddles: Saddles, d: float) -> Clusters:
    kept = np.unique(assigned)
    number = np.full(len(starts), -1, dtype=np.int64)
    number[kept] = np.arange(len(kept))
    heights, errors = np.full((len(kept), len(kept)), np.nan), np.full((len(kept), len(kept)), np.nan)
    for (one, other), point in saddles.items():
        first, second = int(number[one]), int(number[other])
        heights[first, second] = heights[second, first] = density.log[point]
        errors[first, second] = errors[second, first] = density.error[point]
    peaks = starts[kept]
    gap = (density.log[peaks][:, None] - heights) / (density.error[peaks][:, None] + errors)
    significance = np.where(np.isnan(gap), np.inf, gap).min(axis=1)
    limit = np.where(np.isnan(heights), -np.inf, heights).max(axis=1)
    labels = number[assigned]
    core = density.log >= limit[labels]
    rows = table.duplicates
    place = position_of_rows(rows)
    return Clusters(labels[place], core[place], rows.rows[peaks], density.log, density.error, heights, significance, d)
