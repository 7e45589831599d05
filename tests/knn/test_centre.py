import numpy as np
import pytest

from dimscope.knn.centre import centre_of, scale_of


def test_without_rows_far_out_it_is_the_mean():
    rows = np.random.default_rng(0).random((200, 3))
    mean, norms = centre_of(rows)
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(norms, np.linalg.norm(rows - rows.mean(axis=0), axis=1), rtol=1e-14)


@pytest.mark.parametrize("far", [1e3, 1e9, 1e100])
def test_rows_far_out_do_not_move_it(far):
    rows = np.random.default_rng(1).standard_normal((200, 3))
    rows[:5] *= far
    mean, norms = centre_of(rows)
    np.testing.assert_allclose(mean, rows[5:].mean(axis=0), atol=0.1)
    assert np.argmax(norms) < 5


def test_rows_most_of_which_are_equal():
    rows = np.zeros((50, 2))
    rows[:3] = [[1, 1], [2, 0], [9, 9]]
    mean, norms = centre_of(rows)
    np.testing.assert_array_equal(mean, [0, 0])
    assert norms.max() == np.sqrt(162)


def test_the_scale_brings_the_median_near_one():
    for norms in ([1e-30, 3e-30, 1e9], [7.0], [0.0, 0.0, 0.3]):
        typical = np.median(norms) or max(norms)
        assert 0.5 <= scale_of(np.array(norms)) * typical < 1
    assert scale_of(np.zeros(3)) == 0.5
