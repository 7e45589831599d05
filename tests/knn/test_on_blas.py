import numpy as np
import pytest

from dimscope.knn import on_blas
from knn.dense import all_pairs

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30, 1e200])
def test_equals_all_pairs(shift, scale):
    plain = RNG.normal(size=(150, 9)) + shift
    indices, distances, far = on_blas.search(plain * scale, 12, ranks=(1, 100))
    expected, near = all_pairs(plain, plain, 100, True)
    np.testing.assert_array_equal(indices, expected[:, :12])
    np.testing.assert_allclose(distances, near[:, :12] * scale, rtol=1e-7 if shift else 1e-12)
    np.testing.assert_allclose(far, near[:, [0, 99]] * scale, rtol=1e-7 if shift else 1e-12)


def test_inner_products_are_ordered_from_the_largest():
    points = RNG.normal(size=(120, 6)) + 2
    indices, scores, _ = on_blas.search(points, 5, inner=True)
    products = points @ points.T
    np.fill_diagonal(products, -np.inf)
    order = np.argsort(-products, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(scores, -np.take_along_axis(products, order, axis=1), rtol=1e-12)


def test_chosen_rows_are_numbered_among_themselves():
    points = RNG.normal(size=(60, 4))
    rows = np.arange(0, 60, 3)
    np.testing.assert_array_equal(on_blas.search(points, 3, rows=rows)[0], all_pairs(points[rows], points[rows], 3, True)[0])


def test_a_useless_filter_costs_time_but_no_neighbour(monkeypatch):
    points = RNG.normal(size=(80, 4))

    def worst(bounds, k):
        count = k + 2
        kept = np.argsort(-bounds, axis=1)[:, 1 : count + 1]  # the farthest points, with a bound that proves nothing
        return kept, np.zeros(len(bounds))

    monkeypatch.setattr(on_blas, "_propose", worst)
    np.testing.assert_array_equal(on_blas.search(points, 5)[0], all_pairs(points, points, 5, True)[0])
