"""Compiled: the smallest of some numbers that are not negative.

Such floats have the order of their bits, so the k-th smallest is found by halving an interval of whole numbers. Each step
counts the numbers below its middle: many lanes at once, and no branch that depends on one of them.
"""

from typing import Any

import numpy as np

from dimscope.compiled import compiled

RANKED = 1024
"""Up to so many pairs the rank of each is counted, at n^2 comparisons; beyond, n^2 costs more than sorting does (measured)."""


@compiled
def select(values: Any, n: Any, k: Any) -> Any:
    """The k-th smallest (from 0) of the first n float64 values; a negative one passes for 0."""
    return np.int64(_select_bits(values.view(np.int64), n, k)).view(np.float64)


@compiled
def select_float32(values: Any, n: Any, k: Any) -> Any:
    """As `select`, for float32."""
    return np.int32(_select_bits(values.view(np.int32), n, k)).view(np.float32)


@compiled
def _select_bits(bits: Any, n: Any, k: Any) -> Any:
    """The k-th smallest (from 0) of the first n integers, 32 or 64 bits wide; a negative one passes for 0."""
    kind = bits.dtype.type
    low, high = kind(bits[0]), kind(bits[0])
    for p in range(n):
        low, high = kind(min(low, bits[p])), kind(max(high, bits[p]))
    low, high = kind(max(low, 0)), kind(max(high, 0))
    while low < high:
        middle, count = kind(low + (high - low) // 2), kind(0)
        for p in range(n):
            count += kind(bits[p] <= middle)
        if count <= k:
            low = kind(middle + 1)
            continue
        high = middle
        if count == k + 1:
            break
    found = kind(0)
    for p in range(n):
        found = kind(max(found, bits[p] & -kind(bits[p] <= high)))
    return found


@compiled
def select_in_rows(rows: Any, k: Any, out: Any) -> None:
    """`select_float32` for each row of a table."""
    for i in range(rows.shape[0]):
        out[i] = select_float32(rows[i], rows.shape[1], k)


@compiled
def take_smallest(values: Any, indices: Any, best: Any, best_indices: Any) -> None:
    """The k smallest values with their indices, ascending; equal values by index. `values` may hold infinity, but no NaN."""
    k: Any = best.shape[0]
    n: Any = 0
    limit = select(values, values.shape[0], k - 1)
    kept, names = np.empty(values.shape[0] + 1), np.empty(values.shape[0] + 1, np.int64)
    for p in range(values.shape[0]):
        kept[n], names[n] = values[p], indices[p]
        n += np.int64(values[p] <= limit)
    if n <= RANKED:
        _place_by_rank(kept, names, n, best, best_indices)
        return
    _sort_pairs(kept, names, n)
    for p in range(k):
        best[p], best_indices[p] = kept[p], names[p]


@compiled
def _place_by_rank(values: Any, indices: Any, n: Any, best: Any, best_indices: Any) -> None:
    """Put each of the first n pairs where it belongs: before it stand as many as are smaller. `indices` do not repeat."""
    k: Any = best.shape[0]
    total = np.int64(0)
    for p in range(n):
        value, rank = values[p], np.int64(0)
        for q in range(n):
            rank += np.int64(values[q] < value)
        total += rank
        if rank < k:
            best[rank], best_indices[rank] = value, indices[p]
    if total == n * (n - 1) // 2:
        return
    for p in range(n):  # some values are equal: their indices decide
        value, index, rank = values[p], indices[p], np.int64(0)
        for q in range(n):
            rank += np.int64((values[q] < value) | ((values[q] == value) & (indices[q] < index)))
        if rank < k:
            best[rank], best_indices[rank] = value, index


@compiled
def _sort_pairs(values: Any, indices: Any, n: Any) -> None:
    """Sort the first n pairs by value, then index [Shell 1959, doi:10.1145/368370.368387, with gaps falling by 2.25]."""
    gap = 1
    while gap < n // 3:
        gap = int(2.25 * gap) + 1
    while gap > 0:
        for p in range(gap, n):
            value, index, q = values[p], indices[p], p
            while q >= gap and (values[q - gap] > value or (values[q - gap] == value and indices[q - gap] > index)):
                values[q], indices[q] = values[q - gap], indices[q - gap]
                q -= gap
            values[q], indices[q] = value, index
        gap = int(gap / 2.25)
