"""Arrays and labels of the user: order of layers, values, and files that are something else."""

import hashlib
import io

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from dimscope.errors import InputError
from dimscope.inputs.arrays import numbered_series, read_labels, read_layers

POINTS = np.random.default_rng(0).normal(size=(6, 3))
OTHER = POINTS + 1


def as_npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def as_npz(write=np.savez, **arrays):
    buffer = io.BytesIO()
    write(buffer, **arrays)
    return buffer.getvalue()


def put(folder, name, content):
    place = folder / name
    place.write_bytes(content)
    return place


def refusal(read, place, *rest):
    with pytest.raises(InputError) as caught:
        read(place, *rest)
    return str(caught.value).replace(str(place), "FILE")


def test_one_array_is_one_layer(tmp_path):
    place = put(tmp_path, "mine.npy", as_npy(POINTS))
    [(name, points)], source = read_layers(place)
    assert name == "mine"
    assert np.array_equal(points, POINTS)
    assert source == "sha256:" + hashlib.sha256(as_npy(POINTS)).hexdigest()


def test_tensors_of_safetensors_are_in_natural_order(tmp_path):
    place = tmp_path / "mine.safetensors"
    save_file({"layer10": POINTS + 10, "layer2": POINTS.astype(np.float32), "layer1": (POINTS * 9).astype(np.int64)}, place)
    layers, source = read_layers(place)
    assert [name for name, _ in layers] == ["layer1", "layer2", "layer10"]
    assert np.array_equal(layers[1][1], POINTS.astype(np.float32))
    assert layers[0][1].dtype == np.int64
    assert source == "sha256:" + hashlib.sha256(place.read_bytes()).hexdigest()


def test_tensors_that_numpy_does_not_know_are_refused(tmp_path):
    place = tmp_path / "mine.safetensors"
    save_torch({"layer1": torch.ones(3, 2, dtype=torch.bfloat16)}, place)
    assert refusal(read_layers, place) == (
        'FILE cannot be read as numpy arrays: "layer1" in it is BF16, which numpy does not know; save it as float32.'
    )
    place.write_bytes(place.read_bytes()[:-4])
    assert refusal(read_layers, place).startswith("FILE cannot be read as numpy arrays: it is no whole safetensors file (")


@pytest.mark.parametrize("kind", [np.float32, np.int64, bool])
def test_one_hot_rows_are_labels(tmp_path, kind):
    columns = [2, 0, 1, 2, 2, 0]
    assert read_labels(put(tmp_path, "y.npy", as_npy(np.eye(3, dtype=kind)[columns])), 6) == [str(one) for one in columns]


def test_three_axes_are_layers_in_order(tmp_path):
    place = put(tmp_path, "mine.NPY", as_npy(np.stack([POINTS, OTHER])))
    layers, _ = read_layers(place)
    assert [name for name, _ in layers] == ["mine_0", "mine_1"]
    assert np.array_equal(layers[1][1], OTHER)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_entries_of_an_archive_are_in_natural_order(tmp_path, write):
    place = put(tmp_path, "mine.npz", as_npz(write, layer10=POINTS + 10, layer2=POINTS + 2, layer1=POINTS + 1))
    layers, _ = read_layers(place)
    assert [name for name, _ in layers] == ["layer1", "layer2", "layer10"]
    for (_, points), shift in zip(layers, (1, 2, 10), strict=True):
        assert np.array_equal(points, POINTS + shift)


def test_files_of_a_folder_are_in_natural_order_whatever_the_system_says(tmp_path):
    names = ["b", "a10", "a9", "a09", "a1b2", "²", "10", "9"]
    for name in names:
        np.save(tmp_path / f"{name}.npy", POINTS)
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    layers, source = read_layers(tmp_path)
    assert [name for name, _ in layers] == ["9", "10", "a1b2", "a09", "a9", "a10", "b", "²"]
    np.save(tmp_path / "b.npy", OTHER)
    assert read_layers(tmp_path)[1] != source


@pytest.mark.parametrize("dtype", ["f2", ">f4", "f8", "i2", "u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_kinds_of_numbers_and_memory_orders_keep_their_values(tmp_path, dtype, order):
    array = np.asarray(np.arange(12).reshape(4, 3), dtype=dtype, order=order)
    [(_, points)], _ = read_layers(put(tmp_path, "a.npy", as_npy(array)))
    assert points.dtype == array.dtype
    assert np.array_equal(points, array)


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.zeros(()), np.zeros((2, 2, 2, 2)), POINTS * 1j, POINTS > 0, np.array([["a", "b"]])],
    ids=["one axis", "none", "four axes", "complex", "bool", "text"],
)
def test_what_is_no_layer_is_named_with_shape_and_dtype(tmp_path, array):
    text = refusal(read_layers, put(tmp_path, "a.npy", as_npy(array)))
    assert text.startswith(f'"a" in FILE has shape {array.shape} and dtype {array.dtype}; a layer is an array of real numbers')


