"""Label overlap with a number of neighbours that is proportional to the size of the point's class."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import IntArray, as_points, label_codes, real_number
from dimscope.errors import InputError, UsageError
from dimscope.estimates import Estimate
from dimscope.knn import search_distinct
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.uncertainty import error_of_mean


class ClassFractionOverlap:
    """Facts about the measure, for listings."""

    summary: ClassVar[str] = "label overlap over a fraction of the class size as k, so that small classes are read fairly"
    source: ClassVar[str] = "Doimo, Serra, Ansuini, Cazzaniga 2024, arXiv 2409.03662"


FRACTION = 0.3
"""Of the class size, as in the source."""


def class_fraction_overlap(
    source: Neighbors | ArrayLike, labels: ArrayLike, fraction: float = FRACTION, *, balanced: bool = True
) -> Estimate:
    """Mean fraction of the k_c nearest neighbours with the point's own label, k_c = max(1, floor(fraction n_c)).

    n_c is the number of distinct points of the point's class c. With one k for all, classes smaller than k cannot reach 1;
    here each can. Balanced (default): the mean over classes of their means; otherwise over points. From 0 to 1. Chance is
    exact for labels dealt at random, (n_c - 1) / (n - 1), averaged in the same way. The error allows for shared neighbours.
    Cost O(n max k_c).

    Args:
        source: neighbour table or points.
        labels: one label per input row.
        fraction: of the class size, above 0 and at most 1.
        balanced: average over classes instead of points.

    Returns:
        `Estimate`, `scale` with the smallest and the largest k_c.

    Raises:
        InputError: another number of labels than examples, or only one label.
        UsageError: the fraction is out of range, or the table holds fewer than the largest k_c neighbours.
    """
    if not 0 < real_number(fraction, "fraction") <= 1:
        raise UsageError(f"fraction={fraction} was asked for; a fraction of the class size lies above 0 and is at most 1.")
    found = source.duplicates if isinstance(source, Neighbors) else find_duplicates(as_points(source))
    codes = label_codes(labels, "labels", found.n_rows)[found.rows]
    counts = np.bincount(codes)
    if (counts > 0).sum() < 2:
        raise InputError("all labels are equal; a label overlap needs at least two different labels.")
    sizes = _sizes(counts, fraction)[codes]
    table = source if isinstance(source, Neighbors) else search_distinct(as_points(source), int(sizes.max()), found)
    table.require(int(sizes.max()), "this class fraction")
    read = np.arange(sizes.max()) < sizes[:, None]
    near = table.indices[:, : sizes.max()]
    local = ((codes[near] == codes[:, None]) & read).sum(axis=1) / sizes
    weights = 1 / (counts[codes] * (counts > 0).sum()) if balanced else np.full(table.n, 1 / table.n)
    centre = (np.bincount(codes, local) / np.maximum(counts, 1))[codes] if balanced else weights @ local
    error = error_of_mean(weights * (local - centre), np.where(read, near, -1))
    chance = float(weights @ ((counts[codes] - 1) / (table.n - 1)))
    scale = (int(sizes.min()), int(sizes.max()))
    return Estimate(float(weights @ local), error, scale, table.n, chance=chance, local=local)


def largest_k(found: Duplicates, labels: ArrayLike, fraction: float = FRACTION) -> int:
    """The neighbours that `class_fraction_overlap` reads of a point of the largest class.

    Raises:
        InputError: another number of labels than examples.
    """
    counts = np.bincount(label_codes(labels, "labels", found.n_rows)[found.rows])
    return int(_sizes(counts, fraction).max())


def _sizes(counts: IntArray, fraction: float) -> IntArray:
    """k_c of each class."""
    return np.asarray(np.maximum(1, (fraction * counts).astype(np.int64)))
