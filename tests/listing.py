"""A few points with coarse copies of them, and lists of candidates: what the compiled loops of the search work on."""

from typing import NamedTuple

import numpy as np

from dimscope.knn import kernels
from dimscope.knn.filters import Rows
from dimscope.knn.join import Lists


class Scene(NamedTuple):
    """Coarse points, the true points within the errors of them, their distances, and the rows that describe the coarse ones."""

    coarse: np.ndarray
    true: np.ndarray
    distances: np.ndarray
    rows: Rows


def scene_of(n=90, seed=0):
    """Normal points, each with an error of its own, all of which is used."""
    rng = np.random.default_rng(seed)
    true, step, errors = rng.standard_normal((n, 5)), rng.standard_normal((n, 5)), rng.uniform(0, 0.2, n)
    coarse = true + 0.999 * errors[:, None] * step / np.linalg.norm(step, axis=1, keepdims=True)
    distances = np.linalg.norm(true[:, None] - true, axis=2)
    np.fill_diagonal(distances, np.inf)
    return Scene(coarse, true, distances, rows_of(coarse, errors))


def rows_of(points, errors, blur=1e-6, mix=0.5):
    """Rows of a filter whose codes are the points."""
    norms, hidden = (points**2).sum(axis=1), (1 + 1 / mix) * errors**2
    offsets = ((norms - hidden) / 2 - blur * (norms + hidden) - kernels.TINY).astype(np.float32)
    return Rows(np.ones(len(points), np.float32), offsets, norms, errors, np.arange(len(points)), 1.0, mix, blur)


def lists_of(n, room, radius, rows):
    """Empty lists."""
    lists = Lists(
        0, np.zeros(n, np.int32), np.zeros((n, room), np.int32), np.zeros((n, room), np.float32),
        np.empty(n), np.empty(n, np.float32),
    )  # fmt: skip
    kernels.set_radii(0, n, np.broadcast_to(np.float64(radius), n).copy(), lists, rows)
    return lists


def collected(scene, room, radius, k=3):
    """The lists after one tile of all rows with all."""
    n, rows = len(scene.true), scene.rows
    lists = lists_of(n, room, radius, rows)
    kernels.collect((scene.coarse @ scene.coarse.T).astype(np.float32), 0, 0, True, False, k, lists, rows, rows)
    return lists


def assert_complete(lists, distances):
    """Every point within the radius of a row is in its list, once."""
    for row in range(len(distances)):
        found = lists.members[row, : lists.counts[row]].tolist()
        assert len(set(found)) == len(found)
        assert row not in found
        assert set(np.flatnonzero(distances[row] <= lists.radii[row])) <= set(found)
