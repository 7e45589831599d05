"""Arrays of the user: what is copied, what is measured, and what is refused."""

import errno
import os
import shutil
from collections import namedtuple

import numpy as np
import pytest
from pyarrow import parquet
from scipy.spatial.distance import cdist

import dimscope
from dimscope.config import config_from
from dimscope.errors import InputError, StoreError, UsageError
from dimscope.pipeline import given
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.run import finish_run
from dimscope.progress import Silent

N = 70
CONFIG = config_from({"measure": {"k": 20, "overlap_k": 10, "replicates": 5}})


def cloud(seed, d=6, dimension=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, dimension)) @ rng.normal(size=(dimension, d))


def measured(source, out, **options):
    return measure_arrays(source, options.pop("config", CONFIG), out, with_report=False, **options)


def line_fit(points):
    """TwoNN by its formula from dense float64 distances of the points as given."""
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    near = np.sort(distances, axis=1)
    x = np.sort(np.log(near[:, 1] / near[:, 0]))[: int(0.9 * len(points))]
    y = -np.log(1 - np.arange(1, len(x) + 1) / len(points))
    return (x @ y) / (x @ x)


LAYERS = [cloud(1, dimension=2), cloud(2, dimension=3), cloud(3, dimension=4)]


def save_stack(place):
    np.save(place / "layers.npy", np.stack(LAYERS))
    return place / "layers.npy"


def save_archive(place):
    np.savez(place / "layers.npz", layer_10=LAYERS[2], layer_9=LAYERS[1], layer_1=LAYERS[0])
    return place / "layers.npz"


def save_folder(place):
    (place / "layers").mkdir()
    for name, points in (("h10", LAYERS[2]), ("h2", LAYERS[1]), ("h1", LAYERS[0])):
        np.save(place / "layers" / f"{name}.npy", np.asfortranarray(points))
    (place / "layers" / "notes.txt").write_text("not an array")
    return place / "layers"


@pytest.mark.parametrize(
    ("save", "names"),
    [
        (save_stack, ["layers_0", "layers_1", "layers_2"]),
        (save_archive, ["layer_1", "layer_9", "layer_10"]),
        (save_folder, ["h1", "h2", "h10"]),
    ],
)
def test_layers_are_measured_in_their_natural_order(tmp_path, save, names):
    result = measured(save(tmp_path), tmp_path / "run")
    profile = result.profile
    assert [layer.name for layer in profile.layers] == ["array_00", "array_01", "array_02"]
    assert [(layer.site, layer.index, layer.depth) for layer in profile.layers] == [
        ("array", 0, 0.0), ("array", 1, 0.5), ("array", 2, 1.0),
    ]  # fmt: skip
    assert [layer.module for layer in profile.layers] == names
    np.testing.assert_allclose(profile.values("twonn"), [line_fit(points) for points in LAYERS], rtol=1e-9)
    for number, points in enumerate(LAYERS):
        np.testing.assert_array_equal(np.load(result.folder.states / f"array_{number:02d}.npy"), points)
    assert parquet.read_table(result.folder.points)["id"].to_pylist() == [str(row) for row in range(N)]


def test_one_array_is_one_layer(tmp_path):
    np.save(tmp_path / "mine.npy", LAYERS[1])
    profile = measured(tmp_path / "mine.npy", tmp_path / "run").profile
    assert [(layer.module, layer.depth) for layer in profile.layers] == [("mine", 0.0)]
    assert profile.values("twonn")[0] == pytest.approx(line_fit(LAYERS[1]), rel=1e-9)


@pytest.mark.parametrize(
    ("given_dtype", "stored"),
    [
        ("<f8", "<f8"),
        ("<f4", "<f4"),
        ("<f2", "<f2"),
        (">f8", "<f8"),
        (">f4", "<f4"),
        ("<i4", "<f8"),
        ("u1", "<f8"),
        ("<i8", "<f8"),
    ],
)
def test_numbers_keep_their_precision(tmp_path, given_dtype, stored):
    points = (cloud(5) * 40 + 100).clip(0, 250).astype(given_dtype)
    np.save(tmp_path / "mine.npy", points)
    result = measured(tmp_path / "mine.npy", tmp_path / "run")
    found = np.load(result.folder.states / "array_00.npy")
    assert found.dtype.str.replace("|", "<") == stored
    np.testing.assert_array_equal(found, points.astype(stored))
    exact = np.unique(points.astype(float), axis=0)
    assert result.profile.values("n_unique")[0] == len(exact)
    assert result.profile.values("twonn")[0] == pytest.approx(dimscope.dimension(points).value, rel=1e-12)


