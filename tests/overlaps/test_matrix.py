"""The layer-by-layer overlap against one pair at a time, and against sets written out."""

import numpy as np
import pytest

from dimscope import neighbors, overlap, overlap_matrix
from dimscope.errors import InputError, UsageError


def layers(n, widths, seed=0):
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((n, 4))
    return [base @ rng.standard_normal((4, d)) + 0.3 * rng.standard_normal((n, d)) for d in widths]


def check_cells(found, side_a, side_b, k):
    for i, a in enumerate(side_a):
        for j, b in enumerate(side_b):
            one = overlap(a, b, k)
            np.testing.assert_allclose(found.values[i, j], one.value, rtol=1e-12)
            np.testing.assert_allclose(found.stderr[i, j], one.stderr, rtol=1e-9)
            assert found.n_used[i, j] == one.n_used
            assert found.chance[i, j] == pytest.approx(one.chance)


def test_every_cell_is_the_overlap_of_the_pair():
    tables_a = [neighbors(points, 12) for points in layers(300, [5, 9, 20])]
    tables_b = [neighbors(points, 15) for points in layers(300, [3, 40])]
    check_cells(overlap_matrix(tables_a, tables_b, k=10), tables_a, tables_b, 10)


def test_equals_recorded_values(recipes, oracles):
    found = overlap_matrix([recipes["A"], recipes["B"]], k=10)
    expected = oracles["dadapy"]["A.return_data_overlap(B,k=10)"]
    np.testing.assert_allclose(found.values, [[1, expected], [expected, 1]], rtol=1e-12)


def test_layers_with_merged_rows_and_short_lists_are_as_the_pair():
    made = layers(200, [4, 6, 8])
    made[0][50:80] = made[0][10]
    made[1][20:24] = made[1][3]
    tables = [neighbors(points, 12) for points in made]
    found = overlap_matrix(tables, k=10)
    check_cells(found, tables, tables, 10)
    assert len(np.unique(found.n_used)) > 2


def test_items_are_matched_by_name_in_any_order():
    a, b = layers(250, [5, 7], seed=3)
    order = np.random.default_rng(1).permutation(250)
    names = [f"e{row}" for row in range(250)]
    plain = overlap_matrix([a], [b], k=20)
    moved = overlap_matrix([a], [b[order]], k=20, items_a=names, items_b=[names[row] for row in order])
    np.testing.assert_allclose(moved.values, plain.values, rtol=1e-12)
    np.testing.assert_allclose(moved.stderr, plain.stderr, rtol=1e-9)


def test_items_of_one_side_only_are_left_out():
    a, b = layers(250, [5, 7], seed=4)
    names = list(range(1000, 1250))
    kept = np.r_[100:250]
    found = overlap_matrix(
        [neighbors(a, 60)], [neighbors(b[kept], 20)], k=10, items_a=names, items_b=[names[row] for row in kept]
    )
    assert found.n_used[0, 0] > 145
    assert found.chance[0, 0] == pytest.approx(10 / 149)
    used = overlap(neighbors(a[kept], 10), neighbors(b[kept], 10), 10)
    assert found.values[0, 0] == pytest.approx(used.value, abs=2 * (150 - found.n_used[0, 0]) / 150 + 1e-12)


def test_unrelated_layers_are_at_chance():
    rng = np.random.default_rng(0)
    found = overlap_matrix([rng.random((400, 3))], [rng.random((400, 5))], k=20)
    assert abs(found.values[0, 0] - found.chance[0, 0]) < 4 * found.stderr[0, 0]


@pytest.mark.parametrize(
    ("sides", "options", "text"),
    [
        (([],), {}, "no layer"),
        (([np.eye(40), np.eye(41)],), {}, "40 and 41"),
        (([np.random.rand(40, 2)], [np.random.rand(41, 2)]), {}, "without common names"),
        (([np.random.rand(40, 2)],), {"items_a": [0] * 40}, "39 item names repeat"),
        (([np.random.rand(40, 2)],), {"items_a": range(39)}, "39 item names were given for 40"),
        (([np.random.rand(40, 2)], [np.random.rand(40, 2)]), {"items_a": list("a" * 0) + [f"a{i}" for i in range(40)],
                                                             "items_b": [f"b{i}" for i in range(40)]}, "no item in common"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(sides, options, text):
    with pytest.raises(InputError, match=text):
        overlap_matrix(*sides, k=5, **options)


def test_a_short_table_is_refused():
    with pytest.raises(UsageError, match="holds 5"):
        overlap_matrix([neighbors(np.random.default_rng(0).random((40, 2)), 5)], k=10)
