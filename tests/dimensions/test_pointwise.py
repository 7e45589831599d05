"""Means over one value per point."""

import numpy as np
import pytest

from dimscope.dimensions.pointwise import mean_of_points, replicate_mean
from dimscope.knn import neighbors


@pytest.fixture(scope="module")
def table():
    return neighbors(np.random.default_rng(0).random((200, 2)), 5)


def test_points_without_a_value_are_dropped_and_said(table):
    local = np.arange(200.0)
    local[:10] = np.nan
    found = mean_of_points(table, local, (1, 5))
    assert found.value == pytest.approx(np.arange(10.0, 200.0).mean())
    assert (found.n_used, found.n_dropped) == (190, 10)
    assert not found.status.is_ok


def test_too_few_values_are_no_estimate(table):
    found = mean_of_points(table, np.full(200, np.nan), (1, 5))
    assert np.isnan(found.value)
    assert found.n_dropped == 200


def test_error_of_independent_values_is_that_of_a_mean(table):
    rng = np.random.default_rng(1)
    stated = [mean_of_points(table, rng.standard_normal(200), (1, 5)).stderr for _ in range(50)]
    assert np.mean(stated) == pytest.approx(1 / np.sqrt(200), rel=0.1)


def test_replicates_skip_missing_values():
    local = np.array([1.0, np.nan, 3.0])
    np.testing.assert_allclose(replicate_mean(local, [np.array([0, 1, 2]), np.array([0, 0, 1])]), [2.0, 1.0])
