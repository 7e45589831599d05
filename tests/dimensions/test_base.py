"""The factor by which shared neighbours inflate an error, and the errors that are made with it."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from dimscope import dimension, neighbors
from dimscope.dimensions.base import shared_inflation
from dimscope.errors import UsageError
from dimscope.knn.base import Duplicates, Neighbors


def periodic(n, d, seed, k):
    """The table of uniform points in a periodic box: constant density, no boundary, no curvature."""
    points = np.random.default_rng(seed).random((n, d))
    distances, indices = cKDTree(points, boxsize=1).query(points, k + 1)
    return Neighbors(indices[:, 1:], distances[:, 1:], Duplicates(np.arange(n), np.ones(n, dtype=np.int64)))


def by_hand(scores, used, indices):
    deviations = [score - scores[used].mean() if here else 0.0 for score, here in zip(scores, used, strict=True)]
    pairs = {(i, int(j)) for i, row in enumerate(indices) for j in row}
    pairs |= {(j, i) for i, j in pairs}
    alone = sum(value**2 for value in deviations)
    return np.sqrt(max(1, 1 + sum(deviations[i] * deviations[j] for i, j in pairs) / alone))


@pytest.mark.parametrize("rank", [2, 5])
def test_equals_a_sum_over_pairs(rank):
    table = periodic(80, 2, 0, 6)
    rng = np.random.default_rng(1)
    scores, used = table.distances[:, 1] / table.distances[:, 0] + 0.1 * rng.random(80), rng.random(80) < 0.8
    expected = by_hand(scores, used, table.indices[:, :rank])
    assert shared_inflation(scores, used, table, rank) == pytest.approx(expected, rel=1e-12)


def test_equal_scores_are_not_inflated():
    assert shared_inflation(np.ones(30), np.ones(30, dtype=bool), periodic(30, 2, 0, 3), 2) == 1.0


@pytest.mark.parametrize(
    ("name", "options", "rank"), [("twonn", {}, 2), ("twonn", {"method": "ml"}, 2), ("gride", {"ranks": 8}, 8)]
)
def test_errors_are_those_of_independent_points_times_the_factor(name, options, rank):
    table = periodic(200, 2, 3, 10)
    plain, found = dimension(table, name, errors="independent", **options), dimension(table, name, **options)
    near = table.distances[:, rank // 2 - 1]
    ratios, d = np.log(table.distances[:, rank - 1] / near), found.value
    if name == "gride":
        scores = 1 / d + 3 * ratios / (1 - np.exp(-d * ratios)) - 7 * ratios
    else:
        last = np.sort(ratios)[int(0.9 * 200) - 1]
        scores = (ratios <= last) - d * np.minimum(ratios, last)
    factor = by_hand(scores, np.ones(200, dtype=bool), table.indices[:, :rank])
    assert found.value == plain.value
    assert found.stderr == pytest.approx(factor * plain.stderr, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "options"),
    [("twonn", {}), ("twonn", {"method": "ml"}), ("gride", {"ranks": 2}), ("gride", {"ranks": 8}), ("gride", {"ranks": 32})],
)
def test_intervals_cover_where_the_density_is_constant(name, options):
    found = [dimension(periodic(400, 2, seed, 32), name, **options) for seed in range(150)]
    covered = np.mean([abs(estimate.value - 2) < 1.96 * estimate.stderr for estimate in found])
    assert 0.88 <= covered <= 1.0  # 0.95 less three standard errors of a share of 150, and 0.02 of model error


def test_unknown_errors_are_refused(recipes):
    for name in ("twonn", "gride"):
        with pytest.raises(UsageError, match="kind of errors"):
            dimension(neighbors(recipes["A"], 10), name, errors="jackknife")
