"""Errors of means with correlated neighbours against a dense sum, and bootstrap draws against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope import label_overlap, neighbors
from dimscope.uncertainty import bootstrap_draws, error_from_sample, error_of_mean, widened


def dense_error(deviations, lists):
    """The sum over all pairs, one by one."""
    n = len(deviations)
    total = alone = sum(value * value for value in deviations)
    for i in range(n):
        for j in range(n):
            if i != j and (j in lists[i] or i in lists[j]):
                total += deviations[i] * deviations[j]
    return np.sqrt(max(total, alone))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(6, 25), k=st.integers(1, 5), gaps=st.booleans())
def test_equals_the_sum_over_pairs(seed, n, k, gaps):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(np.delete(np.arange(n), row))[:k] for row in range(n)])
    if gaps:
        lists[rng.random(lists.shape) < 0.3] = -1
    deviations = rng.standard_normal(n) / n
    present = [set(row[row >= 0].tolist()) for row in lists]
    assert error_of_mean(deviations, lists) == pytest.approx(dense_error(deviations, present), rel=1e-10)


def test_pairs_listed_in_both_directions_count_once_each_way():
    deviations = np.array([0.5, 0.25, -0.1])
    mutual = np.array([[1], [0], [0]])  # 0 and 1 list each other, 2 lists 0
    expected = 0.5**2 + 0.25**2 + 0.1**2 + 2 * 0.5 * 0.25 - 2 * 0.5 * 0.1
    assert error_of_mean(deviations, mutual) == pytest.approx(np.sqrt(expected), rel=1e-14)


def test_equal_values_of_neighbours_add_up():
    """Two groups that share one value each have the error of two independent values, not of n."""
    deviations = np.repeat([0.5, -0.5], 10) / 20
    lists = np.array([[other for other in range(20) if other // 10 == row // 10 and other != row] for row in range(20)])
    assert error_of_mean(deviations, lists) == pytest.approx(np.sqrt(2) * 0.25, rel=1e-12)


def test_without_neighbours_it_is_the_error_of_independent_points():
    values = np.random.default_rng(0).standard_normal(50)
    deviations = (values - values.mean()) / 50
    lists = np.full((50, 3), -1)
    assert error_of_mean(deviations, lists) == pytest.approx(values.std() / np.sqrt(50), rel=1e-12)


def test_cancelling_pairs_never_lower_the_error():
    deviations = np.tile([1.0, -1.0], 10) / 20
    lists = np.array([[row ^ 1] for row in range(20)])
    assert error_of_mean(deviations, lists) == pytest.approx(np.sqrt(20) / 20, rel=1e-12)


def test_random_labels_at_wide_neighbourhoods_keep_their_scatter():
    """The numbers in the docstring: without the floor, half of the scatter on average and nothing in a third of the cases."""
    rng = np.random.default_rng(0)
    values, stated, without_floor = [], [], []
    for _ in range(60):
        table = neighbors(rng.standard_normal((200, 2)), 100)
        found = label_overlap(table, rng.permutation(np.arange(200) % 2), k=100)
        deviations = (found.local - found.value) / 200
        near = np.zeros((200, 200), dtype=bool)
        near[np.arange(200)[:, None], table.indices] = True
        without_floor.append(deviations @ deviations + deviations @ (near | near.T) @ deviations)
        values.append(found.value)
        stated.append(found.stderr)
    scatter = np.std(values, ddof=1)
    assert np.mean(stated) == pytest.approx(scatter, rel=0.3)
    assert np.sqrt(np.maximum(without_floor, 0)).mean() < 0.6 * scatter
    assert 0.15 < np.mean(np.array(without_floor) < 0) < 0.5


@pytest.fixture(scope="module")
def table():
    points = np.random.default_rng(3).random((60, 3))
    points[[10, 20, 59]] = points[[0, 1, 0]]
    return neighbors(points, 4)


def test_draws_are_examples_with_replacement_and_merged_ones_left_out(table):
    position = {int(row): place for place, row in enumerate(table.duplicates.rows)}
    for replicate, draw in enumerate(bootstrap_draws(table, 20, seed=5)):
        examples = np.random.default_rng([5, replicate]).integers(0, 60, size=60)
        assert draw.tolist() == [position[row] for row in examples.tolist() if row in position]


def test_draws_stay_inside_the_table_and_differ(table):
    draws = list(bootstrap_draws(table, 30, seed=1))
    assert len(draws) == 30
    assert all(draw.min() >= 0 and draw.max() < table.n for draw in draws)
    assert len({draw.tobytes() for draw in draws}) == 30
    assert {len(draw) for draw in draws} != {60}


def test_the_same_seed_draws_the_same_examples_for_another_table(table):
    other = neighbors(np.random.default_rng(9).random((60, 2)), 4)
    kept = set(table.duplicates.rows.tolist())
    for mine, theirs in zip(bootstrap_draws(table, 5, seed=2), bootstrap_draws(other, 5, seed=2), strict=True):
        examples = other.duplicates.rows[theirs]
        np.testing.assert_array_equal(table.duplicates.rows[mine], [row for row in examples if row in kept])


def test_another_seed_draws_others(table):
    first, second = next(bootstrap_draws(table, 1, seed=0)), next(bootstrap_draws(table, 1, seed=1))
    assert not np.array_equal(first, second)


def test_bootstrap_scatter_of_a_mean_is_its_error():
    values = np.random.default_rng(4).standard_normal(400)
    table = neighbors(np.random.default_rng(5).random((400, 2)), 2)
    means = [values[draw].mean() for draw in bootstrap_draws(table, 300, seed=0)]
    assert np.std(means) == pytest.approx(values.std() / np.sqrt(400), rel=0.15)


def test_replicates_are_stretched_to_the_stated_error_and_never_shrunk():
    drawn = np.array([4.0, 5.0, 6.0, np.nan])
    found = widened(drawn, 3.0)
    np.testing.assert_allclose(found, [2.0, 5.0, 8.0, np.nan])
    np.testing.assert_array_equal(widened(drawn, 0.5), drawn)


@pytest.mark.parametrize("drawn", [[], [3.0], [np.nan, np.nan], [2.0, 2.0]])
def test_replicates_without_scatter_stay_as_they_are(drawn):
    np.testing.assert_array_equal(widened(np.array(drawn), 1.0), drawn)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(8, 40), k=st.integers(1, 6))
def test_a_sample_of_all_points_gives_the_error_of_all_lists(seed, n, k):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(np.delete(np.arange(n), row))[:k] for row in range(n)])
    deviations = rng.standard_normal(n)
    is_mutual = np.array([[row in lists[other] for other in lists[row]] for row in range(n)])
    found = error_from_sample(deviations, np.arange(n), lists, is_mutual)
    assert found == pytest.approx(dense_error(deviations, lists), rel=1e-12)


def test_a_sample_of_some_points_gives_about_that_error():
    points = np.random.default_rng(0).random((3000, 2))
    table = neighbors(points, 50)
    deviations = np.sin(6 * points[:, 0]) - np.sin(6 * points[:, 0]).mean()
    rows = np.sort(np.random.default_rng(1).permutation(3000)[:500])
    is_mutual = table.distances[rows] <= table.distances[:, -1][table.indices[rows]]
    found = error_from_sample(deviations, rows, table.indices[rows], is_mutual)
    whole = error_of_mean(deviations, table.indices)
    assert whole > 5 * np.sqrt(deviations @ deviations)
    assert found == pytest.approx(whole, rel=0.1)
