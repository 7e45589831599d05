"""The neighbour table: one per layer, read by every measure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dimscope.arrays import DuplicatePolicy, FloatArray, IntArray, Points, whole_number
from dimscope.errors import InputError, UsageError
from dimscope.notebook import line_of


@dataclass(frozen=True, eq=False, repr=False)
class Duplicates:
    """Which input rows are the same point.

    Attributes:
        representative: shape (n_rows,): the first input row that equals this one (a distinct row stands for itself).
        multiplicity: shape (n_rows,): how many input rows are equal to this one, itself included.
        policy: `merge` (one table row per distinct point) or `keep` (every input row has a table row).
        n_near: distinct points whose nearest neighbour is nearer than the rounding of the stored numbers can resolve.
    """

    representative: IntArray
    multiplicity: IntArray
    policy: DuplicatePolicy = "merge"
    n_near: int = 0

    def __repr__(self) -> str:
        return line_of(self, n_rows=self.n_rows, n_unique=self.n_unique, policy=self.policy, n_near=self.n_near)

    @property
    def n_rows(self) -> int:
        """Number of input rows."""
        return len(self.representative)

    @property
    def n_unique(self) -> int:
        """Number of distinct points."""
        return len(self.first_rows)

    @property
    def n_merged(self) -> int:
        """Number of input rows that repeat an earlier one, whatever the policy."""
        return self.n_rows - self.n_unique

    @property
    def first_rows(self) -> IntArray:
        """Shape (n_unique,): the first input row of each distinct point, ascending, whatever the policy."""
        return np.flatnonzero(self.representative == np.arange(self.n_rows))

    @property
    def rows(self) -> IntArray:
        """Shape (n,): the input row behind each row of the neighbour table, ascending."""
        return np.arange(self.n_rows, dtype=np.int64) if self.policy == "keep" else self.first_rows

    @property
    def table_rows(self) -> IntArray:
        """Shape (n_rows,): the row of the neighbour table that stands for each input row."""
        rows = self.rows
        return rows if self.policy == "keep" else np.searchsorted(rows, self.representative)


@dataclass(frozen=True, eq=False)
class SampledLists:
    """The neighbours of a random sample of points up to a rank beyond the table, for errors that depend on who shares them.

    Attributes:
        rows: shape (m,): rows of the table, ascending.
        indices: shape (m, rank): their neighbours, as rows of the table.
        distances: shape (m, rank), ascending.
    """

    rows: IntArray
    indices: IntArray
    distances: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Neighbors:
    """The k nearest other points of every point.

    Attributes:
        indices: shape (n, k), int64: rows of this table (not of the input; see `Duplicates.rows`), self never among them.
        distances: shape (n, k), float64, ascending; equal distances stand in the order of their index.
        duplicates: how the rows of the input became the n points of the table.
        metric: name of the distance.
        dtype: dtype of the points that were searched.
        backend: what computed the table.
        ranks: rank -> distances (n,) float64, for ranks that were asked for besides the k nearest.
        sample: longer lists of some points, where a rank beyond k was asked for.
    """

    indices: IntArray
    distances: FloatArray
    duplicates: Duplicates
    metric: str = "euclidean"
    dtype: str = "float64"
    backend: str = "unknown"
    ranks: Mapping[int, FloatArray] = field(default_factory=dict)
    sample: SampledLists | None = None
    _validated: bool = False

    def __post_init__(self) -> None:
        if self.indices.shape != self.distances.shape or self.indices.ndim != 2:
            raise InputError(f"indices {self.indices.shape} and distances {self.distances.shape} must both be (n, k).")
        if self.indices.shape[1] == 0:
            raise InputError("a neighbour table needs at least one neighbour per point, found (n, 0).")
        if len(self.indices) != len(self.duplicates.rows):
            raise InputError(f"the table has {len(self.indices)} rows, its map {len(self.duplicates.rows)} points.")
        if not self._validated:
            self._validate()

    def __repr__(self) -> str:
        facts = {"n": self.n, "k": self.k, "n_merged": self.duplicates.n_merged, "ranks": tuple(self.ranks)}
        return line_of(self, **facts, metric=self.metric, dtype=self.dtype, backend=self.backend)

    def _validate(self) -> None:
        n = self.n
        if self.indices.min() < 0 or self.indices.max() >= n:
            raise InputError(f"neighbour indices must lie in 0..{n - 1}.")
        if (self.indices == np.arange(n)[:, None]).any():
            raise InputError("a point is listed as its own neighbour; remove the self column first.")
        ordered = np.sort(self.indices, axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any():
            raise InputError("a point is listed twice among the neighbours of another.")
        if not np.isfinite(self.distances).all() or (self.metric != "inner_product" and (self.distances < 0).any()):
            raise InputError("distances must be finite and not negative.")
        if (np.diff(self.distances, axis=1) < 0).any():
            raise InputError("distances must ascend along each row.")

    @property
    def n(self) -> int:
        """Number of points in the table."""
        return len(self.indices)

    @property
    def k(self) -> int:
        """Number of neighbours of each point."""
        return int(self.indices.shape[1])

    @property
    def max_rank(self) -> int:
        """The largest rank at which distances are known."""
        return max(self.k, *self.ranks) if self.ranks else self.k

    def at_rank(self, rank: int) -> FloatArray:
        """Distance of each point to its neighbour of this rank, shape (n,).

        Raises:
            UsageError: the rank is neither within the table nor one of `ranks`.
        """
        if rank in self.ranks:
            return self.ranks[rank]
        self.require(rank, f"the distance at rank {rank}")
        return self.distances[:, rank - 1]

    def require(self, k: int, purpose: str) -> None:
        """Nothing if the table holds k neighbours.

        Raises:
            UsageError: k is no whole number, or too large: says what needs k, how many there are, and how to get more.
        """
        whole_number(k, "k")
        if k < 1:
            raise UsageError(f"{purpose} needs k of at least 1, found {k}.")
        if k > self.k:
            raise UsageError(
                f"{purpose} needs {k} neighbours of each point, the table holds {self.k}. "
                f"Compute it with k={k} (at most n - 1 = {self.n - 1} for {self.n} distinct points)."
            )


class Backend(Protocol):
    """A way to find exact neighbours: called with distinct or kept points, returns indices and distances."""

    def __call__(
        self, points: Points, k: int, *, rows: IntArray | None = None, ranks: tuple[int, ...] = ()
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Indices (n, k) int64 and distances (n, k) float64, ties by index, self excluded; distances at `ranks`."""
        ...
