"""How other implementations of TwoNN read a table of neighbours, for `TwoNN(convention=...)`.

None of them merges equal rows: each has its own way with distances that are 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dimscope.arrays import FloatArray
from dimscope.knn.base import Neighbors

TDHOOK_EQUAL = 1e-5
"""tdhook takes rows at this distance or nearer for copies (the default of its `eps`), whatever the unit of the points."""


class Ratios(NamedTuple):
    """log(r2 / r1) of each row of the table, and which of them are read."""

    values: FloatArray
    used: NDArray[np.bool_]


@dataclass(frozen=True)
class Convention:
    """One implementation.

    Attributes:
        read: the ratios of a table; None where its lists are too short for them.
        is_line_only: it fits the line and has no likelihood.
        first: the line fit has y_i = -log(1 - j / N) with j counted from here.
        spare: so many of the largest ratios are never read.
        reads_all: it has no fraction.
    """

    read: Callable[[Neighbors], Ratios | None]
    is_line_only: bool = False
    first: int = 1
    spare: int = 0
    reads_all: bool = False


def _positive(neighbors: Neighbors) -> Ratios:
    """Rows with r1 = 0 are left out."""
    near, far = neighbors.distances[:, 0], neighbors.distances[:, 1]
    used = near > 0
    return Ratios(np.log(np.where(used, far, 1.0) / np.where(used, near, 1.0)), used)


def _at_least(smallest: float) -> Callable[[Neighbors], Ratios]:
    """An r1 that is below `smallest` is replaced by it."""

    def read(neighbors: Neighbors) -> Ratios:
        return _divided(np.maximum(neighbors.distances[:, 0], smallest), neighbors.distances[:, 1])

    return read


def _paper(neighbors: Neighbors) -> Ratios:
    near, far = neighbors.distances[:, 0], neighbors.distances[:, 1]
    return _divided(np.where(near == 0, 10 * np.finfo(np.float64).eps, near), far)


def _divided(near: FloatArray, far: FloatArray) -> Ratios:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return Ratios(np.log(far / near), np.ones(len(near), dtype=bool))


def _different(neighbors: Neighbors) -> Ratios:
    """Rows with r1 = 0 and rows with r1 = r2 are left out."""
    ratios, used = _positive(neighbors)
    return Ratios(ratios, used & (ratios > 0))


def _beyond_copies(neighbors: Neighbors) -> Ratios | None:
    """r1 and r2 are the smallest two distances above `TDHOOK_EQUAL`; rows without two of them are left out."""
    copies = (neighbors.distances <= TDHOOK_EQUAL).sum(axis=1)
    used = copies + 2 <= neighbors.k
    if not used.all() and neighbors.k < neighbors.n - 1:
        return None
    rows, place = np.arange(neighbors.n), np.where(used, copies, 0)
    near, far = neighbors.distances[rows, place], neighbors.distances[rows, place + 1]
    return Ratios(np.log(np.where(used, far, 1.0) / np.where(used, near, 1.0)), used)


CONVENTIONS: Mapping[str, Convention] = {
    "dadapy": Convention(_at_least(0.0)),
    "skdim": Convention(_positive),
    "paper": Convention(_paper),
    "torchid": Convention(_at_least(float(np.finfo(np.float64).tiny)), is_line_only=True, first=0),
    "ansuini": Convention(_different, is_line_only=True, spare=2),
    "tdhook": Convention(_beyond_copies, is_line_only=True, spare=1, reads_all=True),
}
"""Name -> implementation: DADApy 0.3.4, scikit-dimension 0.5.0, the code of Valeriani et al. 2023 (arXiv 2302.00294), torchid
0.5.1, IntrinsicDimDeep of Ansuini et al. 2019 (arXiv 1905.12784), tdhook 0.3.0."""
