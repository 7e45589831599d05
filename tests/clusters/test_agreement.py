"""Agreement of partitions against scikit-learn, pairs written out, and closed forms."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope import adjusted_rand, normalized_information
from dimscope.errors import InputError

metrics = pytest.importorskip("sklearn.metrics")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), classes=st.integers(1, 8), others=st.integers(1, 8))
def test_equals_scikit_learn(seed, classes, others):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, classes, 60), rng.integers(0, others, 60)
    b = np.where(rng.random(60) < 0.5, a, b)
    assert adjusted_rand(a, b).value == pytest.approx(metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert normalized_information(a, b).value == pytest.approx(metrics.normalized_mutual_info_score(a, b), abs=1e-12)


def test_rand_equals_pairs_written_out():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 3, 45), rng.integers(0, 4, 45)
    pairs = list(combinations(range(45), 2))
    in_a = np.array([a[i] == a[j] for i, j in pairs])
    in_b = np.array([b[i] == b[j] for i, j in pairs])
    expected = in_a.sum() * in_b.sum() / len(pairs)
    value = ((in_a & in_b).sum() - expected) / ((in_a.sum() + in_b.sum()) / 2 - expected)
    assert adjusted_rand(a, b).value == pytest.approx(value, rel=1e-12)


def test_names_and_order_do_not_matter():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 4, 80), rng.integers(0, 3, 80)
    order = rng.permutation(80)
    named = np.array(list("wxyz"))[a]
    for measure in (adjusted_rand, normalized_information):
        assert measure(named[order], b[order]).value == pytest.approx(measure(b, a).value, rel=1e-12)


def test_independent_partitions_are_at_chance():
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found.append((adjusted_rand(*rng.integers(0, 5, (2, 200))), normalized_information(*rng.integers(0, 5, (2, 200)))))
    for position in range(2):
        values = np.array([pair[position].value for pair in found])
        chance = np.mean([pair[position].chance for pair in found])
        assert values.mean() == pytest.approx(chance, abs=5 * values.std() / 40**0.5)


@pytest.mark.parametrize("measure", [adjusted_rand, normalized_information])
def test_stated_error_is_the_scatter(measure):
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a = rng.integers(0, 4, 400)
        found.append(measure(a, np.where(rng.random(400) < 0.6, a, rng.integers(0, 4, 400))))
    scatter = np.std([estimate.value for estimate in found], ddof=1)
    assert np.mean([estimate.stderr for estimate in found]) == pytest.approx(scatter, rel=0.37)


def test_few_and_unequal_numbers_of_examples():
    assert np.isnan(adjusted_rand([0, 1] * 10, [0, 1] * 10).value)
    with pytest.raises(InputError, match="3 labels were given for 2"):
        adjusted_rand([0, 1], [0, 1, 1])
