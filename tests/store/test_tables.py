"""Neighbour tables come back as they were, can be read with numpy alone, and damage is named."""

import numpy as np
import pytest

from dimscope.errors import StoreError
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.store.tables import read_table, write_table


def make_table(policy="merge"):
    """Six rows of which row 4 repeats row 1, and every distance from the definition."""
    points = np.array([[0.0], [1.0], [3.0], [7.0], [1.0], [15.0]])
    representative = np.array([0, 1, 2, 3, 1, 5])
    multiplicity = np.array([1, 2, 1, 1, 2, 1])
    duplicates = Duplicates(representative, multiplicity, policy, n_near=3)
    kept = points[duplicates.rows]
    distances = np.abs(kept - kept.T)
    np.fill_diagonal(distances, np.inf)
    indices = np.argsort(distances, axis=1, kind="stable")[:, :3]
    return Neighbors(indices, np.take_along_axis(distances, indices, axis=1), duplicates, "euclidean", "float32", "blas")


@pytest.mark.parametrize("policy", ["merge", "keep"])
def test_a_table_comes_back(tmp_path, policy):
    table = make_table(policy)
    write_table(tmp_path / "sub" / "a.npz", table)
    found = read_table(tmp_path / "sub" / "a.npz")
    assert np.array_equal(found.indices, table.indices)
    assert found.indices.dtype == np.int64
    assert np.array_equal(found.distances, table.distances)
    assert np.array_equal(found.duplicates.representative, table.duplicates.representative)
    assert np.array_equal(found.duplicates.multiplicity, table.duplicates.multiplicity)
    assert (found.duplicates.policy, found.duplicates.n_near) == (policy, 3)
    assert (found.metric, found.dtype, found.backend) == ("euclidean", "float32", "blas")


def test_numpy_alone_reads_it(tmp_path):
    write_table(tmp_path / "a.npz", make_table())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["indices"].dtype == np.int32
        assert found["distances"].dtype == np.float64
        assert found["rows"].tolist() == [0, 1, 2, 3, 5]
        assert found["indices"][:, 0].tolist() == [1, 0, 1, 2, 3]
        assert found["distances"][:, 0].tolist() == [1.0, 1.0, 2.0, 4.0, 8.0]
        assert found["facts"].tolist() == ["merge", "3", "euclidean", "float32", "blas"]


def test_the_same_table_has_the_same_bytes(tmp_path):
    write_table(tmp_path / "a.npz", make_table())
    write_table(tmp_path / "b.npz", make_table())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_missing_table_names_the_command(tmp_path):
    with pytest.raises(StoreError, match=r"no neighbour table at .*a\.npz; run `dimscope measure` on the run folder first\."):
        read_table(tmp_path / "a.npz")


def test_damage_anywhere_is_found_or_harmless(tmp_path):
    place = tmp_path / "a.npz"
    table = make_table()
    write_table(place, table)
    whole = place.read_bytes()
    for start in range(0, len(whole), 13):
        place.write_bytes(whole[:start] + bytes([whole[start] ^ 255]) + whole[start + 1 :])
        try:
            found = read_table(place)
        except StoreError as error:
            assert str(error).startswith(f"{place} is damaged (")
        else:
            assert np.array_equal(found.indices, table.indices)
            assert np.array_equal(found.distances, table.distances)
    for size in range(0, len(whole), 101):
        place.write_bytes(whole[:size])
        with pytest.raises(StoreError, match="is damaged"):
            read_table(place)


@pytest.mark.parametrize("kind", ["other entries", "plain array", "wrong map", "own neighbour"])
def test_foreign_tables_are_refused(tmp_path, kind):
    place, table = tmp_path / "a.npz", make_table()
    entries = {
        "indices": table.indices, "distances": table.distances, "representative": table.duplicates.representative,
        "multiplicity": table.duplicates.multiplicity, "facts": np.array(["merge", "0", "euclidean", "float32", "blas"]),
    }  # fmt: skip
    if kind == "wrong map":
        entries["representative"] = np.arange(6)
    if kind == "own neighbour":
        entries["indices"] = np.zeros_like(table.indices)
    with place.open("wb") as handle:
        if kind == "plain array":
            np.save(handle, table.distances)
        else:
            np.savez(handle, **(entries if kind != "other entries" else {"x": table.distances}))
    with pytest.raises(StoreError, match=r"a\.npz is damaged \(.*\); delete it and measure again\."):
        read_table(place)
