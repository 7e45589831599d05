"""Shared pieces of the overlap measures: the k neighbours of the examples that two tables have in common."""

from dataclasses import dataclass

import numpy as np

from dimscope.arrays import IntArray
from dimscope.errors import InputError
from dimscope.knn.base import Neighbors
from dimscope.knn.subsets import FirstNeighbors, first_allowed, first_members


@dataclass(frozen=True, eq=False)
class CommonExamples:
    """The input rows that are distinct in both tables.

    Attributes:
        rows: shape (m,), ascending input rows.
        rows_a: shape (m,), the same examples as rows of table a.
        rows_b: the same for table b.
    """

    rows: IntArray
    rows_a: IntArray
    rows_b: IntArray


def common_examples(a: Neighbors, b: Neighbors) -> CommonExamples:
    """The examples that have a row of their own in both tables.

    Raises:
        InputError: the tables come from different numbers of input rows.
    """
    refuse_other_examples(a.duplicates.n_rows, b.duplicates.n_rows)
    rows, in_a, in_b = np.intersect1d(a.duplicates.rows, b.duplicates.rows, assume_unique=True, return_indices=True)
    return CommonExamples(rows, in_a, in_b)


def refuse_other_examples(n_a: int, n_b: int) -> None:
    """Nothing if both sides hold as many examples.

    Raises:
        InputError: they do not.
    """
    if n_a != n_b:
        raise InputError(f"{n_a} and {n_b} examples were given; an overlap needs the same examples in the same order in both.")


def shared_counts(a: IntArray, b: IntArray) -> IntArray:
    """How many entries each row of a has in common with the same row of b; entries are distinct within a row."""
    both = np.sort(np.concatenate([a, b], axis=1), axis=1)
    counts: IntArray = (both[:, 1:] == both[:, :-1]).sum(axis=1)
    return counts


def among(points: IntArray, neighbors: IntArray, n: int) -> IntArray:
    """The neighbours as positions within `points` (ascending, out of n); -1 where a neighbour is not one of them."""
    if len(points) == n:
        return neighbors
    position = np.full(n, -1, dtype=np.int64)
    position[points] = np.arange(len(points))
    return np.asarray(position[neighbors])


__all__ = [
    "CommonExamples", "FirstNeighbors", "among", "common_examples", "first_allowed", "first_members", "refuse_other_examples",
    "shared_counts",
]  # fmt: skip
