"""Linear companions of the dimension, from the singular values of one layer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigvalsh
from threadpoolctl import threadpool_limits

from dimscope.arrays import FloatArray, IntArray, Points, as_points
from dimscope.knn.scratch import extreme_exponent
from dimscope.knn.workers import Workers, blas_threads
from dimscope.notebook import line_of

CHUNK = 2048
"""Rows whose outer products are found at once, from a float64 copy."""
EDGE = 320
"""Rows and columns of the sum that one thread finds at a time."""
SMALL_CHUNK = 256
"""Rows of a sum that is read once: a block of them stays in the cache."""
PCA_SHARE = 0.99
"""Share of the variance, as in the linear controls of Cheng et al. 2025, arXiv 2405.15471."""
_alone = Lock()
"""Each spectrum sets how many threads BLAS uses, which is common to all."""


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    """Eigenvalues of the covariance of the centred points, descending; unit: square of the points' unit.

    With e the eigenvalues and s = sqrt(e):

    * `participation_ratio` (sum e)^2 / sum e^2, from 1 to d.
    * `effective_rank` exp(H(s / sum s)), H the Shannon entropy, from 1 to d  [Roy, Vetterli 2007, EUSIPCO].
    * `anisotropy` e_1 / sum e, from 1/d to 1: the share of the variance along the first direction.
    * `von_neumann_entropy` H(e / sum e), from 0 to log d, in nats: the entropy of the covariance as a density matrix.
    * `pca_99` the fewest directions that hold 99 % of the variance, from 1 to d.

    `variances`, shape (d,), are those of the coordinates, in the order of the features. Both are in units of 4^`exponent`,
    which is 0 unless the largest number of float64 points is beyond 1e140 or below 1e-140, whose squares float64 cannot hold.

    With n points there are at most n - 1 directions, and all of these are biased low (`anisotropy` high) unless n is many
    times the number of directions that carry variance: the eigenvalues of a sample spread wider than those of its law
    [Marchenko, Pastur 1967, doi:10.1070/SM1967v001n04ABEH001994]. All are NaN when the points do not vary.
    """

    eigenvalues: FloatArray
    variances: FloatArray
    exponent: int = 0

    summary: ClassVar[str] = "effective rank, participation ratio, anisotropy, entropy, PCA-99 of the covariance"
    source: ClassVar[str] = "Roy, Vetterli 2007, EUSIPCO; Gao et al. 2017, doi:10.1101/214262"

    def __repr__(self) -> str:
        ranks = {"effective_rank": self.effective_rank, "participation_ratio": self.participation_ratio, "pca_99": self.pca_99}
        return line_of(self, d=len(self.eigenvalues), **ranks, anisotropy=self.anisotropy)

    @property
    def participation_ratio(self) -> float:
        """(sum e)^2 / sum e^2."""
        share = self._shares(self.eigenvalues)
        return float(1 / (share**2).sum())

    @property
    def effective_rank(self) -> float:
        """exp of the entropy of the normalised singular values."""
        return float(np.exp(_entropy(self._shares(np.sqrt(self.eigenvalues)))))

    @property
    def von_neumann_entropy(self) -> float:
        """Entropy of the normalised eigenvalues, in nats."""
        return _entropy(self._shares(self.eigenvalues))

    @property
    def pca_99(self) -> float:
        """The fewest directions whose eigenvalues sum to 99 % of the whole."""
        held = np.cumsum(self._shares(self.eigenvalues))
        return float(1 + (held < PCA_SHARE * held[-1] * (1 - 1e-12)).sum()) if np.isfinite(held[-1]) else float("nan")

    @property
    def anisotropy(self) -> float:
        """e_1 / sum e."""
        return float(self._shares(self.eigenvalues)[0])

    @staticmethod
    def _shares(values: FloatArray) -> FloatArray:
        total = values.sum()
        return values / total if total > 0 else np.full_like(values, np.nan)


def spectrum(points: ArrayLike, *, rows: IntArray | None = None) -> Spectrum:
    """The `Spectrum` of points of shape (n, d); O(n d^2 + d^3), memory O(d^2) (O(n^2) when n < d), read in chunks.

    Args:
        points: shape (n, d).
        rows: those that count, without a copy of them (a run leaves repeated rows out); default: all.

    Raises:
        InputError: the points cannot be used.

    Examples:
        >>> import numpy as np
        >>> round(spectrum(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])).participation_ratio, 6)
        2.0
    """
    array = as_points(points)
    exponent = extreme_exponent(array)
    if exponent:
        array = np.ldexp(array, -exponent)
    chosen = _Rows(array, None if rows is None or len(rows) == len(array) else rows)
    origin = np.asarray(chosen.block(0, 1)[0], dtype=np.float64)  # points that do not vary are exactly 0 from here
    mean = _mean(chosen, origin)
    with _alone:
        if chosen.n >= array.shape[1]:
            gram = _gram(_deviations(chosen, origin, mean), chosen.n, array.shape[1])
            variances = np.diagonal(gram) / chosen.n
        else:
            centred = np.asarray(chosen.block(0, chosen.n), dtype=np.float64) - origin - mean
            gram = _gram(partial(_copy, centred.T), array.shape[1], chosen.n)
            variances = np.einsum("ij,ij->j", centred, centred) / chosen.n
        eigenvalues = _solved(gram)[::-1] / chosen.n
    noise = eigenvalues[0] * len(eigenvalues) * np.finfo(np.float64).eps
    return Spectrum(np.where(eigenvalues > noise, eigenvalues, 0.0), variances, exponent)


class _Rows(NamedTuple):
    """Rows of an array, in blocks."""

    array: Points
    rows: IntArray | None

    @property
    def n(self) -> int:
        return len(self.array if self.rows is None else self.rows)

    def block(self, start: int, size: int) -> Points:
        part = slice(start, start + size)
        return self.array[part] if self.rows is None else self.array[self.rows[part]]


Fill: TypeAlias = Callable[[int, FloatArray], None]
"""Writes the rows from a place on into an array, as many as it holds."""


def _deviations(points: _Rows, origin: FloatArray, mean: FloatArray) -> Fill:
    """Rows without the mean, in float64."""
    centre = origin + mean
    lost = (origin - centre) + mean  # by rounding the centre; float64 points may differ by as little
    is_split = points.array.dtype.itemsize > 4 and bool(lost.any())

    def fill(start: int, block: FloatArray) -> None:
        np.subtract(points.block(start, len(block)), centre, out=block)
        if is_split:
            block -= lost

    return fill


def _copy(rows: FloatArray, start: int, block: FloatArray) -> None:
    block[:] = rows[start : start + len(block)]


def _gram(fill: Fill, n: int, d: int) -> FloatArray:
    """Lower triangle of the sum of the outer products of n rows, in float64, by as many threads as BLAS may use.

    Each thread finds whole blocks of the triangle, so that the bits do not depend on their number, as those of a product that
    BLAS itself divides do: a worker and this process would disagree.

    The spectrum of singular values needs float64. On the points of benchmarks/measures.py (20 000 x 1280; the smallest
    eigenvalue is 5e-7 of the mean one) the effective rank is 3e-5 off even when float32 products of blocks of 64 rows are
    summed in float64 (256 rows: 5e-4; 1024 rows: 1e-3, and negative eigenvalues): their rounding is relative to the largest
    directions and reaches the smallest.
    """
    gram, product, room = np.zeros((d, d)), np.empty((d, d)), np.empty((min(CHUNK, n), d))
    spans = [slice(start, start + EDGE) for start in range(0, d, EDGE)]
    pairs = [(rows, columns) for place, rows in enumerate(spans) for columns in spans[: place + 1]]
    with Workers(blas_threads(), 0) as workers:
        for start in range(0, n, CHUNK):
            block = room[: n - start]
            workers.each(partial(_fill_part, fill, start, block), range(0, len(block), SMALL_CHUNK))
            workers.each(partial(_add_products, block, product, gram), pairs)
    return gram


def _fill_part(fill: Fill, start: int, block: FloatArray, part: int) -> None:
    fill(start + part, block[part : part + SMALL_CHUNK])


def _add_products(block: FloatArray, product: FloatArray, gram: FloatArray, pair: tuple[slice, slice]) -> None:
    np.matmul(block[:, pair[0]].T, block[:, pair[1]], out=product[pair])
    gram[pair] += product[pair]


def _solved(gram: FloatArray) -> FloatArray:
    """Eigenvalues of the lower triangle, ascending, found by one thread; `gram` is overwritten.

    Those that several threads find differ in the last digits with their number. The threads also wait for each other: on two
    processors that others used too, the eigenvalues of 1280 features took 0.16 to 0.26 s by one thread and 0.9 to 3.6 s by two.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        return np.asarray(eigvalsh(gram, lower=True, overwrite_a=True, check_finite=False))


def _entropy(share: FloatArray) -> float:
    positive = share[share > 0]
    return float(-(positive * np.log(positive)).sum()) if len(positive) else float("nan")


def _mean(points: _Rows, origin: FloatArray) -> FloatArray:
    total = np.zeros(points.array.shape[1])
    for start in range(0, points.n, SMALL_CHUNK):
        total += (np.asarray(points.block(start, SMALL_CHUNK), dtype=np.float64) - origin).sum(axis=0)
    return total / points.n
