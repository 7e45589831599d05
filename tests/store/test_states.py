"""States on disk: plain arrays, the same bytes from any start, and damage that heals or is named."""

import errno
import itertools
import json
import os
import resource
import subprocess
import sys
import zlib

import numpy as np
import pytest

from dimscope.errors import StoreError
from dimscope.store.states import StateStore, import_states, open_states, stored_dtype, stored_size

N_ROWS, BLOCK = 10, 4
RNG = np.random.default_rng(0)
LAYERS = {"block_00": RNG.normal(size=(N_ROWS, 3)).astype("f4"), "block_01": RNG.normal(size=(N_ROWS, 5)).astype("f4")}


def open_store(folder, key="key", n_rows=N_ROWS, block=BLOCK):
    return StateStore(folder, key, n_rows, block)


def write(store, numbers):
    for number in numbers:
        start, stop = store.blocks[number]
        store.write_block(number, {name: points[start:stop] for name, points in LAYERS.items()})


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def whole(tmp_path):
    folder = tmp_path / "whole"
    write(open_store(folder), [0, 1, 2])
    return folder


def test_numpy_alone_reads_the_arrays(whole):
    for name, points in LAYERS.items():
        found = np.load(whole / f"{name}.npy", mmap_mode="r")
        assert found.dtype == np.dtype("<f4")
        assert found.flags.c_contiguous
        assert np.array_equal(found, points)


def test_the_list_of_blocks_holds_their_sums(whole):
    record = json.loads((whole / "progress.json").read_text(encoding="utf-8"))
    assert (record["key"], record["n_rows"], record["block"]) == ("key", N_ROWS, BLOCK)
    expected = {
        str(number): {name: zlib.crc32(points[4 * number : 4 * number + 4].tobytes()) for name, points in LAYERS.items()}
        for number in range(3)
    }
    assert record["done"] == expected


def test_blocks_cover_all_rows_once(tmp_path):
    assert open_store(tmp_path).blocks == [(0, 4), (4, 8), (8, 10)]
    assert open_store(tmp_path, n_rows=8).blocks == [(0, 4), (4, 8)]
    assert open_store(tmp_path, n_rows=1).blocks == [(0, 1)]


@pytest.mark.parametrize("first", [chosen for size in range(4) for chosen in itertools.permutations(range(3), size)])
def test_any_start_ends_with_the_same_bytes(tmp_path, whole, first):
    folder = tmp_path / "again"
    write(open_store(folder), first)
    store = open_store(folder)
    assert [number for number in range(3) if store.is_done(number)] == sorted(first)
    assert store.is_complete == (len(first) == 3)
    write(store, [number for number in range(3) if not store.is_done(number)])
    assert store.is_complete
    assert content(folder) == content(whole)


@pytest.mark.parametrize("change", [{"key": "other"}, {"n_rows": 9}, {"block": 5}])
def test_another_request_starts_from_nothing(whole, change):
    store = open_store(whole, **change)
    assert not any(store.is_done(number) for number in range(3))
    assert list(whole.iterdir()) == []


@pytest.mark.parametrize("byte", [-1, 4 * 4 * 3 - 4 * 10 * 3])
def test_a_damaged_block_is_read_again_and_only_that(whole, byte):
    """Counted from the end of the file, the bytes lie in block 2 and in block 1."""
    before = content(whole)
    raw = bytearray(before["block_00.npy"])
    raw[byte] ^= 1
    (whole / "block_00.npy").write_bytes(raw)
    store = open_store(whole)
    damaged = 2 if byte == -1 else 1
    assert [store.is_done(number) for number in range(3)] == [number != damaged for number in range(3)]
    write(store, [damaged])
    assert content(whole) == before


@pytest.mark.parametrize("harm", ["gone", "short", "foreign", "empty", "archive"])
def test_a_layer_that_is_gone_or_something_else_is_read_again(whole, harm):
    before = content(whole)
    place = whole / "block_01.npy"
    place.unlink()
    if harm == "short":
        place.write_bytes(before["block_01.npy"][:-1])
    elif harm == "foreign":
        np.save(place, np.array([["a", "b"]]))
    elif harm == "empty":
        place.write_bytes(b"")
    elif harm == "archive":
        with place.open("wb") as handle:
            np.savez(handle, a=LAYERS["block_01"])
    store = open_store(whole)
    assert not any(store.is_done(number) for number in range(3))
    write(store, [0, 1, 2])
    assert content(whole) == before


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"key": "key"}', '{"done": []}', '{"done": {"a": {}}}', '{"done": {"0": 3}}', '{"done": {"-1": {}}}'],
)
def test_a_damaged_list_of_blocks_is_named(whole, text):
    (whole / "progress.json").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=r"progress\.json is damaged; choose --on-existing redo to start over\."):
        open_store(whole)


def test_a_block_beyond_the_end_is_not_believed(whole):
    record = json.loads((whole / "progress.json").read_text(encoding="utf-8"))
    record["done"]["3"] = record["done"]["2"]
    (whole / "progress.json").write_text(json.dumps(record), encoding="utf-8")
    assert open_store(whole).is_complete


