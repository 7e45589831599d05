"""Label overlap and the vote of the neighbours against loops over points, with groups, classes and chance levels."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dimscope.overlaps.labels as labels_module
from dimscope import knn_accuracy, label_overlap, neighbors
from dimscope.errors import InputError, UsageError
from dimscope.estimates import Status
from dimscope.overlaps import label_conflicts
from dimscope.overlaps.labels import label_measures


def allowed_lists(table, k, groups=None):
    """The first k neighbours outside the point's own group, for every point that has them."""
    lists = {}
    for point, row in enumerate(table.indices.tolist()):
        outside = [other for other in row if groups is None or groups[other] != groups[point]][:k]
        if len(outside) == k:
            lists[point] = outside
    return lists


def shares(table, labels, k, groups=None):
    lists = allowed_lists(table, k, groups)
    return {point: np.mean([labels[other] == labels[point] for other in near]) for point, near in lists.items()}


def balanced_mean(values, labels):
    classes = {labels[point] for point in values}
    return np.mean([np.mean([value for point, value in values.items() if labels[point] == c]) for c in classes])


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), n=st.integers(12, 50), k=st.integers(1, 5), n_classes=st.integers(2, 5), grouped=st.booleans()
)
def test_equals_loops_over_points(seed, n, k, n_classes, grouped):
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2))
    labels = np.array(["a", "b", "c", "d", "e"])[
        np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    ].tolist()
    groups = rng.integers(0, 6, n).tolist() if grouped else None
    table = neighbors(points, n - 1 if grouped else k)
    expected = shares(table, labels, k, groups)
    plain = label_overlap(table, labels, k, exclude=groups)
    assert plain.value == pytest.approx(np.mean(list(expected.values())), rel=1e-12)
    np.testing.assert_allclose(plain.local, list(expected.values()), rtol=1e-14)
    balanced = label_overlap(table, labels, k, balanced=True, exclude=groups)
    assert balanced.value == pytest.approx(balanced_mean(expected, labels), rel=1e-12)
    assert plain.n_used == n - plain.n_dropped == len(expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(12, 50), k=st.integers(1, 6), grouped=st.booleans())
def test_the_vote_equals_a_count_with_ties_to_the_nearest(seed, n, k, grouped):
    rng = np.random.default_rng(seed)
    labels = np.r_[[0, 1], rng.integers(0, 3, n - 2)].tolist()
    groups = rng.integers(0, 8, n).tolist() if grouped else None
    table = neighbors(rng.random((n, 2)), n - 1)
    right = []
    for point, near in allowed_lists(table, k, groups).items():
        votes = Counter(labels[other] for other in near)
        winner = next(labels[other] for other in near if votes[labels[other]] == max(votes.values()))
        right.append(winner == labels[point])
    found = knn_accuracy(table, labels, k, exclude=groups)
    np.testing.assert_array_equal(found.local, right)
    assert found.value == pytest.approx(np.mean(right))
    assert found.chance == pytest.approx(max(Counter(labels).values()) / n)


def test_votes_are_the_same_in_small_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    table, classes = neighbors(rng.random((90, 2)), 5), np.arange(90) % 30
    whole = knn_accuracy(table, classes, 5)
    monkeypatch.setattr(labels_module, "VOTE_ENTRIES", 7 * 30)
    np.testing.assert_array_equal(knn_accuracy(table, classes, 5).local, whole.local)


