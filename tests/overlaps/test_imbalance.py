"""Information imbalance against DADApy and a full ranking."""

import numpy as np
import pytest

from dimscope import information_imbalance
from dimscope.errors import InputError
from dimscope.overlaps.imbalance import ranks_of


def full_ranks(points):
    """Rank of every point from every other by sorting exact distances, ties by index; 0 on the diagonal."""
    distances = ((points[:, None] - points[None, :]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, -1)
    return np.argsort(np.argsort(distances, axis=1, kind="stable"), axis=1, kind="stable")


@pytest.mark.parametrize("k", [1, 5])
def test_equals_dadapy_in_both_directions(recipes, oracles, k):
    forward, backward = (pair[0] for pair in oracles["dadapy"][f"A.return_information_imbalace(B,k={k})"])
    assert information_imbalance(recipes["A"], recipes["B"], k).value == pytest.approx(forward, rel=1e-10)
    assert information_imbalance(recipes["B"], recipes["A"], k).value == pytest.approx(backward, rel=1e-10)


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_ranks_on_a_grid_with_ties_equal_sorting(shift):
    grid = np.array([[x, y] for x in range(7) for y in range(7)], dtype=float) + shift
    targets = np.array([[(row + step) % 49 for step in (1, 5, 30)] for row in range(49)])
    expected = np.take_along_axis(full_ranks(grid), targets, axis=1)
    np.testing.assert_array_equal(ranks_of(grid, targets), expected)


def test_unrelated_points_are_at_chance():
    rng = np.random.default_rng(0)
    found = information_imbalance(rng.random((1000, 3)), rng.random((1000, 3)))
    assert found.chance == 1.0
    assert abs(found.value - 1) < 4 * found.stderr


def test_a_projection_is_predicted_but_does_not_predict():
    points = np.random.default_rng(1).random((500, 3))
    down = information_imbalance(points, points[:, :1])
    up = information_imbalance(points[:, :1], points)
    assert down.value < 0.5 * up.value


def test_repeated_rows_are_left_out(recipes):
    doubled = np.vstack([recipes["A"], recipes["A"][:30]]), np.vstack([recipes["B"], recipes["B"][:30]])
    found = information_imbalance(*doubled)
    assert found.value == pytest.approx(information_imbalance(recipes["A"], recipes["B"]).value, rel=1e-12)
    assert found.n_dropped == 30


def test_different_numbers_of_points_are_refused():
    with pytest.raises(InputError, match="10 and 9 points"):
        information_imbalance(np.random.rand(10, 2), np.random.rand(9, 2))


def test_too_few_points_are_no_estimate():
    found = information_imbalance(np.eye(3), np.eye(3), k=2)
    assert np.isnan(found.value)
    assert not found.status.is_ok
