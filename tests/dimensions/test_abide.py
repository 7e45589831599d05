"""ABIDE against a point-by-point reading of its formulas, and on data of constant density."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.special import gamma

from dimscope import Status, dimension, neighbors
from dimscope.dimensions.abide import BEST_SHARE, Abide
from dimscope.errors import UsageError
from dimscope.knn.base import Duplicates, Neighbors


def periodic(n, d, seed, k):
    """The table of uniform points in a periodic box: constant density, no boundary, no curvature."""
    points = np.random.default_rng(seed).random((n, d))
    distances, indices = cKDTree(points, boxsize=1).query(points, k + 1)
    own = np.arange(n)
    return Neighbors(indices[:, 1:], distances[:, 1:], Duplicates(own, np.ones(n, dtype=np.int64)))


def neighborhood(table, row, d, limit):
    """The largest size before the first rejection, with volumes written out."""
    volume = np.pi ** (d / 2) / gamma(d / 2 + 1)
    accepted = 2
    for k in range(3, table.k):
        other = table.indices[row, k]
        mine = volume * table.distances[row, k - 1] ** d
        theirs = volume * table.distances[other, k - 1] ** d
        statistic = -2 * k * (np.log(mine) + np.log(theirs) - 2 * np.log(mine + theirs) + np.log(4))
        if statistic >= limit:
            break
        accepted = k
    return max(accepted, 3)


def read_by_hand(table, d, limit=6.634896601021213):
    """Share of inner neighbours, sizes and outer counts at d; the limit is the 99 % quantile of chi^2 with one degree."""
    sizes = [neighborhood(table, row, d, limit) for row in range(table.n)]
    ratio = 0.2032 ** (1 / d)
    inside = sum((table.distances[row, :k] <= ratio * table.distances[row, k - 1]).sum() for row, k in enumerate(sizes))
    return inside / sum(k - 1 for k in sizes), np.array(sizes)


@pytest.mark.parametrize("name", ["A", "B"])
def test_is_the_dimension_that_the_formulas_give_back(recipes, name):
    table = neighbors(recipes[name], 40)
    found = dimension(table, "abide", k=40)
    below, above = (read_by_hand(table, found.value * factor)[0] for factor in (1 - 1e-6, 1 + 1e-6))
    assert below < 0.2032 <= above
    sizes = read_by_hand(table, found.value)[1]
    assert found.scale == (3, int(np.median(sizes)))
    logs = np.log(table.distances[7, sizes[7] - 1] / table.distances[7, : sizes[7] - 1])
    assert found.local[7] == pytest.approx((sizes[7] - 2) / logs.sum(), rel=1e-12)


def test_the_best_share_is_the_minimum_of_the_variance():
    share = np.linspace(0.1, 0.4, 30001)
    variance = (1 / share - 1) / np.log(share) ** 2
    assert share[variance.argmin()] == pytest.approx(BEST_SHARE, abs=2e-4)


def test_constant_density_fills_the_table_and_gives_the_dimension():
    found = dimension(periodic(2000, 3, 5, 60), "abide", k=60)
    assert found.scale[1] >= 50
    assert abs(found.value - 3) < 3 * found.stderr
    assert found.status is Status.OK


def test_neighborhoods_end_where_the_density_changes():
    normal = dimension(np.random.default_rng(2).standard_normal((2000, 5)), "abide")
    assert normal.scale[1] < 0.5 * dimension(periodic(2000, 5, 2, 100), "abide").scale[1]
    assert normal.value == pytest.approx(5, rel=0.06)


def test_a_stricter_test_gives_larger_neighborhoods(recipes):
    table = neighbors(recipes["A"], 100)
    sizes = [dimension(table, "abide", alpha=alpha).scale[1] for alpha in (0.1, 0.01, 1e-6)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_repeated_rows_order_shift_and_scale_do_not_change_the_value(recipes):
    a = recipes["A"]
    plain = dimension(a, "abide").value
    assert dimension(recipes["D"], "abide").value == pytest.approx(plain, rel=1e-12)
    assert dimension(a[np.random.default_rng(0).permutation(len(a))] + 1e3, "abide").value == pytest.approx(plain, rel=1e-9)
    assert dimension(a * 2.0**-30, "abide").value == pytest.approx(plain, rel=1e-12)


def test_kept_duplicates_are_left_out_and_said(recipes):
    found = dimension(neighbors(recipes["D"], 100, duplicates="keep"), "abide")
    assert found.status is Status.ZERO_DISTANCES
    assert found.n_dropped == 40
    assert found.value == pytest.approx(dimension(recipes["A"], "abide").value, rel=0.1)


def test_the_stated_error_is_not_below_the_fisher_error(recipes):
    table = neighbors(recipes["A"], 40)
    found = dimension(table, "abide", k=40)
    _, sizes = read_by_hand(table, found.value)
    fisher = np.sqrt((1 / 0.2032 - 1) / (sizes - 1).sum()) * found.value / -np.log(0.2032)
    assert 0.99 * fisher < found.stderr < 3 * fisher


def test_replicates_scatter_around_the_value(recipes):
    table = neighbors(recipes["A"], 60)
    rng = np.random.default_rng(0)
    values = Abide(k=60).replicate(table, (rng.integers(0, table.n, table.n) for _ in range(100)))
    found = Abide(k=60).estimate(table)
    assert abs(values.mean() - found.value) < found.stderr
    assert 0.3 * found.stderr < values.std() < 1.3 * found.stderr


def test_equal_distances_and_few_points_have_no_estimate():
    found = dimension(np.eye(30), "abide", k=10)
    assert np.isnan(found.value) and found.status is Status.NO_SPREAD
    few = dimension(np.random.default_rng(0).random((8, 2)), "abide", k=6)
    assert np.isnan(few.value) and few.status is Status.TOO_FEW


@pytest.mark.parametrize(("options", "text"), [({"k": 4}, "at least 5"), ({"alpha": 0.0}, "between 0 and 1")])
def test_impossible_options_are_refused(options, text):
    with pytest.raises(UsageError, match=text):
        Abide(**options)
