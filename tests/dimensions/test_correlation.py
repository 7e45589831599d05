"""Correlation dimension against recorded values, and against all pairs written out."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from dimscope import Status, dimension, neighbors
from dimscope.dimensions.correlation import Correlation
from dimscope.errors import UsageError


@pytest.mark.parametrize("name", ["A", "C"])
def test_equals_scikit_dimension(recipes, oracles, name):
    found = dimension(recipes[name], "correlation")
    assert found.value == pytest.approx(oracles["skdim"][f"{name}.CorrInt(k1=10,k2=20)"], rel=1e-10)


def test_equals_counts_over_all_pairs():
    points = np.random.default_rng(3).random((150, 3))
    pairs = pdist(points)
    ordered = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)[:, 1:]
    small, large = np.median(ordered[:, 4]), np.median(ordered[:, 11])
    expected = np.log((pairs < large).sum() / (pairs < small).sum()) / np.log(large / small)
    found = dimension(points, "correlation", near=5, far=12)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.radius == pytest.approx((small + large) / 2, rel=1e-12)


def test_a_table_that_ends_too_early_is_no_estimate_and_points_are(recipes):
    found = dimension(neighbors(recipes["A"], 20), "correlation")
    assert np.isnan(found.value) and np.isnan(found.stderr)
    assert found.status is Status.LISTS_END
    assert "larger k" in found.status.value
    assert dimension(recipes["A"], "correlation").status is Status.OK


def test_repeated_rows_do_not_change_the_value(recipes):
    assert dimension(recipes["D"], "correlation").value == pytest.approx(
        dimension(recipes["A"], "correlation").value, rel=1e-12
    )


def test_kept_duplicates_are_said(recipes):
    found = dimension(neighbors(recipes["D"], 419, duplicates="keep"), "correlation")
    assert found.status is Status.ZERO_DISTANCES


def test_does_not_see_order_shift_and_scale():
    rng = np.random.default_rng(1)
    points = rng.standard_normal((200, 4))
    plain = dimension(points, "correlation").value
    moved = dimension(1e3 + points[rng.permutation(200)], "correlation").value
    assert moved == pytest.approx(plain, rel=1e-9)
    assert dimension(points * 2.0**-40, "correlation").value == pytest.approx(plain, rel=1e-12)


def test_replicates_scatter_around_the_value(recipes):
    table = neighbors(recipes["A"], 399)
    rng = np.random.default_rng(0)
    values = Correlation().replicate(table, (rng.integers(0, table.n, table.n) for _ in range(100)))
    found = Correlation().estimate(table)
    assert abs(values.mean() - found.value) < found.stderr
    assert 0.3 * found.stderr < values.std() < 1.3 * found.stderr


def test_equal_distances_have_no_estimate():
    found = dimension(np.eye(30), "correlation")
    assert np.isnan(found.value)
    assert found.status is Status.NO_SPREAD


@pytest.mark.parametrize("options", [{"near": 0}, {"near": 20}, {"far": 10}])
def test_impossible_ranks_are_refused(options):
    with pytest.raises(UsageError, match="1 <= near < far"):
        Correlation(**options)
