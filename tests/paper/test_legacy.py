import numpy as np
import pytest

from dimscope.errors import InputError, UsageError
from dimscope.paper import legacy
from dimscope.paper.fit import slope

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


def test_ratios_of_duplicates_in_both_conventions():
    points = POINTS[:60].copy()
    points[9] = points[5]
    exact, paper = (legacy.tables(points, 10, convention=name) for name in legacy.CONVENTIONS)
    assert exact["dist"][5, :2].tolist() == [0, 0]
    assert exact["index"][5, :2].tolist() == [5, 9]
    assert exact["index"][9, :2].tolist() == [9, 5]
    without = legacy.tables(np.delete(points, 9, axis=0), 10)["mus"]
    assert np.array_equal(np.delete(exact["mus"], 9, axis=0), without)
    assert np.isnan(exact["mus"][9]).all()
    np.testing.assert_allclose(paper["mus"][5, 0], exact["dist"][5, 2] / (10 * 2**-52))
    assert paper["dist"][[5, 9], 1].tolist() == [10 * 2**-52] * 2
    with pytest.raises(UsageError, match='unknown convention "papr"'):
        legacy.tables(points, 10, convention="papr")


def test_ranks_that_only_repeated_rows_would_fill():
    """Three distinct points have a first and a second neighbour, whatever is asked for."""
    found = legacy.tables(np.repeat(np.eye(3) * [1, 2, 4], 7, axis=0), 5)
    assert found["mus"].shape == (21, 4)
    assert np.flatnonzero(np.isfinite(found["mus"][:, 0])).tolist() == [0, 7, 14]
    np.testing.assert_allclose(found["mus"][[0, 7, 14], 0], [(17 / 5) ** 0.5, (20 / 5) ** 0.5, (20 / 17) ** 0.5])
    assert np.isnan(found["mus"][:, 1:]).all()
    assert (found["dist"] == 0).all()
    with pytest.raises(InputError, match="all 20 points are equal"):
        legacy.tables(np.ones((20, 3)), 5)


@pytest.mark.parametrize("name", ["A", "C"])
def test_tables_of_the_scripts(recipes, oracles, name):
    recorded = oracles["seed"][f"{name}.compute_distances(n_neighbors=51,range_scaling=257)"]
    found = legacy.tables(recipes[name], 50, convention="paper")
    assert list(found["dist"].shape) == recorded["dist_shape"]
    assert str(found["index"].dtype) == recorded["idx_dtype"]
    assert found["mus"][:, 0].max() == pytest.approx(recorded["max_mu0"], rel=1e-9)
    np.testing.assert_allclose(found["dist"][:, 1:3].sum(axis=0), recorded["sum_r1_r2"], rtol=1e-9)


def test_formula_of_the_scripts_on_repeated_rows(recipes, oracles):
    """Their distances came from squares, |a|^2 + |b|^2 - 2ab, so that only some copies stood at zero; ours are exact."""
    points = recipes["D"]
    squares = np.einsum("ij,ij->i", points, points)
    dense = np.maximum(squares[:, None] - 2 * points @ points.T + squares, 0)
    np.fill_diagonal(dense, 0)
    theirs = np.sqrt(np.sort(dense, axis=1)[:, 1:3])
    found = legacy.ratios(legacy.with_paper_zeros(theirs))[:, 0]
    is_zero = theirs[:, 0] < 2.3e-16
    by_hand = theirs[:, 1] / np.where(is_zero, 2.220446049250313e-15, theirs[:, 0])
    np.testing.assert_allclose(found, by_hand, rtol=1e-14)
    recorded = oracles["seed"]["D._compute_id_2NN(mus,fraction=0.98,algorithm='base')"][0]
    if is_zero.sum() == 26:  # as many as where it was recorded; the last bits of the products depend on the machine
        assert slope(found, 0.98) == pytest.approx(recorded, rel=1e-6)
    ours = {name: legacy.tables(points, 50, convention=name)["mus"][:, 0] for name in legacy.CONVENTIONS}
    assert slope(ours["paper"], 0.98) == pytest.approx(0.0878, abs=0.0001)  # all 40 rows stand at zero
    exact = ours["exact"][np.isfinite(ours["exact"])]
    assert len(exact) == oracles["dedup_reference"]["n_unique"]
    expected = oracles["seed"]["A._compute_id_2NN(mus,fraction=0.98,algorithm='base')"][0]
    assert slope(exact, 0.98) == pytest.approx(expected, rel=1e-8)


def test_names():
    assert legacy.file_name("small", 16, "train", "dist") == "imagenet_small_layer16_train_dist.npy"
    assert (
        legacy.file_name("large", 0, "valid_untrained", "mus", dataset="cifar10")
        == "cifar10_large_layer0_valid_untrained_mus.npy"
    )
    assert (legacy.labels_name(), legacy.labels_name("cifar10")) == ("imagenet_labels.npy", "cifar10_labels.npy")


def test_a_table_is_read_back_without_self(tmp_path):
    found = legacy.tables(POINTS[:50], 7)
    for kind, array in found.items():
        legacy.write_array(tmp_path / legacy.file_name("small", 3, "train", kind), array)
    assert (tmp_path / "imagenet_small_layer3_train_index.npy").is_file()
    table = legacy.read_table(tmp_path, "small", 3, "train")
    assert np.array_equal(table.indices, found["index"][:, 1:])
    assert np.array_equal(table.distances, found["dist"][:, 1:])
    assert table.duplicates.n_merged == 0


@pytest.mark.parametrize("zero", [0, 10 * 2**-52, np.float32(10 * 2**-23)])
def test_what_stands_for_zero_is_zero_again(tmp_path, zero):
    points = POINTS[:50].copy()
    points[[7, 9]] = points[3]
    found = legacy.tables(points, 7)
    found["dist"][[3, 7, 9], 1] = zero
    for kind, array in found.items():
        legacy.write_array(tmp_path / legacy.file_name("small", 3, "train", kind), array)
    table = legacy.read_table(tmp_path, "small", 3, "train")
    assert table.distances[3, :2].tolist() == [0, 0]
    assert table.duplicates.representative[[3, 7, 9]].tolist() == [3, 3, 3]
    assert table.duplicates.multiplicity[[3, 7, 9, 10]].tolist() == [3, 3, 3, 1]
    assert table.duplicates.n_unique == 48


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
