import numpy as np
import pytest

from dimscope.errors import InputError, UsageError
from dimscope.paper import legacy

POINTS = np.random.default_rng(0).standard_normal((700, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def dense():
    wide = POINTS.astype(np.float64)
    return np.sqrt(((wide[:, None] - wide[None]) ** 2).sum(-1))


def test_tables_equal_a_sorted_distance_matrix(dense):
    found = legacy.tables(POINTS, 50)
    order = np.argsort(dense, axis=1)
    far = np.take_along_axis(dense, order, axis=1)
    assert found["index"].dtype == np.int32
    assert np.array_equal(found["index"], order[:, :51])
    np.testing.assert_allclose(found["dist"], far[:, :51], atol=1e-12)
    steps = 2 ** np.arange(10)
    np.testing.assert_allclose(found["mus"], far[:, steps[1:]] / far[:, steps[:-1]], rtol=1e-12)


def test_few_points_have_the_ratios_that_exist():
    assert legacy.tables(POINTS[:100], 20)["mus"].shape == (100, 6)  # up to r64 / r32


def test_duplicates_in_both_conventions():
    points = POINTS[:60].copy()
    points[5] = points[9]
    exact, paper = (legacy.tables(points, 10, convention=name) for name in legacy.CONVENTIONS)
    assert exact["dist"][5, :2].tolist() == [0, 0]
    assert exact["index"][5, :2].tolist() == [5, 9]
    assert exact["index"][9, :2].tolist() == [9, 5]
    assert np.isnan(exact["mus"][[5, 9], 0]).all()
    assert np.isnan(exact["mus"]).sum() == 2
    np.testing.assert_allclose(paper["mus"][5, 0], exact["dist"][5, 2] / (10 * 2**-23))
    others = np.setdiff1d(np.arange(60), [5, 9])
    assert np.array_equal(exact["mus"][others], paper["mus"][others])
    with pytest.raises(UsageError, match='unknown convention "papr"'):
        legacy.tables(points, 10, convention="papr")


def test_a_table_is_read_back_without_self(tmp_path):
    found = legacy.tables(POINTS[:50], 7)
    for kind, array in found.items():
        legacy.write_array(tmp_path / legacy.file_name("small", 3, "train", kind), array)
    assert (tmp_path / "imagenet_small_layer3_train_index.npy").is_file()
    table = legacy.read_table(tmp_path, "small", 3, "train")
    assert np.array_equal(table.indices, found["index"][:, 1:])
    assert np.array_equal(table.distances, found["dist"][:, 1:])


def test_self_is_left_out_wherever_it_stands():
    assert legacy.without_self(np.array([[0, 1, 2], [0, 1, 2], [0, 1, 3]])).tolist() == [[1, 2], [0, 2], [0, 1]]
    assert legacy.without_self(np.array([[1, 2], [0, 2], [0, 1]])).tolist() == [[1, 2], [0, 2], [0, 1]]


def test_foreign_files_are_named(tmp_path):
    path = tmp_path / "a.npy"
    with pytest.raises(InputError, match=r"a\.npy does not exist"):
        legacy.read_array(path, 2)
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match="damaged or not a numpy array"):
        legacy.read_array(path, 2)
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match=r"has shape \(3,\) and dtype float64; 2 axes"):
        legacy.read_array(path, 2)
