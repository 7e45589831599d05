"""Permutation nulls against closed forms."""

import numpy as np
import pytest

from dimscope import cka, knn_accuracy, label_overlap, neighbors, overlap, permuted_labels, permuted_pairs
from dimscope.errors import UsageError


@pytest.fixture(scope="module")
def table():
    return neighbors(np.random.default_rng(0).random((150, 3)), 10)


def test_label_overlap_under_permutation_is_at_its_chance(table):
    labels = np.repeat([0, 1, 2], [90, 40, 20])
    null = permuted_labels(lambda dealt: label_overlap(table, dealt, 10), labels, repeats=200)
    exact = label_overlap(table, labels, 10).chance
    assert null.mean == pytest.approx(exact, abs=5 * null.spread / 200**0.5)
    assert null.observed == label_overlap(table, labels, 10).value


def test_overlap_of_permuted_tables_is_at_chance(table):
    null = permuted_pairs(lambda other: overlap(table, other, 10), table, repeats=60)
    assert null.observed == 1.0
    assert null.mean == pytest.approx(10 / 149, abs=5 * null.spread / 60**0.5)
    assert null.p_value == pytest.approx(1 / 61)


def test_a_permuted_table_is_the_table_of_permuted_points():
    points = np.random.default_rng(4).random((50, 2))
    seen = {}
    for kind, second in (("table", neighbors(points, 5)), ("points", points)):
        seen[kind] = []

        def note(other, kept=seen[kind]):
            kept.append(other if not isinstance(other, np.ndarray) else neighbors(other, 5))
            return 0.0

        permuted_pairs(note, second, repeats=3, seed=9)
    for one, other in zip(seen["table"], seen["points"], strict=True):
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.distances, other.distances)


def test_debiased_cka_has_mean_zero():
    rng = np.random.default_rng(1)
    a = rng.standard_normal((80, 100))
    null = permuted_pairs(lambda other: cka(a, other), a @ rng.standard_normal((100, 50)), repeats=50)
    assert abs(null.mean) < 5 * null.spread / 50**0.5


def test_groups_keep_what_they_explain(table):
    groups = np.repeat([0, 1], [75, 75])
    seen = []
    permuted_labels(lambda dealt: float(seen.append(np.array(dealt)) or 0), groups, groups=groups, repeats=3)
    assert all((dealt == groups).all() for dealt in seen)


def test_the_same_seed_gives_the_same_draws(table):
    labels = np.arange(150) % 3

    def measure(dealt):
        return knn_accuracy(table, dealt, 5)

    one = permuted_labels(measure, labels, repeats=5, seed=3).draws
    np.testing.assert_array_equal(one, permuted_labels(measure, labels, repeats=5, seed=3).draws)
    assert (one != permuted_labels(measure, labels, repeats=5, seed=4).draws).any()


def test_p_values_of_the_null_are_uniform(table):
    labels = np.repeat([0, 1], [75, 75])
    rng = np.random.default_rng(8)
    found = []
    for seed in range(40):
        null = permuted_labels(lambda dealt: label_overlap(table, dealt, 10), rng.permutation(labels), repeats=19, seed=seed)
        found.append(null.p_value)
    assert 0.35 < np.mean(found) < 0.65
    assert min(found) >= 1 / 20


def test_merged_rows_and_one_repeat_are_refused(table):
    points = np.random.default_rng(0).random((30, 2))
    points[3] = points[4]
    with pytest.raises(UsageError, match="merged rows"):
        permuted_pairs(lambda other: 0.0, neighbors(points, 5))
    with pytest.raises(UsageError, match="at least 2"):
        permuted_labels(lambda dealt: 0.0, [0, 1], repeats=1)
