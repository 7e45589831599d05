"""Exported neighbours against a search by brute force."""

import shutil

import numpy as np
import pandas
import pytest

from dimscope import export
from dimscope.errors import StoreError
from dimscope.exports.neighbors import neighbor_rows
from dimscope.knn import neighbors


def searched(points, k):
    """The k nearest distinct rows of every row by all distances; row 40 repeats row 7, and only row 7 is ever found."""
    wide = points.astype(np.float64)
    distances = np.sqrt(((wide[:, None] - wide[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    distances[:, 40] = np.inf
    distances[40, 7] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


def test_the_column_has_row_numbers_and_distances_of_the_nearest(run, arrays, tmp_path):
    out = export(run, "neighbors", tmp_path / "n.parquet", layers=["array_01"])
    table = pandas.read_parquet(out)
    ids, distances = searched(arrays[1], 12)
    assert table["neighbors"].map(lambda cell: sorted(cell)).map(tuple).unique().tolist() == [("distances", "ids")]
    np.testing.assert_array_equal(np.stack(table["neighbors"].map(lambda cell: cell["ids"])), ids)
    np.testing.assert_allclose(np.stack(table["neighbors"].map(lambda cell: cell["distances"])), distances, rtol=1e-12)
    stored = pandas.read_parquet(run / "points.parquet")
    pandas.testing.assert_frame_equal(table[list(stored)], stored)


def test_fewer_neighbors_and_the_vectors_beside_them(run, arrays, tmp_path):
    out = export(run, "neighbors", tmp_path / "n.parquet", layers=["array_02"], k=3, with_points=True)
    table = pandas.read_parquet(out)
    np.testing.assert_array_equal(np.stack(table["neighbors"].map(lambda cell: cell["ids"])), searched(arrays[2], 3)[0])
    vectors = np.stack(table["vector"])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, arrays[2])


def test_lines_name_both_examples(run, arrays, tmp_path):
    out = export(run, "neighbors", tmp_path / "n.csv", layers=["array_00"], k=2)
    lines = pandas.read_csv(out, dtype={"id": str, "neighbor": str})
    ids, distances = searched(arrays[0], 2)
    assert list(lines.columns) == ["id", "rank", "neighbor", "distance"]
    assert lines["id"].tolist() == [str(row) for row in range(60) for _ in range(2)]
    assert lines["rank"].tolist() == [1, 2] * 60
    assert lines["neighbor"].tolist() == [str(row) for row in ids.ravel()]
    np.testing.assert_allclose(lines["distance"], distances.ravel(), rtol=1e-12)


def test_kept_duplicates_are_neighbors_of_each_other(arrays):
    ids, distances = neighbor_rows(neighbors(arrays[0], k=2, duplicates="keep"))
    assert (ids[7, 0], ids[40, 0]) == (40, 7)
    assert (distances[7, 0], distances[40, 0]) == (0, 0)


def test_a_layer_without_a_table_is_one_sentence(run, tmp_path):
    place = shutil.copytree(run, tmp_path / "mine")
    (place / "neighbors" / "array_01.npz").unlink()
    with pytest.raises(StoreError, match="has no neighbour table of array_01: it was removed, or fewer than 3 points"):
        export(place, "neighbors", tmp_path / "n.parquet", layers=["array_01"])
    assert not (tmp_path / "n.parquet").exists()
