"""Agreement of two partitions of the same examples: adjusted Rand index and normalised mutual information."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, IntArray, as_labels, label_codes, whole_number
from dimscope.errors import InputError
from dimscope.estimates import Estimate, Status, no_estimate

GROUPS = 20
"""Groups of the jackknife, and permutations behind the chance level of the mutual information."""


def adjusted_rand(a: ArrayLike, b: ArrayLike, *, seed: int = 0) -> Estimate:
    """Adjusted Rand index of two partitions: 1 equal, 0 in expectation for labels dealt at random (chance), may be negative.

    (S - E) / (M - E), with S the pairs of examples together in both, M the mean of the pairs together in a and in b, and
    E = (pairs in a) (pairs in b) / (all pairs) [Hubert, Arabie 1985, doi:10.1007/BF01908075]. Standard error: a jackknife
    over 20 random groups of examples, both partitions as given. Two partitions into one class, or both into single examples,
    are equal: 1. Fewer than 40 examples give NaN with a status.

    Raises:
        InputError: different numbers of labels, or NaN among them.

    Examples:
        >>> adjusted_rand([0, 0, 1, 1] * 10, ["x", "x", "y", "y"] * 10).value
        1.0
    """
    codes_a, codes_b = _codes(a, b)
    return _estimate(codes_a, codes_b, _rand, seed, chance=0.0)


def normalized_information(a: ArrayLike, b: ArrayLike, *, seed: int = 0) -> Estimate:
    """Mutual information of two partitions over the mean of their entropies: 1 equal, 0 independent.

    2 I(a, b) / (H(a) + H(b)) [Strehl, Ghosh 2002, JMLR 3]. It is not adjusted: many small classes share information by
    chance. `chance` is the mean over 20 seeded permutations of b. Standard error: a jackknife over 20 random groups.

    Raises:
        InputError: as `adjusted_rand`.
    """
    codes_a, codes_b = _codes(a, b)
    rng = np.random.default_rng([whole_number(seed, "seed", least=0), 1])
    chance = float(np.mean([_information(_table(codes_a, rng.permutation(codes_b))) for _ in range(GROUPS)]))
    return _estimate(codes_a, codes_b, _information, seed, chance)


def _codes(a: ArrayLike, b: ArrayLike) -> tuple[IntArray, IntArray]:
    n = len(as_labels(a))
    if n == 0:
        raise InputError("no labels were given; an agreement needs the same examples in both partitions.")
    return label_codes(a, "labels", n), label_codes(b, "labels", n)


def _estimate(a: IntArray, b: IntArray, measure: Callable[[FloatArray], float], seed: int, chance: float) -> Estimate:
    n = len(a)
    if n < 2 * GROUPS:
        return no_estimate((n, n), n, Status.TOO_FEW)
    whole = _table(a, b)
    parts = np.array_split(np.random.default_rng(whole_number(seed, "seed", least=0)).permutation(n), GROUPS)
    without = np.array([measure(whole - _table(a[part], b[part], whole.shape)) for part in parts])
    error = float(np.sqrt((GROUPS - 1) / GROUPS * ((without - without.mean()) ** 2).sum()))
    return Estimate(measure(whole), error, (n, n), n, chance=chance)


def _table(a: IntArray, b: IntArray, shape: tuple[int, ...] | None = None) -> FloatArray:
    """Counts of examples per pair of classes."""
    rows, columns = shape if shape is not None else (int(a.max()) + 1, int(b.max()) + 1)
    return np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def _rand(table: FloatArray) -> float:
    def pairs(counts: FloatArray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    together, in_a, in_b = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = in_a * in_b / pairs(table.sum(keepdims=True))
    most = (in_a + in_b) / 2
    return (together - expected) / (most - expected) if most != expected else 1.0


def _information(table: FloatArray) -> float:
    share = table / table.sum()

    def entropy(values: FloatArray) -> float:
        positive = values[values > 0]
        return float(-(positive * np.log(positive)).sum())

    of_a, of_b = entropy(share.sum(axis=1)), entropy(share.sum(axis=0))
    if of_a + of_b == 0:
        return 1.0
    return max(0.0, 2 * (of_a + of_b - entropy(share.ravel())) / (of_a + of_b))