def test_a_block_is_listed_after_its_bytes_are_on_disk(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    synced = []
    sync = os.fsync

    def note(handle):
        sync(handle)
        status = os.fstat(handle)
        candidates = [tmp_path, *tmp_path.iterdir()]
        synced.append(next(path.name for path in candidates if path.stat().st_ino == status.st_ino))

    monkeypatch.setattr(os, "fsync", note)
    write(store, [0])
    layers = [synced.index(f"{name}.npy") for name in LAYERS]
    listed = next(place for place, name in enumerate(synced) if "progress.json" in name)
    assert max(layers) < listed
    assert synced[-1] == tmp_path.name


@pytest.mark.parametrize("call", ["posix_fallocate", "fsync"])
def test_a_full_disk_is_one_sentence_and_what_was_finished_stays(tmp_path, whole, monkeypatch, call):
    folder = tmp_path / "full"
    write(open_store(folder), [0])
    before = content(folder)
    store = open_store(folder)

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        if call == "posix_fallocate":
            (folder / "block_01.npy").unlink()
            before.pop("block_01.npy")
        with pytest.raises(StoreError, match="the disk is full while writing"):
            write(store, [1])
    assert not [path for path in folder.iterdir() if "part" in path.name]
    assert content(folder)["progress.json"] == before["progress.json"]
    store = open_store(folder)
    assert store.is_done(0) == (call == "fsync")
    write(store, [number for number in range(3) if not store.is_done(number)])
    assert content(folder) == content(whole)


def test_a_real_limit_of_the_system_leaves_no_half_made_array(tmp_path):
    """A child process whose files may have 1000 bytes at most makes a layer of 8000."""
    program = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from dimscope.errors import StoreError\n"
        "from dimscope.store.states import StateStore\n"
        "store = StateStore(Path(sys.argv[1]), 'key', 100, 10)\n"
        "try:\n    store.write_block(0, {'block_00': np.ones((10, 20), dtype='f4')})\n"
        "except StoreError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.stdout == f"{tmp_path} cannot be written (File too large); choose another folder with -o.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "stored"),
    [("f2", "<f2"), ("f4", "<f4"), (">f4", "<f4"), ("f8", "<f8"), ("i2", "<f8"), ("u8", "<f8"), ("g", "<f8")],
)
def test_user_arrays_keep_the_precision_that_they_came_in(tmp_path, given, stored):
    points = (np.arange(21).reshape(7, 3) / (1 if given in ("i2", "u8") else 7)).astype(given)
    store = import_states(tmp_path, [("array_00", points)], "key", BLOCK)
    assert store.is_complete
    assert stored_dtype(np.dtype(given)) == np.dtype(stored)
    assert store.read("array_00").dtype == np.dtype(stored)
    assert np.array_equal(store.read("array_00"), points.astype(stored))


def test_importing_goes_on_where_it_stopped(tmp_path):
    layers = list(LAYERS.items())
    write(open_store(tmp_path / "a"), [1])
    import_states(tmp_path / "a", layers, "key", BLOCK)
    import_states(tmp_path / "b", layers, "key", BLOCK)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_states_cannot_be_changed_through_the_map(whole):
    points = open_states(whole / "block_00.npy")
    with pytest.raises(ValueError, match="read-only"):
        points[0, 0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (None, "no states at {}; run `dimscope extract` first."),
        (lambda place: place.write_bytes(b""), "{} is damaged or not a numpy array (another kind of file); extract it again."),
        (lambda place: place.write_bytes(b"\x93NUMPY\x01\x00"), "{} is damaged or not a numpy array ("),
        (lambda place: place.mkdir(), "{} is damaged or not a numpy array ("),
        (lambda place: np.save(place, np.zeros(3)), "{} holds shape (3,) and dtype float64; states are floating-point numbers"),
        (lambda place: np.save(place, np.zeros((3, 2), dtype=int)), "{} holds shape (3, 2) and dtype int64; states are"),
    ],
    ids=["missing", "empty", "cut", "folder", "one axis", "whole numbers"],
)
def test_files_that_are_no_states_are_named(tmp_path, make, message):
    place = tmp_path / "a.npy"
    if make:
        make(place)
    with pytest.raises(StoreError) as caught:
        open_states(place)
    assert str(caught.value).startswith(message.format(place))


@pytest.mark.parametrize("shape", [(1, 1), (10, 3), (99_999_999, 12_345)])
@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8"])
def test_the_size_of_a_file_is_known_before_it_is_there(shape, kind, tmp_path):
    if shape == (10, 3):
        np.save(tmp_path / "layer.npy", np.zeros(shape, kind))
        assert stored_size(shape, np.dtype(kind)) == (tmp_path / "layer.npy").stat().st_size
    assert stored_size(shape, np.dtype(kind)) == 128 + shape[0] * shape[1] * np.dtype(kind).itemsize