def test_float64_points_that_float32_cannot_tell_apart(tmp_path):
    """Spread 1e-3 at 1e6: float32 has steps of 0.06 there, and would merge everything."""
    points = cloud(7) * 1e-3 + 1e6
    assert len(np.unique(points.astype(np.float32), axis=0)) == 1
    np.save(tmp_path / "mine.npy", points)
    result = measured(tmp_path / "mine.npy", tmp_path / "run")
    assert result.profile.values("n_unique")[0] == N
    assert result.profile.values("twonn")[0] == pytest.approx(line_fit(points), rel=1e-9)
    table = np.load(result.folder.neighbors / "array_00.npz")
    exact = np.sort(cdist(points, points), axis=1)[:, 1:21]
    np.testing.assert_allclose(table["distances"], exact, rtol=1e-9)
    assert table["facts"][3] == "float64"


def test_labels_from_text_and_from_an_array(tmp_path):
    source = save_stack(tmp_path)
    labels = [f"l{row % 3}" for row in range(N)]
    (tmp_path / "labels.txt").write_text("\n".join(labels) + "\n")
    np.save(tmp_path / "labels.npy", np.array(labels))
    expected = []
    for points in LAYERS:
        order = np.argsort(cdist(points, points), axis=1, kind="stable")[:, 1:11]
        expected.append((np.array(labels)[order] == np.array(labels)[:, None]).mean())
    for ending in ("txt", "npy"):
        result = measured(source, tmp_path / ending, labels=tmp_path / f"labels.{ending}")
        np.testing.assert_allclose(result.profile.values("label_overlap"), expected, rtol=1e-9)
        assert parquet.read_table(result.folder.points)["label"].to_pylist() == labels


def with_value(value):
    broken = LAYERS[1].copy()
    broken[[3, 60], 2] = value
    return {"a": LAYERS[0], "b": broken}


