"""Neighbour tables from elsewhere: which files make a layer, and the point itself left out wherever it stands."""

import hashlib

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from dimscope.errors import InputError
from dimscope.files import hash_file
from dimscope.inputs.tables import own_places, read_tables, without_self

POINTS = np.random.default_rng(0).normal(size=(30, 5))
FAR, INDEX = NearestNeighbors(n_neighbors=6).fit(POINTS).kneighbors(POINTS)


def save(folder, name, far, index, words=("dist", "index")):
    for word, array in zip(words, (far, index), strict=True):
        np.save(folder / f"{name}_{word}.npy", array)


def refusal(place):
    with pytest.raises(InputError) as caught:
        read_tables(place)
    return str(caught.value).replace(str(place), "PLACE")


def test_files_of_the_paper_in_the_order_of_their_layers(tmp_path):
    for layer in (16, 2):
        save(tmp_path, f"imagenet_small_layer{layer}_train", (FAR * layer).astype(np.float32), INDEX.astype(np.int32))
        np.save(tmp_path / f"imagenet_small_layer{layer}_train_mus.npy", FAR)
    np.save(tmp_path / "imagenet_labels.npy", np.arange(30))
    tables, source = read_tables(tmp_path)
    assert [table.name for table in tables] == ["imagenet_small_layer2_train", "imagenet_small_layer16_train"]
    assert np.array_equal(tables[0].indices, INDEX[:, 1:])
    assert np.array_equal(tables[1].distances, (FAR[:, 1:] * 16).astype(np.float32))
    assert tables[1].distances.dtype == np.float64
    names = [f"imagenet_small_layer{layer}_train_{word}.npy" for layer in (2, 16) for word in ("dist", "index")]
    lines = "".join(f"{name} {hash_file(tmp_path / name)}\n" for name in names)
    assert source == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("words", [("distances", "indices"), ("distances", "dist_indices"), ("dist", "index")])
def test_names_of_the_pair(tmp_path, words):
    save(tmp_path, "a", FAR, INDEX, words)
    np.savez(tmp_path / "b.npz", **dict(zip(words, (FAR, INDEX), strict=True)))
    for place in (tmp_path, tmp_path / "b.npz"):
        [table], _ = read_tables(place)
        assert np.array_equal(table.distances, FAR[:, 1:])


def test_an_archive_with_several_layers(tmp_path):
    np.savez(tmp_path / "x.npz", distances=np.stack([FAR, 2 * FAR]), indices=np.stack([INDEX, INDEX]))
    tables, source = read_tables(tmp_path / "x.npz")
    assert [table.name for table in tables] == ["x_0", "x_1"]
    assert np.array_equal(tables[1].distances, 2 * FAR[:, 1:])
    assert source == hash_file(tmp_path / "x.npz")


def test_points_are_no_tables(tmp_path):
    np.save(tmp_path / "layer1.npy", POINTS)
    np.savez(tmp_path / "x.npz", layer1=POINTS, indices=INDEX)
    assert read_tables(tmp_path) is None
    assert read_tables(tmp_path / "layer1.npy") is None
    assert read_tables(tmp_path / "x.npz") is None
    assert read_tables(tmp_path / "none.npz") is None


def test_a_table_without_the_point_itself_stays_as_it_is():
    far, index = without_self(FAR[:, 1:], INDEX[:, 1:])
    assert np.array_equal(far, FAR[:, 1:])
    assert np.array_equal(index, INDEX[:, 1:])


def test_among_equal_points_the_own_number_may_stand_anywhere_or_nowhere():
    index = np.array([[1, 0, 2], [0, 2, 1], [0, 1, 3], [2, 3, 1]])  # row 2 does not list itself
    far = np.array([[0.0, 0.0, 0.1], [0.0, 0.2, 0.3], [0.0, 0.0, 9.0], [0.0, 0.0, 5.0]])
    left, kept = without_self(far, index)
    assert kept.tolist() == [[1, 2], [0, 2], [0, 1], [2, 1]]
    assert left.tolist() == [[0.0, 0.1], [0.0, 0.2], [0.0, 0.0], [0.0, 5.0]]
    assert np.argwhere(own_places(index))[:, 1].tolist() == [1, 2, 2, 1]
    assert not own_places(kept).any()


def test_what_does_not_fit_is_named(tmp_path):
    np.save(tmp_path / "a_dist.npy", FAR)
    assert refusal(tmp_path) == "PLACE/a_dist.npy has no indices beside it; a_index.npy was expected."
    np.save(tmp_path / "a_index.npy", INDEX[:, :3])
    assert refusal(tmp_path) == (
        'the table "a" of PLACE has distances (30, 6) of dtype float64 and indices (30, 3) of dtype int64; real and whole '
        "numbers of one shape (points, neighbours) are expected."
    )
    save(tmp_path, "a", FAR, INDEX.astype(float))
    assert "indices (30, 6) of dtype float64" in refusal(tmp_path)
    save(tmp_path, "a", FAR, INDEX)
    save(tmp_path, "b", FAR[:20], INDEX[:20])
    assert refusal(tmp_path) == "the tables of PLACE have different numbers of points: [20, 30]."
    (tmp_path / "b_dist.npy").write_text("no array")
    assert refusal(tmp_path) == "PLACE cannot be read as neighbour tables: b_dist.npy is not a .npy file."
