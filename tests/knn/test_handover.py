"""Arrays that tasks leave for each other in a folder of the driver."""

import errno
from pathlib import Path

import numpy as np
import pytest

from dimscope.errors import StoreError
from dimscope.knn import handover
from dimscope.knn.handover import close_folder, is_seen, keep, lay, open_folder, take

ARRAYS = [np.arange(7, dtype=np.uint16), np.empty(0, np.float32), np.arange(6.0).reshape(2, 3), np.eye(3, dtype=np.int8)[::2]]


@pytest.fixture
def folder():
    made = open_folder()
    yield made
    close_folder(made)


@pytest.mark.parametrize("write", [lay, keep])
def test_arrays_come_back_as_they_were(folder, write):
    for found, expected in zip(take(write(folder, ARRAYS)), ARRAYS, strict=True):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected)


def test_every_file_has_a_name_of_its_own(folder):
    assert lay(folder, ARRAYS).path != lay(folder, ARRAYS).path


def test_another_folder_under_the_same_path_is_not_the_one(folder):
    assert is_seen(folder)
    other = folder._replace(token="1" * 64)
    assert not is_seen(other)
    assert lay(other, ARRAYS) is None
    assert not is_seen(folder._replace(path="/nowhere"))
    Path(folder.path, handover.TOKEN).write_bytes(b"\xff\xfe")
    assert not is_seen(folder)


def test_what_is_gone_or_cut_off_is_not_read(folder):
    laid = lay(folder, ARRAYS)
    with Path(laid.path).open("r+b") as file:
        file.truncate(60)
    assert take(laid) is None
    close_folder(folder)
    assert take(laid) is None
    assert lay(folder, ARRAYS) is None


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    class Full:
        dtype, shape = np.dtype(np.int8), (1,)

    def full(array):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(handover.np, "ascontiguousarray", full)
    assert lay(folder, [Full()]) is None
    with pytest.raises(StoreError, match=f"^the disk is full while writing {folder.path}"):
        keep(folder, [Full()])
    assert [path.name for path in Path(folder.path).iterdir()] == [handover.TOKEN]
