import numpy as np
import pytest

from dimscope.knn.scratch import Scratch, extreme_exponent, is_mapped


def test_arrays_in_memory_stay_there_and_maps_become_files(tmp_path):
    points = np.arange(12.0).reshape(4, 3)
    np.save(tmp_path / "points.npy", points)
    mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
    assert (is_mapped(points), is_mapped(mapped), is_mapped(mapped[1:])) == (False, True, True)
    with Scratch(points) as scratch:
        assert not isinstance(scratch.empty((3, 2), np.float32), np.memmap)
        assert np.shares_memory(scratch.searchable(points), points)
    with Scratch(mapped) as scratch:
        made = scratch.empty((3, 2), np.float32)
        assert is_mapped(made)
        made[:] = 1
        assert made.sum() == 6


@pytest.mark.parametrize(("dtype", "wide"), [("float16", "float32"), (">f4", "float32"), (">f8", "float64")])
def test_other_types_are_widened_without_loss(dtype, wide):
    points = np.random.default_rng(0).normal(size=(7, 3)).astype(dtype)
    with Scratch(points) as scratch:
        read = scratch.searchable(points)
    assert read.dtype == np.dtype(wide)
    np.testing.assert_array_equal(read, points)


def test_columns_in_another_order_become_rows():
    points = np.asfortranarray(np.arange(12.0).reshape(4, 3))
    with Scratch(points) as scratch:
        read = scratch.searchable(points)
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, points)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_extreme_numbers_come_near_one(size):
    points = np.array([[1.0, -2.0], [0.5, 3.0]]) * size
    exponent = extreme_exponent(points)
    with Scratch(points) as scratch:
        read = scratch.searchable(points, exponent)
    assert 0.1 < np.abs(read).max() <= 1
    np.testing.assert_array_equal(np.ldexp(read, exponent), points)
    assert extreme_exponent(points / size) == 0
    assert extreme_exponent(np.zeros((2, 2))) == 0


def test_normalized_rows_have_norm_one():
    points = np.array([[3e200, 4e200], [1e-300, 0.0], [-5.0, 12.0]])
    with Scratch(points) as scratch:
        np.testing.assert_allclose(scratch.normalized(points), [[0.6, 0.8], [1, 0], [-5 / 13, 12 / 13]], rtol=1e-15)
