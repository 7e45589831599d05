"""What the coarse copies of a filter are, in float64 and from their description."""

import numpy as np
from scipy.linalg import hadamard

from dimscope.knn.filters import Float32Filter
from dimscope.knn.integers import Int8Filter, Int16Filter
from dimscope.knn.scratch import Scratch

KINDS_OF_FILTER = [Int8Filter, Int16Filter, Float32Filter]


def filled(kind, points, frame, places=None):
    """The filter of the points."""
    places = np.arange(len(points)) if places is None else places
    with Scratch(points) as scratch:
        return kind(scratch.searchable(points), places, places, frame, scratch, lambda work, items: [*map(work, items)])


def rotation(width):
    """The orthogonal map of the integer filters without its signs as a matrix (width, width)."""
    block = width & -width
    n_blocks = width // block
    mirror = np.eye(n_blocks) - 2 / n_blocks if n_blocks > 1 else np.eye(1)
    by_blocks = np.kron(mirror, hadamard(block) / np.sqrt(block)).reshape(width, n_blocks, block)
    return by_blocks.swapaxes(1, 2).reshape(width, width)  # place h of a block stands beside place h of the next one


def exact_rows(kind, points, frame):
    """The rows t_i that a filter approximates, in float64."""
    centred = points.astype(np.float64) * frame.scale - frame.mean
    if kind is Float32Filter:
        return centred
    wide = np.zeros((len(points), len(frame.signs)))
    wide[:, : points.shape[1]] = centred
    return (wide * frame.signs) @ rotation(len(frame.signs))


def digits_of(made):
    """High and low digits of an `Int16Filter`, float64."""
    width = made.codes.shape[1] // 3
    return made.codes[:, :width].astype(np.float64), made.codes[:, width : 2 * width].astype(np.float64)


def codes_of(made):
    """The codes q_i, float64."""
    if not isinstance(made, Int16Filter):
        return made.codes.astype(np.float64)
    high, low = digits_of(made)
    return 254 * high + low


def coarse_of(made):
    """The coarse rows c_i = f_i q_i."""
    return codes_of(made) * made.rows.factors.astype(np.float64)[:, None]
