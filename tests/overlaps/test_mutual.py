"""Mutual kNN against the recorded value of platonic-rep and inner products written out."""

import numpy as np
import pytest

from dimscope import mutual_knn
from dimscope.errors import InputError
from dimscope.overlaps.mutual import nearest_by_angle


@pytest.mark.parametrize("k", [10, 30])
def test_equals_platonic_rep(recipes, oracles, k):
    expected = oracles["platonic_rep"][f"mutual_knn(normalize(A),normalize(B),topk={k})"]
    assert mutual_knn(recipes["A"], recipes["B"], k).value == pytest.approx(expected, abs=1e-7)


def test_equals_the_largest_cosines():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((60, 5)), rng.standard_normal((60, 3))
    near = []
    for points in (a, b):
        directions = points / np.linalg.norm(points, axis=1, keepdims=True)
        cosines = directions @ directions.T
        np.fill_diagonal(cosines, -2)
        near.append([set(np.argsort(-row)[:7]) for row in cosines])
    expected = np.mean([len(one & other) / 7 for one, other in zip(*near, strict=True)])
    found = mutual_knn(a, b, 7)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.chance == pytest.approx(7 / 59)


def test_does_not_see_the_length_of_vectors():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((80, 4)), rng.standard_normal((80, 6))
    stretched = a * np.exp(rng.standard_normal((80, 1)))
    assert mutual_knn(stretched, b * 2.0**-600, 5).value == mutual_knn(a, b, 5).value


def test_a_row_of_zeros_is_refused():
    points = np.ones((20, 3))
    points[4] = 0
    with pytest.raises(InputError, match=r"1 of 20 rows are zero \(the first is row 4\)"):
        mutual_knn(points, points)


def test_its_table_has_the_largest_cosines_first():
    points = np.random.default_rng(2).standard_normal((40, 4)) * np.arange(1, 41)[:, None]
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    cosines = directions @ directions.T - 2 * np.eye(40)
    np.testing.assert_array_equal(nearest_by_angle(points, 6).indices, np.argsort(-cosines, axis=1)[:, :6])
