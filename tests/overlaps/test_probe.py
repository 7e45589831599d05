"""The linear probe against scikit-learn's own cross-validation and data with a known best accuracy."""

import sys

import numpy as np
import pytest
from scipy.stats import norm

from dimscope import Status, linear_probe
from dimscope.errors import InputError, UsageError

sklearn = pytest.importorskip("sklearn")


def two_normals(n, gap, seed, d=4):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    points = rng.standard_normal((n, d))
    points[:, 0] += gap * labels
    return points, labels


def test_equals_cross_validation_by_scikit_learn():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    points, labels = two_normals(200, 1.5, 0)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=7)
    expected = (cross_val_predict(model, points, labels, cv=folds) == labels).mean()
    assert linear_probe(points, labels, strengths=(0.1,), seed=7).value == pytest.approx(expected)


def test_reaches_the_best_possible_accuracy_and_states_the_scatter():
    found = [linear_probe(*two_normals(400, 2.0, seed), strengths=(0.1,), seed=seed) for seed in range(30)]
    values = np.array([estimate.value for estimate in found])
    best = norm.cdf(1.0)
    assert values.mean() == pytest.approx(best, abs=0.012)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(values.std(ddof=1), rel=0.5)


def test_labels_at_random_are_at_chance():
    labels = np.repeat([0, 1, 2], [150, 100, 50])
    found = linear_probe(np.random.default_rng(0).standard_normal((300, 5)), labels)
    assert found.chance == 0.5
    assert abs(found.value - 0.5) < 4 * found.stderr


def test_does_not_see_shift_and_scale_of_features():
    points, labels = two_normals(150, 1.5, 3)
    moved = 50.0 + points * np.array([1e-6, 1.0, 1e4, 3.0])
    assert linear_probe(moved, labels).value == pytest.approx(linear_probe(points, labels).value, abs=0.02)


def test_relatives_are_never_trained_on():
    rng = np.random.default_rng(1)
    centers = rng.standard_normal((40, 30))
    labels, families = np.repeat(rng.integers(0, 2, 40), 10), np.repeat(np.arange(40), 10)
    points = centers[families] + 0.01 * rng.standard_normal((400, 30))
    assert linear_probe(points, labels, strengths=(1.0,)).value > 0.95
    assert linear_probe(points, labels, strengths=(1.0,), exclude=families).value < 0.8


def test_repeated_rows_count_once():
    points, labels = two_normals(100, 1.0, 5)
    doubled = linear_probe(np.r_[points, points], np.r_[labels, 1 - labels])
    assert doubled.n_used == 100
    assert doubled.value == linear_probe(points, labels).value


def test_rare_labels_are_left_out_and_said():
    points, labels = two_normals(100, 1.0, 6)
    labels = np.where(np.arange(100) < 3, 9, labels)
    found = linear_probe(points, labels, strengths=(1.0,))
    assert (found.n_used, found.n_dropped, found.status) == (97, 3, Status.RARE_LABELS)


def test_impossible_requests_are_refused():
    points, labels = two_normals(40, 1.0, 0)
    with pytest.raises(UsageError, match="2 folds and positive"):
        linear_probe(points, labels, folds=1)
    with pytest.raises(InputError, match="5 distinct examples"):
        linear_probe(points, np.arange(40))


def test_without_scikit_learn_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UsageError, match=r"pip install 'dimscope\[probe\]'"):
        linear_probe(*two_normals(40, 1.0, 0))
