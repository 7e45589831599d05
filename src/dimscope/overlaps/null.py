"""Permutation nulls: what a measure gives when labels, or the pairing of examples, carry nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from dimscope.arrays import FloatArray, as_labels, as_points, label_codes, whole_number
from dimscope.errors import UsageError
from dimscope.estimates import Estimate
from dimscope.knn.base import Neighbors
from dimscope.notebook import line_of


@dataclass(frozen=True, eq=False, repr=False)
class PermutationNull:
    """A measure under random permutations.

    Attributes:
        observed: the value without permutation.
        draws: shape (repeats,): the values under permutation.
    """

    observed: float
    draws: FloatArray

    def __repr__(self) -> str:
        facts = {"observed": self.observed, "mean": self.mean, "spread": self.spread, "p_value": self.p_value}
        return line_of(self, **facts, repeats=len(self.draws))

    @property
    def mean(self) -> float:
        """The chance level."""
        return float(self.draws.mean())

    @property
    def spread(self) -> float:
        """Standard deviation under the null."""
        return float(self.draws.std(ddof=1))

    @property
    def p_value(self) -> float:
        """(1 + number of draws that reach the observed value) / (1 + repeats), one-sided, never 0
        [Phipson, Smyth 2010, doi:10.2202/1544-6115.1585]."""
        return float((1 + (self.draws >= self.observed).sum()) / (1 + len(self.draws)))


def permuted_labels(
    measure: Callable[[ArrayLike], Estimate | float],
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    repeats: int = 100,
    seed: int = 0,
) -> PermutationNull:
    """The null of a measure of labels: the same labels dealt anew to the examples, each time at random.

    Args:
        measure: called with labels; for example `lambda dealt: knn_accuracy(table, dealt)`.
        labels: one per example.
        groups: one per example; labels are then dealt within each group only, which keeps what the group explains.
        repeats: permutations, at least 2.
        seed: of the permutations.

    Raises:
        UsageError: fewer than 2 repeats.
        InputError: labels or groups are missing, or as many groups as labels were not given.

    Examples:
        >>> import numpy as np
        >>> from dimscope import knn_accuracy
        >>> points = np.r_[np.random.default_rng(0).random((40, 2)), 9 + np.random.default_rng(1).random((40, 2))]
        >>> null = permuted_labels(lambda dealt: knn_accuracy(points, dealt, k=5), np.repeat([0, 1], 40))
        >>> null.observed, round(null.p_value, 3), abs(null.mean - 0.5) < 0.1
        (1.0, 0.01, True)
    """
    array = as_labels(labels)
    codes = np.zeros(len(array), dtype=np.int64) if groups is None else label_codes(groups, "groups", len(array))
    members = [np.flatnonzero(codes == group) for group in range(int(codes.max(initial=-1)) + 1)]

    def dealt(rng: np.random.Generator) -> ArrayLike:
        order = np.arange(len(array))
        for rows in members:
            order[rows] = rng.permutation(rows)
        return array[order]

    return _drawn(measure(array), lambda rng: measure(dealt(rng)), repeats, seed)


def permuted_pairs(
    measure: Callable[[Neighbors | ArrayLike], Estimate | float],
    second: Neighbors | ArrayLike,
    *,
    repeats: int = 100,
    seed: int = 0,
) -> PermutationNull:
    """The null of a comparison of two representations: the examples of the second one in random order.

    Args:
        measure: called with the second representation; for example `lambda other: cka(points, other)`.
        second: its points, or its neighbour table without merged rows.
        repeats: permutations, at least 2.
        seed: of the permutations.

    Raises:
        UsageError: fewer than 2 repeats, or a table with merged rows.
        InputError: the points cannot be used.
    """
    if isinstance(second, Neighbors) and second.n != second.duplicates.n_rows:
        raise UsageError("the pairs of a table with merged rows cannot be permuted; give the points.")
    array = np.empty(0) if isinstance(second, Neighbors) else as_points(second)

    def shuffled(rng: np.random.Generator) -> Neighbors | ArrayLike:
        if not isinstance(second, Neighbors):
            return array[rng.permutation(len(array))]
        order = rng.permutation(second.n)
        new_name = np.argsort(order)
        return replace(second, indices=new_name[second.indices[order]], distances=second.distances[order], _validated=True)

    return _drawn(measure(second), lambda rng: measure(shuffled(rng)), repeats, seed)


def _drawn(
    observed: Estimate | float, draw: Callable[[np.random.Generator], Estimate | float], repeats: int, seed: int
) -> PermutationNull:
    if whole_number(repeats, "repeats") < 2:
        raise UsageError(f"repeats={repeats} was asked for; a null needs at least 2 permutations.")
    streams: Sequence[np.random.SeedSequence] = np.random.SeedSequence(whole_number(seed, "seed", least=0)).spawn(repeats)
    values = np.array([float(draw(np.random.default_rng(stream))) for stream in streams])
    return PermutationNull(float(observed), values)