SHORT = {"a": LAYERS[0][:21]}
REFUSED = {
    "nan": (with_value(np.nan), InputError, r'^layer "b": 2 of 70 rows hold NaN or Inf \(rows 3, 60\)'),
    "inf": (with_value(np.inf), InputError, r'^layer "b": 2 of 70 rows hold NaN or Inf \(rows 3, 60\)'),
    "few": (SHORT, InputError, r"21 points were found, but --k 20 needs at least 22\. Give more examples, or choose --k 19"),
    "one": ({"a": LAYERS[0][:1]}, InputError, "all points are equal, or there is only one"),
    "equal": ({"a": np.ones((N, 3)), "b": np.zeros((N, 2))}, InputError, "all 70 points are equal in every layer; there is no"),
    "lengths": ({"a": LAYERS[0], "b": LAYERS[1][:60]}, InputError, "have different numbers of examples: a 70, b 60"),
    "axes": ({"a": LAYERS[0][0]}, InputError, r'"a" in .* has shape \(6,\) and dtype float64; a layer is an array of real'),
    "complex": ({"a": LAYERS[0] + 1j}, InputError, "dtype complex128; a layer is an array of real numbers with two axes"),
    "text": ({"a": np.array([["x"] * 2] * N)}, InputError, "dtype <U1; a layer is an array of real numbers"),
    "objects": ({"a": np.array([[None] * 2] * N)}, InputError, "cannot be read as numpy arrays"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_arrays_that_cannot_be_measured_leave_nothing_behind(tmp_path, name):
    arrays, kind, text = REFUSED[name]
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(kind, match=text):
        measured(tmp_path / "mine.npz", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_labels_of_another_number_leave_nothing_behind(tmp_path):
    (tmp_path / "labels.txt").write_text("a\n" * 69)
    with pytest.raises(InputError, match="holds 69 labels for 70 examples"):
        measured(save_stack(tmp_path), tmp_path / "run", labels=tmp_path / "labels.txt")
    assert not (tmp_path / "run").exists()


def test_one_layer_of_equal_points_is_a_gap_not_an_end(tmp_path):
    np.savez(tmp_path / "mine.npz", a=LAYERS[0], b=LAYERS[1], c=np.ones((N, 3)), d=LAYERS[2])
    profile = measured(tmp_path / "mine.npz", tmp_path / "run").profile
    assert np.isnan(profile.values("dimension")).tolist() == [False, False, True, False]
    assert profile.values("n_unique").tolist() == [N, N, 1, N]
    assert np.isnan(profile.values("overlap_next")).tolist() == [False, True, True, True]


def test_a_second_call_copies_nothing(tmp_path, monkeypatch):
    source = save_stack(tmp_path)
    first = measured(source, tmp_path / "run")
    monkeypatch.setattr(given, "import_states", lambda *_: pytest.fail("copied"))
    again = measured(source, tmp_path / "run")
    np.testing.assert_array_equal(again.profile.values("twonn"), first.profile.values("twonn"))


def test_damaged_copies_are_made_again(tmp_path):
    source = save_stack(tmp_path)
    first = measured(source, tmp_path / "run")
    path = first.folder.states / "array_01.npy"
    path.write_bytes(path.read_bytes()[:-8] + b"damaged!")
    measured(source, tmp_path / "run")
    np.testing.assert_array_equal(np.load(path), LAYERS[1])
    path.write_bytes(path.read_bytes()[:-8])
    again = measured(source, tmp_path / "run")
    np.testing.assert_array_equal(again.profile.values("twonn"), first.profile.values("twonn"))


def test_changed_arrays_are_measured_anew(tmp_path):
    source = save_stack(tmp_path)
    measured(source, tmp_path / "run")
    np.save(source, np.stack(LAYERS[::-1]))
    again = measured(source, tmp_path / "run")
    np.testing.assert_allclose(again.profile.values("twonn"), [line_fit(points) for points in LAYERS[::-1]], rtol=1e-9)


def test_other_measures_ask_for_redo_or_another_folder(tmp_path):
    source = save_stack(tmp_path)
    measured(source, tmp_path / "run")
    other = config_from({"measure": {"k": 25}}, CONFIG)
    with pytest.raises(
        UsageError, match=r"was made with measure\.k = 20, now 25\. To measure the same states anew, call dimscope"
    ):
        measured(source, tmp_path / "run", config=other)
    again = measured(source, tmp_path / "run", config=other, on_existing="redo")
    assert again.profile.values("k").tolist() == [25] * 3
    in_place = finish_run(CONFIG, again.folder, Silent(), with_report=False)
    assert in_place.profile.values("k").tolist() == [20] * 3


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    for mode in ("missing", "redo"):
        with pytest.raises(UsageError, match=r"exists and is not a run folder"):
            measured(save_stack(tmp_path), tmp_path / "run", on_existing=mode)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_a_disk_without_room_is_seen_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    source = save_stack(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 8 * N * 18 - 1))
    with pytest.raises(StoreError, match=r"the states need .* kB \(70 points, 3 layers\)"):
        measured(source, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_disk_that_fills_up_meanwhile_can_be_freed_and_the_run_resumed(tmp_path, monkeypatch):
    source = save_stack(tmp_path)
    original = os.posix_fallocate
    calls = []

    def refuse(handle, start, size):
        calls.append(size)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(handle, start, size)

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(
        StoreError, match=r"the disk is full while writing .*states.*free some space and run the same command again"
    ):
        measured(source, tmp_path / "run")
    assert not (tmp_path / "run" / "profile.csv").exists()
    result = measured(source, tmp_path / "run")
    np.testing.assert_allclose(result.profile.values("twonn"), [line_fit(points) for points in LAYERS], rtol=1e-9)


class Told(Silent):
    def __init__(self):
        self.messages = []

    def message(self, text):
        self.messages.append(text)


@pytest.mark.parametrize("kind", ["points", "tables"])
def test_arrays_of_two_data_sets_in_one_folder_are_told(tmp_path, kind):
    source, told = tmp_path / "both", Told()
    source.mkdir()
    for name, points in zip(("train_1", "train_2", "valid_10", "valid_2", "last"), [*LAYERS, *LAYERS], strict=False):
        if kind == "points":
            np.save(source / f"{name}.npy", points)
        else:
            table = dimscope.neighbors(points, k=25)
            np.save(source / f"{name}_dist.npy", table.distances)
            np.save(source / f"{name}_index.npy", table.indices)
    measured(source, tmp_path / "out", progress=told)
    said = [text for text in told.messages if "series" in text]
    assert said == [
        f"{source} holds 2 series of arrays: train_* (2), valid_* (2). They are taken as the 5 layers of one model on the same "
        "examples, one series after the other; if they are not, give each a folder of its own."
    ]


@pytest.mark.parametrize("save", [save_stack, save_archive, save_folder])
def test_arrays_of_one_model_are_no_two_series(tmp_path, save):
    told = Told()
    measured(save(tmp_path), tmp_path / "out", progress=told)
    assert not [text for text in told.messages if "series" in text]
