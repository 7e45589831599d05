"""Retrieval accuracy against loops and permutations."""

import numpy as np
import pytest

from dimscope import Status, neighbors, permuted_labels, retrieval_accuracy
from dimscope.errors import InputError, UsageError


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(3)
    points = rng.standard_normal((120, 3))
    return points, rng.choice(list("abcde"), 120, p=[0.4, 0.3, 0.15, 0.1, 0.05]), rng.integers(0, 30, 120)


def by_loop(points, labels, k, groups=None):
    hits = []
    for row in range(len(points)):
        away = np.linalg.norm(points - points[row], axis=1)
        away[row] = np.inf
        others = [j for j in np.argsort(away) if j != row and (groups is None or groups[j] != groups[row])]
        if not any(labels[j] == labels[row] for j in others):
            continue
        hits.append(any(labels[j] == labels[row] for j in others[:k]))
    return np.mean(hits), len(hits)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_equals_a_loop(case, k):
    points, labels, groups = case
    found = retrieval_accuracy(points, labels, k)
    value, used = by_loop(points, labels, k)
    assert (found.value, found.n_used) == (pytest.approx(value), used)
    found = retrieval_accuracy(neighbors(points, 40), labels, k, exclude=groups)
    value, used = by_loop(points, labels, k, groups)
    assert (found.value, found.n_used) == (pytest.approx(value), used)


@pytest.mark.parametrize("exclude", [False, True])
def test_chance_is_the_mean_over_permutations(case, exclude):
    points, labels, groups = case
    table = neighbors(points, 40)
    chosen = groups if exclude else None
    null = permuted_labels(lambda dealt: retrieval_accuracy(table, dealt, 3, exclude=chosen), labels, repeats=200)
    assert retrieval_accuracy(table, labels, 3, exclude=chosen).chance == pytest.approx(
        null.mean, abs=5 * null.spread / 200**0.5
    )


def test_stated_error_is_the_scatter():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        points = rng.random((300, 2))
        found.append(retrieval_accuracy(points, (points[:, 0] > 0.5) ^ (rng.random(300) < 0.15)))
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(scatter, rel=0.37)


def test_lonely_labels_are_not_asked_and_said(case):
    points, labels, _ = case
    named = np.where(np.arange(120) == 5, "alone", labels)
    found = retrieval_accuracy(points, named)
    assert found.n_dropped == 1
    assert found.status is Status.ALONE


def test_one_label_and_short_tables_are_refused(case):
    points, labels, _ = case
    with pytest.raises(InputError, match="all labels are equal"):
        retrieval_accuracy(points, np.zeros(120))
    with pytest.raises(UsageError, match="holds 2"):
        retrieval_accuracy(neighbors(points, 2), labels, 3)
