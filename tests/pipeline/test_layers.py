"""The line of one layer in profile.csv, against dense computations."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from dimscope.config import MeasureConfig
from dimscope.knn import neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline.layers import (
    fill_columns,
    measure_points,
    measure_step,
    measure_table,
    no_table,
    readings,
    replicate_dimension,
)

CONFIG = MeasureConfig(k=20, overlap_k=10, replicates=7)
RNG = np.random.default_rng(4)
POINTS = RNG.normal(size=(80, 3)) @ RNG.normal(size=(3, 6)) + 5
LABELS = [f"l{row % 3}" for row in range(80)]


def dense(points):
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")
    return np.take_along_axis(distances, order, axis=1), order


def test_the_first_estimator_gives_the_dimension():
    near, _ = dense(POINTS)
    logs = np.sort(np.log(near[:, 1] / near[:, 0]))[: int(0.9 * 80)]
    heights = -np.log(1 - np.arange(1, len(logs) + 1) / 80)
    row = measure_table(neighbors(POINTS, 20), CONFIG, None)
    assert row["dimension"] == row["twonn"] == pytest.approx((logs @ heights) / (logs @ logs), rel=1e-9)
    assert row["dimension_err"] == row["twonn_err"] > 0
    assert (row["dimension_scale"], row["dimension_status"], row["k"]) == (2, "ok", 20)
    other = measure_table(neighbors(POINTS, 20), MeasureConfig(k=20, estimators=("mle", "twonn")), None)
    assert other["dimension"] == other["mle"] != other["twonn"] == row["twonn"]


def test_gride_columns_end_where_the_table_ends():
    assert [name for name in readings(CONFIG, 20) if name.startswith("gride")] == ["gride_2", "gride_4", "gride_8", "gride_16"]


def test_the_nearest_distance():
    near, _ = dense(POINTS)
    assert measure_table(neighbors(POINTS, 20), CONFIG, None)["r1_median"] == pytest.approx(np.median(near[:, 0]), rel=1e-12)


def test_label_measures():
    _, order = dense(POINTS)
    labels = np.array(LABELS)
    same = labels[order[:, :10]] == labels[:, None]
    row = measure_table(neighbors(POINTS, 20), CONFIG, LABELS)
    assert row["label_overlap"] == pytest.approx(same.mean(), rel=1e-12)
    assert row["label_overlap_balanced"] == pytest.approx(np.mean([same[labels == name].mean() for name in set(LABELS)]))
    assert 0 <= row["knn_accuracy"] <= 1


def test_excluded_groups_are_left_out():
    _, order = dense(POINTS)
    labels, groups = np.array(LABELS), np.array([f"g{row // 4}" for row in range(80)])
    expected = []
    for point, others in enumerate(order[:, :79]):
        kept = [other for other in others if groups[other] != groups[point]][:10]
        expected.append(np.mean(labels[kept] == labels[point]))
    row = measure_table(neighbors(POINTS, 40), MeasureConfig(k=40, overlap_k=10), LABELS, list(groups))
    assert row["label_overlap"] == pytest.approx(np.mean(expected), rel=1e-12)


@pytest.mark.parametrize(("labels", "overlap_k"), [(None, 10), (["a"] * 80, 10), (LABELS, 21)], ids=["none", "one", "wide"])
def test_without_labels_classes_or_neighbours_there_are_no_label_columns(labels, overlap_k):
    row = measure_table(neighbors(POINTS, 20), MeasureConfig(k=30, overlap_k=overlap_k), labels)
    assert not [name for name in row if "label" in name or "accuracy" in name]


def test_sizes_and_spectrum_are_those_of_the_distinct_points():
    repeated = np.concatenate([POINTS, POINTS[:10]]).astype(np.float32)
    row = measure_points(repeated, find_duplicates(repeated))
    assert (row["n"], row["n_unique"], row["width"]) == (90, 80, 6)
    exact = repeated[:80].astype(float)
    assert row["norm_median"] == pytest.approx(np.median(np.linalg.norm(exact, axis=1)), rel=1e-12)
    energy = np.linalg.svd(exact - exact.mean(axis=0), compute_uv=False) ** 2
    assert row["participation_ratio"] == pytest.approx(energy.sum() ** 2 / (energy**2).sum(), rel=1e-6)
    assert row["anisotropy"] == pytest.approx(energy[0] / energy.sum(), rel=1e-6)


def test_the_overlap_of_two_layers():
    there = POINTS + RNG.normal(size=POINTS.shape)
    expected = [len(set(a) & set(b)) / 10 for a, b in zip(dense(POINTS)[1][:, :10], dense(there)[1][:, :10], strict=True)]
    row = measure_step(neighbors(POINTS, 20), neighbors(there, 20), 10)
    assert row["overlap_next"] == pytest.approx(np.mean(expected), rel=1e-12)
    assert (row["overlap_next_n"], row["overlap_next_chance"]) == (80, pytest.approx(10 / 79))


@pytest.mark.parametrize(("here", "there"), [(None, 20), (20, None), (9, 20), (20, 9)])
def test_no_overlap_where_a_table_is_missing_or_narrow(here, there):
    tables = [neighbors(POINTS, k) if k else None for k in (here, there)]
    assert measure_step(*tables, 10) == {}


def test_replicates_come_from_the_seed():
    table = neighbors(POINTS, 20)
    first, second, other = (replicate_dimension(table, CONFIG, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.shape == (7,)
    value = measure_table(table, CONFIG, None)
    assert abs(first.mean() - value["dimension"]) < 4 * value["dimension_err"]


def test_without_a_table_there_are_gaps():
    assert np.isnan(replicate_dimension(None, CONFIG, 0)).tolist() == [True] * 7
    row = no_table()
    assert np.isnan(row["dimension"]) and np.isnan(row["dimension_err"])
    assert "too few distinct points" in row["dimension_status"]


def test_gaps_of_columns_are_nan_or_empty():
    found = fill_columns([{"n": 1, "status": "ok"}, {"n": 2, "extra": 3.0}, {"extra": 4.0, "status": "bad"}])
    assert list(found) == ["n", "status", "extra"]
    assert found["status"] == ["ok", "", "bad"]
    np.testing.assert_array_equal(found["n"], [1, 2, np.nan])
    np.testing.assert_array_equal(found["extra"], [np.nan, 3, 4])


def test_no_other_estimator_takes_the_place_of_the_first():
    config = MeasureConfig(k=30, overlap_k=5, replicates=4, estimators=("mle", "twonn"))
    table = neighbors(POINTS[:15], 14)  # a layer with so few distinct rows that mle, which reads 20 neighbours, has no value
    row = measure_table(table, config, None)
    assert np.isnan(row["dimension"])
    assert row["dimension_status"] == no_table()["dimension_status"]
    assert row["twonn"] > 0
    assert "mle" not in row
    assert np.isnan(replicate_dimension(table, config, 0)).all()


def test_the_largest_coordinate():
    points = RNG.normal(size=(500, 40))
    points[:, 7] += 30
    points[300:, 7] -= 60
    points[0] = 0
    row = measure_points(points, find_duplicates(points))
    squares = points**2
    shares = [line.max() / line.sum() if line.any() else 0.0 for line in squares]
    assert row["top_coordinate"] == pytest.approx(np.median(shares), rel=1e-12)
    assert row["top_variance"] == pytest.approx(points.var(axis=0)[7] / points.var(axis=0).sum(), rel=1e-12)
    constant = measure_points(np.ones((20, 4)), find_duplicates(np.ones((20, 4))))
    assert np.isnan(constant["top_variance"])
    assert constant["top_coordinate"] == 0.25
