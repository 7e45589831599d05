"""The engine that compiles nothing, against brute force; its bounds by sabotage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brute import KINDS, all_others, assert_nearest, assert_same, cloud
from dimscope.knn import on_blas
from dimscope.knn.on_blas import search


@pytest.fixture
def recomputed(monkeypatch):
    """The rows that were decided among all others, more than once if twice."""
    rows = []
    original = on_blas._decide

    def counted(exact, row, candidates, k, inner):
        rows.extend([row] if len(candidates) == len(exact) - 1 else [])
        return original(exact, row, candidates, k, inner)

    monkeypatch.setattr(on_blas, "_decide", counted)
    return rows


def by_products(points, k):
    exact = np.asarray(points, dtype=np.float64)
    scores = np.array([-(exact * row).sum(axis=1) for row in exact])
    np.fill_diagonal(scores, np.inf)
    indices = np.argsort(scores, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(scores, indices, axis=1)


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(3, 120),
    d=st.sampled_from([1, 2, 3, 17, 64]),
    dtype=st.sampled_from([np.float32, np.float64]),
    entries=st.sampled_from([1, 500, 8_000_000]),
    seed=st.integers(0, 10**6),
)
def test_equals_all_pairs(kind, n, d, dtype, entries, seed):
    points = cloud(kind, n, d, seed).astype(dtype)
    rng = np.random.default_rng(seed)
    k, ranks = int(rng.choice([1, 2, n // 2 + 1, n - 1])), tuple({int(rank) for rank in rng.integers(1, n, 3)})
    k = min(k, n - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_blas, "BLOCK_ENTRIES", entries)
        patch.setattr(on_blas, "REFINE_ENTRIES", entries)
        indices, distances, at_ranks = search(points, k, ranks=ranks)
    known = all_others(points)
    assert_same((indices, distances), (known[0][:, :k], known[1][:, :k]), points)
    np.testing.assert_allclose(at_ranks, known[1][:, [rank - 1 for rank in ranks]], rtol=1e-13)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(3, 150),
    d=st.integers(1, 40),
    scale=st.sampled_from([1e-150, 1e-30, 1.0, 1e30, 1e150]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 10**6),
)
def test_inner_products_equal_all_pairs(n, d, scale, dtype, seed):
    points = cloud("isotropic", n, d, seed)
    points[: n // 3] *= 100
    points = points * (scale if dtype is np.float64 or abs(np.log10(scale)) < 100 else 1)
    points = points.astype(dtype)
    k = int(np.random.default_rng(seed).integers(1, n))
    indices, scores, _ = search(points, k, inner=True)
    expected = by_products(points, k)
    np.testing.assert_allclose(scores, expected[1], rtol=1e-9, atol=1e-12 * float(np.abs(expected[1]).max()))
    if d > 2:
        np.testing.assert_array_equal(indices, expected[0])


def test_inner_products_of_rows_too_small_for_float32_are_not_mixed_up():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((120, 6))
    points[20:] *= 1e-30
    indices, scores, _ = search(points, 110, inner=True)
    expected = by_products(points, 110)
    np.testing.assert_array_equal(indices, expected[0])
    np.testing.assert_allclose(scores, expected[1], rtol=1e-9)


def test_ties_of_inner_products_stand_in_the_order_of_their_index():
    points = np.random.default_rng(1).integers(-2, 3, (200, 4)).astype(np.float32)
    indices, scores, _ = search(points, 60, inner=True)
    np.testing.assert_array_equal(indices, by_products(points, 60)[0])
    np.testing.assert_array_equal(scores, by_products(points, 60)[1])


def test_some_rows_are_answered_as_all_would_be(monkeypatch):
    points, asked = cloud("isotropic", 90, 7, seed=4), np.array([3, 88, 20, 41])
    whole = search(points, 5, rows=np.arange(1, 90), ranks=(9, 2))
    monkeypatch.setattr(on_blas, "BLOCK_ENTRIES", 200)
    for some, all_rows in zip(search(points, 5, rows=np.arange(1, 90), asked=asked, ranks=(9, 2)), whole, strict=True):
        np.testing.assert_array_equal(some, all_rows[asked])


def test_the_bounds_are_lower_bounds_and_tight():
    points = cloud("isotropic", 200, 50, seed=2)
    squares = (points**2).sum(axis=1)
    approximate, blur = points.astype(np.float32), 66 * on_blas.UNIT32
    exact = ((points[20:90, None] - points) ** 2).sum(axis=2)
    bounds = on_blas._lower_bounds(approximate, squares, np.arange(20, 90), blur, False)
    np.testing.assert_array_equal(bounds[np.arange(70), np.arange(20, 90)], np.inf)
    bounds[np.arange(70), np.arange(20, 90)] = 0
    assert (bounds <= exact).all()
    assert (exact - bounds <= 2 * blur * (squares + squares[20:90, None])).all()
    bounds = on_blas._lower_bounds(approximate, squares, np.arange(20, 90), blur, True)
    bounds[np.arange(70), np.arange(20, 90)] = -np.inf
    assert (bounds <= -points[20:90] @ points.T).all()


def test_one_row_far_out_does_not_send_all_others_to_the_slow_way(recomputed):
    points = cloud("isotropic", 400, 30, seed=3)
    points[5] *= 1e5
    assert_nearest(search(points, 6)[:2], points, 6)
    assert len(recomputed) < 40


def test_few_rows_are_computed_again(recomputed):
    points = cloud("isotropic", 400, 30, seed=4)
    search(points, 6)
    assert len(recomputed) == 0


@pytest.mark.parametrize("inner", [False, True])
def test_bounds_that_say_nothing_send_every_row_to_the_slow_way(inner, monkeypatch, recomputed):
    points = cloud("isotropic", 150, 8, seed=5)
    monkeypatch.setattr(on_blas, "UNIT32", 2e-2)
    expected = by_products(points, 4) if inner else tuple(part[:, :4] for part in all_others(points))
    found = search(points, 4, inner=inner)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)
    assert len(recomputed) > 140


def test_candidates_that_are_all_wrong_are_caught(monkeypatch, recomputed):
    points = cloud("isotropic", 150, 8, seed=6)
    original = on_blas._propose

    def blind(bounds, k):
        kept, _ = original(-np.where(np.isinf(bounds), -np.inf, bounds), k)
        thresholds = np.take_along_axis(np.sort(bounds, axis=1), np.zeros((len(bounds), 1), int), axis=1)[:, 0]
        return kept, thresholds.astype(float)

    monkeypatch.setattr(on_blas, "_propose", blind)
    assert_nearest(search(points, 4)[:2], points, 4)
    assert len(recomputed) == 150


def test_chosen_rows_are_numbered_within_the_choice():
    points = cloud("isotropic", 100, 6, seed=7)
    rows = np.arange(3, 100, 4)
    assert_nearest(search(points, 8, rows=rows)[:2], points[rows], 8)
