"""Debiased CKA against recorded values and the definition on whole kernel matrices."""

import numpy as np
import pytest

from dimscope import cka
from dimscope.errors import InputError


def from_kernels(a, b):
    """The definition, with the n x n matrices written out."""
    n = len(a)

    def hsic(x, y):
        k, m = x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        one = np.ones(n)
        spread = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
        return (np.trace(k @ m) + spread - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3))

    return hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))


def test_equals_the_recorded_value(recipes, oracles):
    expected = oracles["platonic_rep"]["check"]["unbiased"]
    assert cka(recipes["A"], recipes["B"]).value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("d", [3, 400])
def test_equals_the_definition(d):
    rng = np.random.default_rng(d)
    a = rng.standard_normal((80, d))
    b = a[:, :3] @ rng.standard_normal((3, 5)) + 0.5 * rng.standard_normal((80, 5))
    assert cka(a, b).value == pytest.approx(from_kernels(a, b), rel=1e-9)


def test_the_original_form_is_the_cosine_of_centred_kernels():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((80, 30)) + 7, rng.standard_normal((80, 20))
    middle = np.eye(80) - 1 / 80
    k, m = middle @ a @ a.T @ middle, middle @ b @ b.T @ middle
    found = cka(a, b, debiased=False)
    assert found.value == pytest.approx((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()), rel=1e-9)
    assert found.value > 0.2  # unrelated, with many features for 80 examples
    assert abs(cka(a, b).value) < 4 * cka(a, b).stderr
    assert np.isnan(found.chance)
    assert np.isnan(cka(np.ones((80, 3)), b, debiased=False).value)


def test_the_error_of_the_original_form_is_the_scatter():
    rng = np.random.default_rng(6)
    found = []
    for _ in range(60):
        a = rng.standard_normal((200, 4))
        found.append(cka(a, a[:, :2] + rng.standard_normal((200, 2)), debiased=False))
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(scatter, rel=0.37)


def test_does_not_see_rotation_scale_and_shift():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((200, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    assert cka(points, 1e6 + 3 * points @ rotation).value == pytest.approx(1.0, abs=1e-6)


def test_unrelated_representations_with_many_features_are_at_chance():
    rng = np.random.default_rng(3)
    values = [cka(rng.standard_normal((60, 200)), rng.standard_normal((60, 200))).value for _ in range(30)]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(30)


def test_stated_error_is_the_scatter():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(60):
        a = rng.standard_normal((200, 4))
        found.append(cka(a, a[:, :2] + rng.standard_normal((200, 2))))
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(scatter, rel=0.37)


def test_equal_points_and_few_points_are_no_estimate():
    assert np.isnan(cka(np.ones((50, 2)), np.random.rand(50, 2)).value)
    assert np.isnan(cka(np.random.rand(20, 2), np.random.rand(20, 2)).value)


def test_different_numbers_of_points_are_refused():
    with pytest.raises(InputError, match="50 and 49 points"):
        cka(np.random.rand(50, 2), np.random.rand(49, 2))