def dealt(rng, sizes, groups=None):
    """Means of plain and balanced over labels dealt at random among the points."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    table = neighbors(rng.random((len(labels), 2)), 60)
    plain, balanced, chances = [], [], set()
    for _ in range(150):
        rng.shuffle(labels)
        plain.append(label_overlap(table, labels, 10))
        balanced.append(label_overlap(table, labels, 10, balanced=True).value)
        chances.add(round(plain[-1].chance, 12))
    return np.array([found.value for found in plain]), np.array(balanced), chances


def test_chance_is_the_mean_over_labels_dealt_at_random():
    sizes = np.array([80, 30, 10])
    n = sizes.sum()
    plain, balanced, chances = dealt(np.random.default_rng(0), sizes)
    exact = (sizes * (sizes - 1)).sum() / (n * (n - 1))
    assert chances == {round(exact, 12)}
    assert abs(plain.mean() - exact) < 3.5 * plain.std(ddof=1) / np.sqrt(len(plain))
    exact_balanced = ((sizes - 1) / (n - 1)).mean()
    table = neighbors(np.random.default_rng(1).random((n, 2)), 10)
    found = label_overlap(table, np.repeat([0, 1, 2], sizes), 10, balanced=True)
    assert found.chance == pytest.approx(exact_balanced, rel=1e-12)
    assert abs(balanced.mean() - exact_balanced) < 3.5 * balanced.std(ddof=1) / np.sqrt(len(balanced))


def test_chance_with_groups_counts_only_strangers():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    groups = np.array([0, 0, 1, 1, 2, 2, 3, 3, 1, 0])
    points = np.random.default_rng(0).random((10, 2))
    found = label_overlap(points, labels, 3, exclude=groups)
    strangers = groups[:, None] != groups[None, :]
    exact = ((labels[:, None] == labels[None, :]) & strangers).sum(axis=1) / strangers.sum(axis=1)
    assert found.chance == pytest.approx(exact.mean(), rel=1e-12)


def test_points_with_groups_get_lists_that_are_long_enough(recipes):
    groups = np.r_[np.zeros(150, dtype=int), np.arange(250) // 2 + 1]
    labels = recipes["labels_imb"]
    whole = neighbors(recipes["A"], 399)
    for measure in (label_overlap, knn_accuracy):
        found = measure(recipes["A"], labels, 10, exclude=groups)
        assert (found.n_used, found.n_dropped, found.status) == (400, 0, Status.OK)
        assert found.value == measure(whole, labels, 10, exclude=groups).value


def test_short_lists_drop_points_and_say_so(recipes):
    groups = np.arange(400) // 40
    table = neighbors(recipes["A"], 10)
    found = label_overlap(table, recipes["labels_imb"], 10, exclude=groups)
    kept = (groups[table.indices] != groups[:, None]).all(axis=1)
    assert (found.n_used, found.n_dropped, found.status) == (kept.sum(), 400 - kept.sum(), Status.SHORT_LISTS)


def test_one_group_for_all_leaves_nothing(recipes):
    for measure in (label_overlap, knn_accuracy):
        found = measure(neighbors(recipes["A"], 10), recipes["labels_imb"], 10, exclude=np.zeros(400))
        assert np.isnan(found.value)
        assert (found.status, found.n_dropped) == (Status.TOO_FEW, 400)


def test_separate_classes_have_full_overlap_and_a_right_vote():
    rng = np.random.default_rng(0)
    points, labels = np.vstack([rng.random((30, 2)), 9 + rng.random((20, 2))]), [0] * 30 + [1] * 20
    for measure in (label_overlap, knn_accuracy):
        found = measure(points, labels, 5)
        assert (found.value, found.stderr) == (1.0, 0.0)
    assert label_overlap(points, labels, 49).value == pytest.approx((30 * 29 + 20 * 19) / (50 * 49))


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pd.Categorical, lambda x: np.array(x, dtype=object)])
def test_labels_of_any_kind_are_only_names(recipes, kind):
    numbers = recipes["labels_imb"]
    names = kind([f"class {number}" for number in numbers])
    assert label_overlap(recipes["A"], names, 10).value == label_overlap(recipes["A"], numbers * 7 - 3.5, 10).value


def test_merged_rows_take_the_label_of_their_representative(recipes):
    labels = np.r_[recipes["labels_imb"], (recipes["labels_imb"][:20] + 1) % 4]
    table = neighbors(recipes["D"], 10)
    for options in ({}, {"balanced": True}):
        found = label_overlap(table, labels, 10, **options)
        assert found.value == label_overlap(recipes["A"], recipes["labels_imb"], 10, **options).value
    assert label_conflicts(table, labels) == 20
    assert label_conflicts(table, np.r_[labels[:400], labels[:20]]) == 0
    kept = neighbors(recipes["D"], 10, duplicates="keep")
    assert label_overlap(kept, labels, 10).n_used == 420


@pytest.mark.parametrize("measure", [label_overlap, knn_accuracy])
@pytest.mark.parametrize(
    ("labels", "options", "error", "sentence"),
    [
        (["a"] * 400, {}, InputError, r"^all labels are equal; a label overlap needs at least two different labels\.$"),
        (["a", "b"], {}, InputError, r"^2 labels were given for 400 examples\.$"),
        ([], {}, InputError, r"^0 labels were given for 400 examples\.$"),
        (np.zeros((400, 1)), {}, InputError, r"^labels must be one per example, in one axis; found shape \(400, 1\)\.$"),
        ("a", {}, InputError, r"^labels must be one per example, in one axis; found shape \(\)\.$"),
        (
            ["a", 1] * 200,
            {},
            InputError,
            r"^labels are not all of one kind \(.*\); give text or numbers, and none missing\.$",
        ),
        ([1.0, np.nan] * 200, {}, InputError, r"^200 of 400 labels are missing \(None or NaN\); leave those examples out\.$"),
        (pd.Series([1.0, None] * 200, dtype=object), {}, InputError, r"^200 of 400 labels are missing"),
        (["a", "b"] * 200, {"exclude": [1, 2]}, InputError, r"^2 groups were given for 400 examples\.$"),
        (
            ["a", "b"] * 200,
            {"k": 400},
            InputError,
            r"^k=400 neighbours were asked for, 400 points were found; k may be 1 to 399",
        ),
        (["a", "b"] * 200, {"k": 400, "exclude": [1, 2] * 200}, InputError, r"^k=400 neighbours were asked for"),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(recipes, measure, labels, options, error, sentence):
    with pytest.raises(error, match=sentence):
        measure(recipes["A"], labels, **{"k": 10, **options})


@pytest.mark.parametrize("measure", [label_overlap, knn_accuracy])
def test_a_narrow_table_is_refused(recipes, measure):
    with pytest.raises(UsageError, match=r"needs 10 neighbours of each point, the table holds 9\. Compute it with k=10"):
        measure(neighbors(recipes["A"], 9), recipes["labels_imb"], 10)


@pytest.mark.parametrize("with_groups", [False, True])
def test_the_measures_of_one_table_are_those_of_the_three_functions(with_groups):
    points = np.random.default_rng(11).normal(size=(90, 3))
    labels, groups = [f"l{row % 4}" for row in range(90)], [f"g{row // 3}" for row in range(90)]
    exclude = groups if with_groups else None
    table = neighbors(points, 30)
    found = label_measures(table, labels, 8, exclude=exclude)
    expected = {
        "label_overlap": label_overlap(table, labels, 8, exclude=exclude),
        "label_overlap_balanced": label_overlap(table, labels, 8, balanced=True, exclude=exclude),
        "knn_accuracy": knn_accuracy(table, labels, 8, exclude=exclude),
    }
    assert list(found) == list(expected)
    for name, other in expected.items():
        assert (found[name].value, found[name].stderr, found[name].chance) == (other.value, other.stderr, other.chance)
