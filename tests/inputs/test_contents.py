"""Contents are read one at a time and keep their places."""

from pathlib import Path

import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.inputs.contents import ArrayContents, FileContents


def test_files_are_decoded_when_they_are_read():
    opened = []

    def decode(path):
        opened.append(path)
        return path.name

    contents = FileContents([Path("a"), Path("b"), Path("c")], decode, [b"1", b"2", b"1"])
    taken = contents.take(np.array([2, 0]))
    assert (len(contents), len(taken), opened) == (3, 2, [])
    assert taken.read(0) == "c"
    assert opened == [Path("c")]
    assert [taken.digest(row) for row in (0, 1)] == [b"1", b"1"]


def test_rows_of_a_memory_map(tmp_path):
    array = np.arange(12).reshape(4, 3)
    array[3] = array[1]
    np.save(tmp_path / "x.npy", array)
    contents = ArrayContents(np.load(tmp_path / "x.npy", mmap_mode="r"), np.arange(4), lambda row: row * 2)
    taken = contents.take(np.array([3, 1, 0]))
    assert np.array_equal(taken.read(0), 2 * array[3])
    assert taken.digest(0) == taken.digest(1) != taken.digest(2)
    assert len(taken) == 3


def test_a_row_that_cannot_be_decoded_is_named():
    def refuse(row):
        raise ValueError("is no image")

    with pytest.raises(InputError, match=r"^row 7 of the array is no image\.$"):
        ArrayContents(np.zeros((9, 2)), np.array([7]), refuse).read(0)