def test_layers_of_different_length_are_refused(tmp_path):
    place = put(tmp_path, "a.npz", as_npz(a=POINTS, b=POINTS[:4]))
    assert refusal(read_layers, place) == "the layers of FILE have different numbers of examples: a 6, b 4."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"", "FILE cannot be read as numpy arrays: No data left in file."),
        ("a.npy", b"hello", "FILE cannot be read as numpy arrays: a.npy is not a .npy file."),
        ("a.npy", as_npz(a=POINTS), "FILE cannot be read as numpy arrays: a.npy is not a .npy file."),
        ("a.npy", as_npy(POINTS)[:50], "FILE cannot be read as numpy arrays: EOF"),
        ("a.npy", as_npy(POINTS)[:-1], "FILE cannot be read as numpy arrays: mmap length is greater than file size."),
        ("a.npy", as_npy(np.array([1, "a"], dtype=object), allow_pickle=True), "FILE cannot be read as numpy arrays: "),
        ("a.npz", b"", "FILE cannot be read as numpy arrays: it is not an archive, or its end is missing."),
        ("a.npz", as_npy(POINTS), "FILE cannot be read as numpy arrays: it is not an archive, or its end is missing."),
        ("a.npz", as_npz(a=POINTS)[:-30], "FILE cannot be read as numpy arrays: it is not an archive, or its end is missing."),
        (
            "a.npz",
            as_npz(a=POINTS).replace(POINTS.tobytes(), OTHER.tobytes()),
            "FILE cannot be read as numpy arrays: Bad CRC-32",
        ),
        ("a.npz", as_npz(a=np.array([1, "a"], dtype=object)), "FILE cannot be read as numpy arrays: Object arrays"),
        ("a.npz", as_npz(), "FILE holds no arrays."),
        ("a.csv", b"1,2", "FILE has the ending .csv; arrays may be: .npy, .npz, .safetensors, or a folder of .npy."),
    ],
)
def test_damaged_and_foreign_files_are_refused(tmp_path, name, content, message):
    assert refusal(read_layers, put(tmp_path, name, content)).startswith(message)


def test_damage_of_a_compressed_archive_is_found(tmp_path):
    whole = as_npz(np.savez_compressed, a=np.random.default_rng(1).normal(size=(50, 20)))
    for start in range(60, len(whole) - 200, 501):
        place = put(
            tmp_path, "a.npz", whole[:start] + bytes(byte ^ 255 for byte in whole[start : start + 20]) + whole[start + 20 :]
        )
        assert refusal(read_layers, place).startswith("FILE cannot be read as numpy arrays: ")


def test_an_archive_of_something_else_is_refused(tmp_path):
    import zipfile

    place = tmp_path / "a.npz"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal(read_layers, place).endswith('"readme.txt" in it is not a numpy array.')


@pytest.mark.parametrize("read", [read_layers, lambda place: read_labels(place, 3)], ids=["arrays", "labels"])
def test_a_missing_place_names_the_folder_that_was_searched(tmp_path, monkeypatch, read):
    monkeypatch.chdir(tmp_path)
    kind = "arrays" if read is read_layers else "labels"
    assert refusal(read, tmp_path / "none.npy") == f"no {kind} at FILE (looked in {tmp_path})."


def test_an_empty_folder_holds_no_arrays(tmp_path):
    assert refusal(read_layers, tmp_path) == "FILE holds no arrays."


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (["a", "NA", "007"], ["a", "NA", "007"]),
        ([3, -1, 7], ["3", "-1", "7"]),
        ([1.0, 2.5, -0.5], ["1.0", "2.5", "-0.5"]),
        ([True, False, True], ["True", "False", "True"]),
        (np.array([b"x", b"y", b"z"]), ["x", "y", "z"]),
        (np.array([["a"], ["b"], ["c"]]), ["a", "b", "c"]),
    ],
    ids=["text", "whole", "float", "bool", "bytes", "column"],
)
def test_labels_of_an_array_become_texts(tmp_path, array, expected):
    assert read_labels(put(tmp_path, "l.npy", as_npy(np.asarray(array))), 3) == expected


def test_a_single_label(tmp_path):
    assert read_labels(put(tmp_path, "l.npy", as_npy(np.array(["a"]))), 1) == ["a"]


def test_labels_of_a_text_file_are_its_lines(tmp_path):
    content = "\ufeff007\r\nאב\u2028ג\n null \n".encode()
    assert read_labels(put(tmp_path, "l.txt", content), 3) == ["007", "אב\u2028ג", " null "]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "l.txt",
            b"a\nb\n",
            "FILE holds 2 labels for 3 examples; a .npy array, or a text file with one label per line and no header",
        ),
        ("l.txt", b"a\n\nb\n", "FILE: 1 of 3 labels are empty (rows 1, counted from 0); complete them."),
        ("l.txt", "é\nb\nc\n".encode("latin-1"), "FILE cannot be read as labels: 'utf-8' codec can't decode byte 0xe9"),
        ("l.npy", as_npy(np.array([1.0, np.nan, np.nan])), "FILE: 2 of 3 labels are empty (rows 1, 2, counted from 0)"),
        (
            "l.npy",
            as_npy(np.ones((3, 3))),
            "FILE cannot be read as labels: shape (3, 3) and dtype float64, but one label, or one column",
        ),
        ("l.npy", as_npy(np.ones(3) * 1j), "FILE cannot be read as labels: shape (3,) and dtype complex128"),
        ("l.npy", b"", "FILE cannot be read as labels: No data left in file."),
        ("l.npy", as_npz(a=POINTS), "FILE cannot be read as labels: l.npy is not a .npy file."),
    ],
)
def test_bad_labels_are_refused(tmp_path, name, content, message):
    assert refusal(read_labels, put(tmp_path, name, content), 3).startswith(message)


def test_a_folder_holds_no_labels(tmp_path):
    assert refusal(read_labels, tmp_path, 3).startswith("FILE cannot be read as labels: Is a directory.")


def test_series_are_names_that_differ_in_numbers_only():
    assert numbered_series(["a1b2", "a3b4", "a5c", "d", "e"]) == {"a*b*": 2}
    assert numbered_series(["embed", "block_1", "block_10", "norm"]) == {"block_*": 2}
    assert numbered_series([]) == {}
