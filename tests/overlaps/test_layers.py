"""Overlap of two representations against sets, its chance level, and examples that are equal in one of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope import neighbors, overlap
from dimscope.errors import InputError, UsageError
from dimscope.estimates import Status


def by_sets(a, b, k):
    """Shared fraction per point from all pairwise distances."""

    def nearest(points):
        squared = ((points[:, None] - points[None, :]) ** 2).sum(axis=2)
        np.fill_diagonal(squared, np.inf)
        return np.argsort(squared, axis=1, kind="stable")[:, :k].tolist()

    return np.array([len(set(x) & set(y)) / k for x, y in zip(nearest(a), nearest(b), strict=True)])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(8, 60), k=st.integers(1, 6))
def test_equals_intersections_of_sets(seed, n, k):
    rng = np.random.default_rng(seed)
    a = rng.random((n, 3))
    b = a[:, :2] + 0.3 * rng.random((n, 2))
    found = overlap(a, b, k)
    expected = by_sets(a, b, k)
    np.testing.assert_allclose(found.local, expected, rtol=1e-14)
    assert found.value == pytest.approx(expected.mean(), rel=1e-12)
    assert found.chance == pytest.approx(k / (n - 1))
    assert (found.n_used, found.n_dropped, found.status, found.scale) == (n, 0, Status.OK, (k, k))


@pytest.mark.parametrize("k", [1, 10, 100, 250])
def test_unrelated_points_are_at_chance(k):
    rng = np.random.default_rng(k)
    values = [overlap(rng.random((300, 3)), rng.random((300, 3)), k) for _ in range(20)]
    error = np.std([found.value for found in values], ddof=1) / np.sqrt(20)
    assert values[0].chance == k / 299
    assert abs(np.mean([found.value for found in values]) - k / 299) < 3.5 * error


def test_the_same_representation_overlaps_fully_and_without_error():
    points = np.random.default_rng(0).random((100, 3))
    found = overlap(points, points[:, ::-1] * 5 - 2, 7)
    assert (found.value, found.stderr) == (1.0, 0.0)


def test_tables_and_points_and_both_orders_agree(recipes):
    a, b = recipes["A"], recipes["B"]
    value = overlap(a, b, 10).value
    assert overlap(neighbors(a, 30), neighbors(b, 12), 10).value == value
    assert overlap(neighbors(a, 30), b, 10).value == value
    assert overlap(b, a, 10).value == value


@pytest.fixture
def repeated(recipes):
    """Examples 400 to 419 repeat others in A but not in B, 420 to 439 repeat others in B but not in A."""
    rng = np.random.default_rng(0)
    a, b = recipes["A"], recipes["B"]
    more_a = np.vstack([a, a[:20], 100 + rng.random((20, 12))])
    more_b = np.vstack([b, 100 + rng.random((20, 6)), b[:20]])
    return more_a, more_b


def test_examples_equal_in_one_representation_are_left_out_of_both(repeated, recipes):
    found, alone = overlap(*repeated, 10), overlap(recipes["A"], recipes["B"], 10)
    assert (found.value, found.stderr, found.chance) == (alone.value, alone.stderr, alone.chance)
    assert (found.n_used, found.n_dropped, found.status) == (400, 0, Status.OK)


def test_wide_tables_skip_them_too(repeated, recipes):
    found = overlap(neighbors(repeated[0], 60), neighbors(repeated[1], 60), 10)
    assert found.value == pytest.approx(overlap(recipes["A"], recipes["B"], 10).value, rel=1e-14)
    assert found.status is Status.OK


def test_narrow_tables_drop_the_points_whose_lists_fall_short_and_say_so(recipes):
    a = np.vstack([recipes["A"], recipes["A"][:100]])
    b = np.vstack([recipes["B"], recipes["B"][:100] + 1e-3])
    found = overlap(neighbors(a, 10), neighbors(b, 10), 10)
    reach = neighbors(b, 10)
    complete = (reach.indices[:400] < 400).all(axis=1)
    np.testing.assert_allclose(found.local, by_sets(recipes["A"], recipes["B"], 10)[complete], rtol=1e-14)
    assert (found.n_used, found.n_dropped) == (complete.sum(), 400 - complete.sum())
    assert found.status is Status.SHORT_LISTS


def test_kept_duplicates_are_examples_of_their_own(recipes):
    d = neighbors(recipes["D"], 10, duplicates="keep")
    found = overlap(d, d, 10)
    assert (found.value, found.n_used) == (1.0, 420)


def test_too_few_examples_are_no_estimate():
    points = np.random.default_rng(0).random((6, 2))
    found = overlap(points, points, 5)
    assert np.isnan(found.value)
    assert (found.status, found.n_used) == (Status.TOO_FEW, 6)
    assert overlap(points, points, 4).value == 1.0


def test_no_common_lists_are_no_estimate():
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 2)), rng.random((20, 2))
    a, b = np.vstack([x, x]), np.vstack([y, y + 1e-9])  # the nearest of each point of b is one that a merged away
    found = overlap(neighbors(a, 1), neighbors(b, 1), 1)
    assert np.isnan(found.value)
    assert (found.status, found.n_dropped) == (Status.TOO_FEW, 20)


@pytest.mark.parametrize(
    ("change", "k", "error", "sentence"),
    [
        (lambda b: b[:-1], 5, InputError, r"^400 and 399 examples were given; an overlap needs the same examples"),
        (lambda b: neighbors(b[:-1], 5), 5, InputError, r"^400 and 399 examples were given"),
        (lambda b: neighbors(b, 4), 5, UsageError, r"^this overlap needs 5 neighbours of each point, the table holds 4\."),
        (lambda b: neighbors(b, 4), 0, InputError, r"^k=0 neighbours were asked for"),
        (lambda b: b, 400, InputError, r"^k=400 neighbours were asked for, 400 points were found; k may be 1 to 399\.$"),
        (lambda b: b * 0, 5, InputError, r"^all 400 points are equal"),
        (lambda b: b[:, 0], 5, InputError, r"two axes"),
        (lambda b: b * np.where(np.arange(400) == 7, np.nan, 1)[:, None], 5, InputError, r"^1 of 400 rows hold NaN .*rows 7"),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(recipes, change, k, error, sentence):
    with pytest.raises(error, match=sentence):
        overlap(recipes["A"], change(recipes["B"]), k)
