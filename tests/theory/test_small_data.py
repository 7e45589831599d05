"""Overlaps and label measures of a few points, with copies, ties and classes of one member, against counting by hand."""

from math import comb

import numpy as np
import pytest

from dimscope import (
    class_fraction_overlap,
    information_imbalance,
    knn_accuracy,
    label_overlap,
    neighbors,
    overlap,
    retrieval_accuracy,
)  # fmt: skip


def ordered(points):
    """All others of each point by distance, ties by index."""
    distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    return np.array(
        [sorted(set(range(len(points))) - {i}, key=lambda j, i=i: (distances[i, j], j)) for i in range(len(points))]
    )


def first_rows(points):
    """The rows that repeat no earlier one."""
    return np.array([i for i, row in enumerate(points) if not (points[:i] == row).all(axis=1).any()])


def data_sets():
    rng = np.random.default_rng(0)
    for n in (3, 4, 5, 8, 13):
        repeated = rng.standard_normal((n, 4))
        repeated[-1] = repeated[0]
        yield f"normal-{n}", rng.standard_normal((n, 3))
        yield f"grid-{n}", rng.integers(0, 3, (n, 2)).astype(float)
        yield f"copy-{n}", repeated
        yield f"zeros-{n}", np.vstack([np.zeros((n // 2, 2)), rng.standard_normal((n - n // 2, 2))])


SETS = dict(data_sets())


class Case:
    """Points with labels and groups, what is distinct of them, and a table of k neighbours."""

    def __init__(self, name, k):
        rng = np.random.default_rng(len(name) + k)
        self.points = SETS[name]
        n = len(self.points)
        rows = first_rows(self.points)
        self.k = min(k, len(rows) - 1)
        self.labels = np.arange(n) % 2 if n < 4 else np.r_[0, 1, rng.integers(0, 3, n - 2)]  # of two kinds also when distinct
        self.labels[rows[:2]] = 0, 1
        self.groups = rng.integers(0, max(2, n // 2), n)
        self.own, self.group, self.order = self.labels[rows], self.groups[rows], ordered(self.points[rows])
        self.table = neighbors(self.points, self.k)
        self.m = len(rows)

    def class_means(self, local):
        return np.mean([local[self.own == label].mean() for label in np.unique(self.own)])


@pytest.fixture(params=[1, 2, 3, 99], ids=lambda k: "all" if k == 99 else f"k{k}")
def k(request):
    return request.param


@pytest.fixture(params=SETS)
def case(request, k):
    return Case(request.param, k)


def test_the_table_lists_the_nearest_with_ties_by_index(case):
    np.testing.assert_array_equal(case.table.indices, case.order[:, : case.k])


def test_label_overlap(case):
    local = np.array([(case.own[row[: case.k]] == label).mean() for row, label in zip(case.order, case.own, strict=True)])
    chance = np.array([((case.own == label).sum() - 1) / (case.m - 1) for label in case.own])
    plain = label_overlap(case.table, case.labels, case.k)
    balanced = label_overlap(case.table, case.labels, case.k, balanced=True)
    assert (plain.value, plain.chance) == pytest.approx((local.mean(), chance.mean()), abs=1e-12)
    assert (balanced.value, balanced.chance) == pytest.approx((case.class_means(local), case.class_means(chance)), abs=1e-12)


def test_label_overlap_beyond_the_own_group(case):
    agree, chance = [], []
    for i, row in enumerate(case.order):
        others = [j for j in row[: case.k] if case.group[j] != case.group[i]]
        if others:
            agree.append(case.own[others[0]] == case.own[i])
            chance.append(np.mean(case.own[case.group != case.group[i]] == case.own[i]))
    found = label_overlap(case.table, case.labels, 1, exclude=case.groups)
    assert found.n_used + found.n_dropped == case.m
    if len(agree) >= 2:
        assert (found.value, found.chance) == pytest.approx((np.mean(agree), np.mean(chance)), abs=1e-12)
    else:
        assert np.isnan(found.value)


def test_knn_accuracy(case):
    right = []
    for row, label in zip(case.order, case.own, strict=True):
        votes = case.own[row[: case.k]].tolist()
        most = max(votes.count(vote) for vote in votes)
        right.append(next(vote for vote in votes if votes.count(vote) == most) == label)
    found = knn_accuracy(case.table, case.labels, case.k)
    assert (found.value, found.chance) == pytest.approx((np.mean(right), np.bincount(case.own).max() / case.m), abs=1e-12)


def test_retrieval_accuracy(case):
    same = np.array([(case.own == label).sum() - 1 for label in case.own])
    asked = np.flatnonzero(same)
    found = retrieval_accuracy(case.table, case.labels, case.k)
    if len(asked) < 2:
        assert np.isnan(found.value)
        return
    hits = [(case.own[case.order[i, : case.k]] == case.own[i]).any() for i in asked]
    chance = [1 - comb(case.m - 1 - same[i], case.k) / comb(case.m - 1, case.k) for i in asked]
    assert (found.value, found.chance) == pytest.approx((np.mean(hits), np.mean(chance)), abs=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_class_fraction_overlap(name):
    case = Case(name, 99)
    sizes = [max(1, (case.own == label).sum() // 2) for label in case.own]
    local = np.array([(case.own[case.order[i, : sizes[i]]] == case.own[i]).mean() for i in range(case.m)])
    assert class_fraction_overlap(case.table, case.labels, 0.5).value == pytest.approx(case.class_means(local), abs=1e-12)
    assert class_fraction_overlap(case.table, case.labels, 0.5, balanced=False).value == pytest.approx(local.mean(), abs=1e-12)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("is_rounded", [False, True])
def test_overlap_and_information_imbalance(name, k, is_rounded):
    points = SETS[name]
    other = points[:, ::-1] + 0.5 * np.random.default_rng(1).standard_normal(points.shape)
    other = np.round(other) if is_rounded else other
    both = np.intersect1d(first_rows(points), first_rows(other))
    if len(both) < k + 2:
        k = max(1, len(both) - 2)
    here, there = ordered(points[both]), ordered(other[both])
    found = overlap(points, other, k)
    if len(both) < k + 2:
        assert np.isnan(found.value)
        return
    shared = [len(set(a[:k]) & set(b[:k])) / k for a, b in zip(here, there, strict=True)]
    assert (found.value, found.chance) == pytest.approx((np.mean(shared), k / (len(both) - 1)), abs=1e-12)
    ranks = [b.tolist().index(j) + 1 for a, b in zip(here, there, strict=True) for j in a[:k]]
    imbalance = information_imbalance(points, other, k).value
    assert imbalance == pytest.approx(2 * np.mean(ranks) / len(both), abs=1e-12)
