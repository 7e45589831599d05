"""Exact neighbours through the public function, against all pairwise distances computed one pair at a time."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dimscope import Neighbors
from dimscope import neighbors as public_neighbors
from dimscope.errors import InputError, UsageError
from dimscope.knn import as_neighbors, neighbors, search_distinct
from dimscope.knn import neighbors_between as package_between
from dimscope.knn.duplicates import find_duplicates


def by_pairs(points, k):
    """Indices and distances from float64 differences of all pairs, ties by index, self left out."""
    exact = np.asarray(points, dtype=np.float64)
    squared = ((exact[:, None] - exact[None, :]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    indices = np.argsort(squared, axis=1, kind="stable")[:, :k]
    return indices, np.sqrt(np.take_along_axis(squared, indices, axis=1))


def assert_table(table, points):
    indices, distances = by_pairs(points, table.k)
    np.testing.assert_array_equal(table.indices, indices)
    np.testing.assert_allclose(table.distances, distances, rtol=1e-14)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 60), d=st.integers(1, 30), dtype=st.sampled_from(["f2", "f4", "f8"]))
def test_equals_all_pairs(seed, n, d, dtype):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, d)).astype(dtype)
    distinct = points[find_duplicates(points).rows]
    if len(distinct) > 1:
        table = neighbors(points, int(rng.integers(1, len(distinct))))
        assert_table(table, distinct)


@pytest.mark.parametrize("n", [2, 3, 50, 700])
def test_every_k_up_to_all_others(n):
    points = np.random.default_rng(n).random((n, 3))
    for k in sorted({1, 2, n // 2, n - 1} - {0}):
        if k < n:
            assert_table(neighbors(points, k), points)


@pytest.mark.parametrize("shift", [0.0, 1000.0])
@pytest.mark.parametrize("k", [1, 4, 30, 124])
def test_ties_on_a_lattice_stand_in_the_order_of_their_index(k, shift):
    lattice = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), axis=-1).reshape(-1, 3) + shift
    lattice = lattice[np.random.default_rng(0).permutation(len(lattice))]
    assert_table(neighbors(lattice, k), lattice)


@pytest.mark.parametrize("n", [40, 200])
def test_corners_of_a_simplex_are_all_at_the_same_distance(n):
    table = neighbors(np.eye(n), 7)
    np.testing.assert_array_equal(table.distances, np.full((n, 7), np.sqrt(2)))
    assert_table(table, np.eye(n))


@pytest.mark.parametrize("shift", [0, 1e3, 1e6])
def test_one_huge_coordinate_changes_no_neighbour(shift):
    points = np.random.default_rng(4).standard_normal((300, 40))
    points[:, 3] += shift
    assert_table(neighbors(points, 10), points)


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_no_unit_over_or_underflows(scale):
    points = np.random.default_rng(4).standard_normal((100, 4))
    table, moved = neighbors(points, 6), neighbors(points * scale, 6)
    np.testing.assert_array_equal(moved.indices, table.indices)
    np.testing.assert_allclose(moved.distances, table.distances * scale, rtol=1e-13)


def test_small_distances_among_large_ones_are_exact():
    rng = np.random.default_rng(5)
    points = rng.standard_normal((200, 10)) * 1e4
    points[100:] = points[:100] + 1e-6 * rng.standard_normal((100, 10))
    assert_table(neighbors(points, 3), points)


def test_recorded_first_distances(recipes, oracles):
    head = np.array(oracles["dadapy"]["A.knn_head"]["dist_rows0-1_cols0-5"])
    np.testing.assert_allclose(neighbors(recipes["A"], 5).distances[:2], head[:, 1:], rtol=1e-12)
    head = np.array(oracles["dadapy"]["C.knn_head"]["dist_rows0-1_cols0-5"])
    np.testing.assert_allclose(neighbors(recipes["C"], 5).distances[:2], head[:, 1:], rtol=1e-12)


@pytest.mark.parametrize("name", ["A", "C"])
def test_recorded_sums_of_the_first_two_distances(recipes, oracles, name):
    expected = oracles["seed"][f"{name}.compute_distances(n_neighbors=51,range_scaling=257)"]["sum_r1_r2"]
    np.testing.assert_allclose(neighbors(recipes[name], 51).distances[:, :2].sum(axis=0), expected, rtol=1e-10)


def test_merged_rows_leave_the_table_of_the_distinct_ones(recipes):
    whole, distinct = neighbors(recipes["D"], 12), neighbors(recipes["A"], 12)
    np.testing.assert_array_equal(whole.indices, distinct.indices)
    np.testing.assert_array_equal(whole.distances, distinct.distances)
    assert (whole.n, whole.duplicates.n_rows, whole.duplicates.n_merged) == (400, 420, 20)


def test_distinct_rows_keep_the_order_of_their_first_appearance():
    points = np.array([[5.0], [1.0], [5.0], [3.0], [1.0], [0.0]])
    table = neighbors(points, 3)
    np.testing.assert_array_equal(table.duplicates.rows, [0, 1, 3, 5])
    assert_table(table, [[5.0], [1.0], [3.0], [0.0]])


def test_kept_rows_are_neighbours_at_distance_exactly_zero(recipes):
    points = np.vstack([recipes["C"], recipes["C"][:20]]) + 1e3  # 64 features: an expanded form gives 1e-6 here
    table = neighbors(points, 5, duplicates="keep")
    twins = np.r_[np.arange(20), np.arange(512, 532)]
    np.testing.assert_array_equal(np.flatnonzero(table.distances[:, 0] == 0), twins)
    np.testing.assert_array_equal(table.indices[twins, 0], np.r_[np.arange(512, 532), np.arange(20)])
    assert_table(table, points)


def test_the_table_says_what_it_was_made_of(recipes):
    table = neighbors(recipes["A"].astype(np.float32), 3)
    assert (table.metric, table.dtype, table.k) == ("euclidean", "float32", 3)
    assert table.indices.dtype == np.int64
    assert table.distances.dtype == np.float64
    assert table.backend != "unknown"


def test_the_public_name_is_this_function_and_k_is_100_by_default(recipes):
    assert public_neighbors is neighbors
    assert neighbors(recipes["A"]).k == 100


@pytest.mark.parametrize(
    ("points", "options", "error", "sentence"),
    [
        (np.zeros((1, 3)), {"k": 1}, InputError, r"^1 point was given; a nearest neighbour needs at least 2\.$"),
        (np.full((5, 2), 0.1), {"k": 1}, InputError, r"^all 5 points are equal: there is no nearest neighbour to measure\.$"),
        (np.eye(5), {"k": 5}, InputError, r"^k=5 neighbours were asked for, 5 points were found; k may be 1 to 4\.$"),
        (np.eye(5), {"k": 0}, InputError, r"^k=0 neighbours were asked for, 5 points were found; k may be 1 to 4\.$"),
        (np.eye(5), {"k": -1}, InputError, r"^k=-1 neighbours were asked for"),
        (np.eye(5), {"k": 2.0}, UsageError, r"^k=2\.0 was asked for; it must be a whole number\.$"),
        (
            np.r_[np.eye(5), np.eye(5)[:2]],
            {"k": 5},
            InputError,
            r"^k=5 neighbours were asked for, 5 distinct points were found \(2 of 7 rows repeat another\); k may be 1 to 4\.$",
        ),
        (
            np.r_[np.eye(5), np.eye(5)[:2]],
            {"k": 7, "duplicates": "keep"},
            InputError,
            r", 7 points were found; k may be 1 to 6\.$",
        ),
        (np.eye(5), {"k": 1, "duplicates": "drop"}, UsageError, r'^unknown duplicates policy "drop"\.  All: merge, keep$'),
        (np.eye(5), {"k": 1, "metric": "euclidian"}, UsageError, r'^unknown metric "euclidian"\. Did you mean "euclidean"\?'),
        (np.eye(5), {"k": 1, "device": "abacus"}, UsageError, r'^device "abacus" was asked for; .*: auto, cpu'),
        (np.array([[0.0], [np.nan], [1.0]]), {"k": 1}, InputError, r"^1 of 3 rows hold NaN or Inf \(rows 1\)"),
    ],
)
def test_impossible_requests_are_refused_in_one_sentence(points, options, error, sentence):
    with pytest.raises(error, match=sentence):
        neighbors(points, **options)


def test_the_whole_numbers_of_numpy_are_whole_numbers():
    assert neighbors(np.eye(5), np.int32(3)).k == 3


def test_a_table_passes_as_it_is_and_points_are_searched(recipes):
    table = neighbors(recipes["A"], 3)
    assert as_neighbors(table, 50) is table
    assert as_neighbors(recipes["A"], 5).k == 5
    assert isinstance(as_neighbors([[0.0], [1.0], [3.0]], 2), Neighbors)


def test_search_distinct_takes_the_map_it_is_given(recipes):
    found = find_duplicates(recipes["D"], "keep")
    assert search_distinct(recipes["D"], 2, found).n == 420


def test_cosine_is_one_minus_the_cosine():
    points = np.random.default_rng(1).normal(size=(80, 6)) * np.random.default_rng(2).uniform(0.1, 9, (80, 1))
    table = neighbors(points, 5, metric="cosine")
    units = points / np.linalg.norm(points, axis=1)[:, None]
    far = 1 - units @ units.T
    np.fill_diagonal(far, np.inf)
    order = np.argsort(far, axis=1)[:, :5]
    np.testing.assert_array_equal(table.indices, order)
    np.testing.assert_allclose(table.distances, np.take_along_axis(far, order, axis=1), rtol=1e-9)
    with pytest.raises(InputError, match=r"^1 of 80 rows are all zero \(rows 4\); they have no cosine with others\.$"):
        neighbors(np.where(np.arange(80)[:, None] == 4, 0, points), 5, metric="cosine")


def test_inner_products_stand_with_a_minus_from_the_largest():
    points = np.random.default_rng(1).normal(size=(60, 4))
    table = neighbors(points, 3, metric="inner_product")
    products = points @ points.T
    np.fill_diagonal(products, -np.inf)
    np.testing.assert_allclose(table.distances, -np.sort(products, axis=1)[:, ::-1][:, :3], rtol=1e-12)


def test_ranks_beyond_the_table_are_read_by_their_number():
    points = np.random.default_rng(1).normal(size=(90, 4))
    table, whole = neighbors(points, 2, ranks=(40, 80)), neighbors(points, 80)
    np.testing.assert_array_equal(table.at_rank(40), whole.distances[:, 39])
    np.testing.assert_array_equal(table.at_rank(2), whole.distances[:, 1])
    assert (table.k, table.max_rank, whole.max_rank) == (2, 80, 80)
    with pytest.raises(UsageError, match="distance at rank 41"):
        table.at_rank(41)
    with pytest.raises(InputError, match=r"^rank=90 "):
        neighbors(points, 2, ranks=(90,))


def test_many_points_take_the_other_engine_and_keep_the_answer(monkeypatch):
    import dimscope.knn as package

    points = np.random.default_rng(1).normal(size=(400, 7))
    points[9] = points[5]
    few = neighbors(points, 12)
    monkeypatch.setattr(package, "FEW_POINTS", 100)
    many = neighbors(points, 12)
    assert (few.backend, many.backend) == ("blas", "tiles")
    np.testing.assert_array_equal(few.indices, many.indices)
    np.testing.assert_allclose(few.distances, many.distances, rtol=1e-13)


def test_neighbours_between_two_sets():
    base, queries = np.array([[0.0], [1.0], [3.0]]), np.array([[0.9], [3.0]])
    indices, distances = package_between(queries, base, 2)
    np.testing.assert_array_equal(indices, [[1, 0], [2, 1]])
    np.testing.assert_allclose(distances, [[0.1, 0.9], [0, 2]], rtol=1e-12)
    with pytest.raises(InputError, match="queries have 2 features, the base has 1"):
        package_between(np.ones((2, 2)), base, 1)
    with pytest.raises(InputError, match="k may be 1 to 3"):
        package_between(queries, base, 4)


def test_nothing_is_compiled_for_few_points():
    call = "dimscope.neighbors(numpy.random.rand(60, 3), 2, ranks=(40,))"
    code = f"import sys, numpy, dimscope; {call}; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_rank_beyond_the_table_brings_the_whole_lists_of_some_points(monkeypatch):
    import dimscope.knn as package

    monkeypatch.setattr(package, "SAMPLED_LISTS", 40)
    points = np.random.default_rng(30).normal(size=(150, 4))
    points[20] = points[3]
    for metric in ("euclidean", "cosine"):
        table, whole = neighbors(points, 3, ranks=(60,), metric=metric), neighbors(points, 60, metric=metric)
        assert table.sample.indices.shape == (40, 60)
        assert (np.diff(table.sample.rows) > 0).all()
        np.testing.assert_array_equal(table.sample.indices, whole.indices[table.sample.rows])
        np.testing.assert_allclose(table.sample.distances, whole.distances[table.sample.rows], rtol=1e-12)
        assert neighbors(points, 60, ranks=(2, 60), metric=metric).sample is None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 60), d=st.integers(2, 30), dtype=st.sampled_from(["f2", "f4", "f8"]))
def test_cosine_equals_all_pairs(seed, n, d, dtype):
    rng = np.random.default_rng(seed)
    points = (rng.standard_normal((n, d)) * rng.lognormal(0, 1, (n, 1))).astype(dtype)
    k = int(rng.integers(1, n))
    table = neighbors(points, k, metric="cosine", duplicates="keep")
    exact = points.astype(np.longdouble)
    units = exact / np.sqrt((exact**2).sum(axis=1, keepdims=True))
    far = (((units[:, None] - units) ** 2).sum(axis=2) / 2).astype(float)
    np.fill_diagonal(far, np.inf)
    np.testing.assert_allclose(table.distances, np.sort(far, axis=1)[:, :k], rtol=1e-9, atol=1e-30)
    np.testing.assert_allclose(np.take_along_axis(far, table.indices, axis=1), table.distances, rtol=1e-9, atol=1e-30)


def test_rows_that_are_multiples_of_each_other_have_cosine_distance_zero():
    points = np.random.default_rng(31).integers(-3, 4, (60, 5)).astype(float)
    points[~points.any(axis=1)] = 1
    table = neighbors(np.r_[points, 4 * points], 3, metric="cosine", duplicates="keep")
    assert (table.distances[:, 0] == 0).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
def test_other_metrics_have_no_unit_that_over_or_underflows(metric, scale):
    points = np.random.default_rng(32).normal(size=(80, 5))
    if (metric, scale) == ("inner_product", 1e300):
        with pytest.raises(InputError, match=r"^inner products of numbers up to 3e\+300 overflow; scale the points\.$"):
            neighbors(points * scale, 6, metric=metric)
        return
    with np.errstate(under="ignore"):
        table, moved = neighbors(points, 6, metric=metric), neighbors(points * scale, 6, metric=metric)
    np.testing.assert_array_equal(moved.indices, table.indices)
    if metric == "cosine":
        np.testing.assert_allclose(moved.distances, table.distances, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
@pytest.mark.parametrize("few", [10, 10_000])
def test_tensors_of_every_dtype(dtype, few, monkeypatch):
    import torch

    import dimscope.knn as package

    monkeypatch.setattr(package, "FEW_POINTS", few)
    points = torch.from_numpy(np.random.default_rng(33).normal(size=(200, 12))).to(getattr(torch, dtype))
    table = neighbors(points, 7)
    assert table.dtype == dtype
    assert_table(table, points.double().numpy())


@pytest.mark.parametrize("few", [10, 10_000])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner_product"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_a_memory_map_gives_the_table_of_the_array(dtype, metric, few, tmp_path, monkeypatch):
    import dimscope.knn as package

    monkeypatch.setattr(package, "FEW_POINTS", few)
    points = np.random.default_rng(34).normal(size=(200, 12)).astype(dtype)
    points[50] = points[3]
    np.save(tmp_path / "points.npy", points)
    for policy in ("merge", "keep"):
        expected = neighbors(points, 7, metric=metric, duplicates=policy)
        mapped = np.load(tmp_path / "points.npy", mmap_mode="r")
        found = neighbors(mapped, 7, metric=metric, duplicates=policy)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize("order", ["F", "strided", "reversed"])
def test_the_layout_of_an_array_does_not_matter(order, monkeypatch):
    import dimscope.knn as package

    monkeypatch.setattr(package, "FEW_POINTS", 10)
    points = np.random.default_rng(35).normal(size=(150, 12))
    wide = np.repeat(points, 2, axis=1)
    same = {"F": np.asfortranarray(points), "strided": wide[:, ::2], "reversed": points[::-1][::-1]}[order]
    np.testing.assert_array_equal(neighbors(same, 4).distances, neighbors(points, 4).distances)


@pytest.mark.parametrize(
    ("device", "metric", "sentence"),
    [
        ("mps", "euclidean", r'^device "mps" was asked for; neighbours are computed on: auto, cpu, cuda'),
        ("abacus", "inner_product", r'^device "abacus" was asked for; neighbours are computed on: auto, cpu, cuda'),
        ("cuda", "inner_product", r'^device "cuda" was asked for; inner products are computed on: auto, cpu\.$'),
        ("cuda:77", "euclidean", r'^device "cuda:77" was asked for; PyTorch .* sees: cpu'),
    ],
)
def test_a_device_that_cannot_do_it_is_refused(device, metric, sentence):
    with pytest.raises(UsageError, match=sentence):
        neighbors(np.eye(5), 2, device=device, metric=metric)


def test_a_device_is_taken_at_its_word(monkeypatch):
    import dimscope.knn as package

    points = np.random.default_rng(36).normal(size=(60, 3))
    monkeypatch.setattr(package, "_has_cuda", lambda: True)
    assert neighbors(points, 2).backend == "blas"  # few points: no device is worth the way there
    assert neighbors(points, 2, device="cpu").backend == "blas"
    monkeypatch.setattr(package, "FEW_POINTS", 10)
    assert neighbors(points, 2, device="cpu").backend == "tiles"
    asked = []
    monkeypatch.setattr(
        package.BACKENDS, "load", lambda name: lambda array, k, **options: asked.append((name, options["device"])) or 1 / 0
    )
    for device in ("auto", "cuda:1"):
        with pytest.raises(ZeroDivisionError):
            neighbors(points, 2, device=device)
    assert asked == [("cuda", "cuda"), ("cuda", "cuda:1")]


def test_two_kept_rows_of_many_copies():
    """Lists full of equal rows are given up and computed again."""
    points = np.repeat([[0.0, 1.0], [2.0, 5.0]], 300, axis=0)[np.random.default_rng(37).permutation(600)]
    table = neighbors(points, 299, duplicates="keep")
    assert (table.distances == 0).all()
    assert_table(table, points)


def test_two_sets_of_every_dtype():
    import torch

    queries, base = np.random.default_rng(38).normal(size=(30, 4)), np.random.default_rng(39).normal(size=(90, 4))
    for kind in (np.float16, np.float32):
        indices, distances = package_between(queries.astype(kind), torch.from_numpy(base), 5)
        far = np.linalg.norm(queries.astype(kind).astype(float)[:, None] - base, axis=2)
        np.testing.assert_array_equal(indices, np.argsort(far, axis=1)[:, :5])
        np.testing.assert_allclose(distances, np.sort(far, axis=1)[:, :5], rtol=1e-13)
