"""Cheap copies of the points that propose candidates, each with a proven error per row.

Let t_i be row i, centred, scaled and turned by an orthogonal map: distances between the t are the distances sought. A filter
stores a coarse copy c_i = f_i q_i and a number e_i >= |t_i - c_i|, so that by the triangle inequality
| |t_i - t_j| - |c_i - c_j| | <= e_i + e_j.  The product of two blocks of q gives |c_i - c_j|^2 = n_i + n_j - 2 f_i f_j q_i.q_j,
n_i = |c_i|^2, up to `blur` (n_i + n_j), what float32 can lose on the way.

`Float32Filter`, here: q are the centred rows in float32, f = 1. A product summed in any order is off by at most
gamma |q_i||q_j| <= gamma (n_i + n_j) / 2, gamma = d u / (1 - d u), u = 2^-24  [Higham 2002, Accuracy and Stability of Numerical
Algorithms, section 3.1]. The filters of 8-bit integers stand in `dimscope.knn.integers`.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points
from dimscope.knn.kernels import TINY
from dimscope.knn.rounding import UNIT32
from dimscope.knn.scratch import Scratch

LOST = 1e-16
"""Covers, in an error, what squares of float32 numbers lose to underflow, even where subnormal numbers are flushed to zero:
sqrt(133 000 * 1.2e-38) = 4e-17, in units of the filter."""
FAR_COORDINATE = np.float32(1e9)
"""Rows with a coordinate beyond this (the median norm is about 1) are stored as 0 with an error of their own norm; they become
candidates of every row, so that float32 need not hold their products."""
PADDING = 64
"""Columns of an integer copy are a multiple of this, so that the Hadamard blocks are at least as long."""
BLOCK_ROWS = 256
"""Rows of a copy that are made at a time."""


Each: TypeAlias = Callable[[Callable[[int], None], Iterable[int]], None]
"""Does some work for every item, in any order (`Workers.each`)."""


class Rows(NamedTuple):
    """What the tile test knows about each row (all in the order of the filter's rows).

    Attributes:
        factors: float32 (n,), f_i.
        offsets: float32 (n,), b_i = (n_i - (1 + 1/mix) e_i^2) / 2, less what rounding can hide.
        norms: float64 (n,), n_i.
        errors: float64 (n,), e_i.
        labels: int64 (n,), the number by which results name the row.
        scale: filter distances are this power of two times the distances of the points.
        mix: weight in (R + e_i + e_j)^2 <= (1 + mix)(R + e_i)^2 + (1 + 1/mix) e_j^2, which holds for every mix > 0.
        blur: relative rounding of the squared distances of the filter.
    """

    factors: np.ndarray
    offsets: np.ndarray
    norms: FloatArray
    errors: FloatArray
    labels: IntArray
    scale: float
    mix: float
    blur: float


class Frame(NamedTuple):
    """How points become rows of a filter: t = x * scale - mean; shared by both sides of a search.

    Attributes:
        scale: a power of two.
        mean: float64 (d,), in scaled units; any vector keeps the distances.
        signs: float64 (width,), -1 or 1, for the rotation; width a multiple of 64.
    """

    scale: float
    mean: np.ndarray
    signs: np.ndarray


def with_mix(rows: Rows, mix: float) -> Rows:
    """The same rows with the column side of the test for another weight."""
    with np.errstate(over="ignore", invalid="ignore"):  # rows too far out for float32 are refused by `on_tiles`
        hidden = (1 + 1 / mix) * rows.errors**2
        offsets = (rows.norms - hidden) / 2 - rows.blur * (rows.norms + hidden) - TINY
        return rows._replace(offsets=offsets.astype(np.float32), mix=mix)


class Filter(Protocol):
    """A coarse copy of one side of a search, (n, columns), and what is known of its rows."""

    codes: np.ndarray
    rows: Rows

    def __init__(
        self, points: Points, places: IntArray, labels: IntArray, frame: Frame, scratch: Scratch, each: Each
    ) -> None: ...

    def tile(self, start: int, stop: int, other: Any, first: int, last: int, room: np.ndarray) -> np.ndarray:
        """Products of rows start to stop with rows first to last of the other side, kept in `room` (float32, two tiles)."""
        ...


class Float32Filter:
    """Rows as centred float32 numbers; tiles through BLAS.

    Args:
        points: shape (n_rows, d).
        places: the row of `points` behind each row of the filter.
        labels: the number by which results name each row.
        frame: centre and scale.
        scratch: where the copy is kept.
        each: runs the work on every block of rows.
    """

    def __init__(self, points: Points, places: IntArray, labels: IntArray, frame: Frame, scratch: Scratch, each: Each) -> None:
        n, d = len(places), points.shape[1]
        self.codes = scratch.empty((n, d), np.float32)
        norms, beyond = np.empty(n), np.zeros(n)

        def fill(start: int) -> None:
            part = slice(start, start + BLOCK_ROWS)
            turned = np.asarray(points[places[part]], dtype=np.float64) * frame.scale - frame.mean
            far = np.abs(turned).max(axis=1) > FAR_COORDINATE
            with np.errstate(over="ignore"):  # an infinite error is refused by `on_tiles`
                beyond[part][far] = np.sqrt((turned[far] ** 2).sum(axis=1))
            turned[far] = 0
            self.codes[part] = turned
            rounded = self.codes[part].astype(np.float64)
            norms[part] = np.einsum("ij,ij->i", rounded, rounded)

        each(fill, range(0, n, BLOCK_ROWS))
        gamma = d * UNIT32 / (1 - d * UNIT32)
        errors = 1.01 * (UNIT32 * np.sqrt(norms) + beyond) + LOST
        ones = np.ones(n, np.float32)
        self.rows = Rows(ones, np.empty(0, np.float32), norms, errors, labels, frame.scale, 1.0, gamma + 8 * UNIT32)

    def tile(self, start: int, stop: int, other: Any, first: int, last: int, room: np.ndarray) -> np.ndarray:
        """float32 products."""
        out = room[: (stop - start) * (last - first)].reshape(stop - start, last - first)
        with np.errstate(over="ignore", invalid="ignore"):
            np.matmul(self.codes[start:stop], other.codes[first:last].T, out=out)
        return out


PER_ROW = ("factors", "offsets", "norms", "errors", "labels")
"""What `Rows` holds of each row; the rest is one number for all."""


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of several filters of one kind and frame, one after another."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PER_ROW}
    return parts[0]._replace(**columns)


def cut(whole: Filter, start: int, stop: int) -> Filter:
    """Some rows of a filter, without a copy."""
    found = copy(whole)
    found.codes = whole.codes[start:stop]
    columns: dict[str, Any] = {name: getattr(whole.rows, name)[start:stop] for name in PER_ROW}
    found.rows = whole.rows._replace(**columns)
    return found
