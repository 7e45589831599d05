import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from dimscope import neighbors, overlap
from dimscope.reports.neighborhoods import SHOWN, Neighborhoods, overlap_csv, read_neighborhoods
from dimscope.store.folder import RunFolder
from dimscope.store.tables import write_table

K = 6


@pytest.fixture
def points() -> np.ndarray:
    """Three layers of 40 points; the last two rows repeat the first in all of them."""
    found = np.random.default_rng(2).normal(size=(3, 40, 3))
    found[1] = found[0] + 0.3 * found[1]
    found[:, 38:] = found[:, :1]
    return found


@pytest.fixture
def folder(points: np.ndarray, tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path)
    made.neighbors.mkdir()
    for place, layer in enumerate(points):
        write_table(made.table_of(f"l{place}"), neighbors(layer, 12))
    columns = {"id": [str(row) for row in range(40)], "label": list("ab" * 20), "text": [None, *["t"] * 39]}
    parquet.write_table(pyarrow.table(columns), made.points)
    return made


def nearest(points: np.ndarray) -> list[list[int]]:
    """The K nearest distinct points of every row, by plain sorting."""
    found = []
    for row in points:
        far = np.linalg.norm(points[:38] - row, axis=1)
        found.append([int(place) for place in np.argsort(far) if far[place] > 0][:K])
    return found


def test_neighbors_and_shares_are_those_of_plain_sorting(folder: RunFolder, points: np.ndarray) -> None:
    found = read_neighborhoods(folder, ["l0", "l1", "l2"], K)
    lists = [nearest(layer) for layer in points]
    np.testing.assert_array_equal(found.near, np.array(lists)[:, :, :SHOWN])
    for layer in range(2):
        expected = [len(set(a) & set(b)) / K for a, b in zip(lists[layer], lists[layer + 1], strict=True)]
        np.testing.assert_allclose(found.kept[layer], expected)
    assert np.isnan(found.kept[2]).all()
    agreeing = [[np.mean([near % 2 == row % 2 for near in of]) for row, of in enumerate(rows)] for rows in lists]
    np.testing.assert_allclose(found.agreeing, agreeing)
    assert (found.labels, found.texts[:2]) == (tuple("ab" * 20), ("", "t"))


def test_the_map_is_the_overlap_of_every_pair(folder: RunFolder, points: np.ndarray) -> None:
    found = read_neighborhoods(folder, ["l0", "l1", "l2"], K)
    assert found.overlap is not None
    for a in range(3):
        for b in range(3):
            assert found.overlap.values[a, b] == pytest.approx(overlap(points[a], points[b], k=K).value)
    rows = list(csv.DictReader(StringIO(overlap_csv(found.overlap, found.layers))))
    assert [(row["layer"], row["other"]) for row in rows] == [(f"l{a}", f"l{b}") for a in range(3) for b in range(3)]
    assert [float(row["overlap"]) for row in rows] == found.overlap.values.ravel().tolist()
    assert {row["n"] for row in rows} == {"38"}


def test_a_layer_without_a_table_is_a_gap(folder: RunFolder) -> None:
    folder.table_of("l1").unlink()
    found = read_neighborhoods(folder, ["l0", "l1", "l2"], K)
    assert (found.near[1] == -1).all()
    assert np.isnan(found.kept).all()
    assert np.isnan(found.agreeing[1]).all() and np.isfinite(found.agreeing[[0, 2]]).all()
    assert found.overlap is not None
    assert np.isfinite(found.overlap.values).tolist() == [[True, False, True], [False] * 3, [True, False, True]]
    assert "l0,l1,,,,0\n" in overlap_csv(found.overlap, found.layers)


def test_a_map_that_costs_too_much_is_left_out(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimscope.reports.neighborhoods.MOST_OVERLAPS", 9 * 40 * K - 1)
    assert read_neighborhoods(folder, ["l0", "l1", "l2"], K).overlap is None
    assert read_neighborhoods(folder, ["l0", "l1"], K).overlap is not None


def test_labels_with_gaps_are_no_labels(folder: RunFolder) -> None:
    columns = {"id": [str(row) for row in range(40)], "label": [None, *["a"] * 39], "text": ["t"] * 40}
    parquet.write_table(pyarrow.table(columns), folder.points)
    found: Neighborhoods = read_neighborhoods(folder, ["l0", "l1"], K)
    assert found.labels is None
    assert np.isnan(found.agreeing).all()


def test_texts_can_be_left_out(folder: RunFolder) -> None:
    found = read_neighborhoods(folder, ["l0", "l1"], K)
    bare = found.without_texts()
    assert any(found.texts) and not any(bare.texts)
    assert (len(bare.texts), bare.ids, bare.labels) == (40, found.ids, found.labels)
    np.testing.assert_array_equal(bare.near, found.near)
