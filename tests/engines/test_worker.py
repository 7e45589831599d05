"""What a worker answers, here without one."""

import errno
from pathlib import Path

import pytest

from dimscope.engines import worker
from dimscope.engines.shared import FileMissingError, SharedFile, pieces, share
from dimscope.engines.worker import Done, Missing, Unable, copies_folder, n_threads, store_piece
from dimscope.errors import InputError

FILE = SharedFile("/nowhere", 1, 2)


def raising(error):
    def work(task):
        raise error

    return work


def test_work_that_is_done():
    assert worker._outcome(lambda task: task + 1, 1) == Done(2)


def test_what_others_may_do_better():
    assert worker._outcome(raising(FileMissingError(FILE)), 0) == Missing(FILE)
    assert worker._outcome(raising(MemoryError()), 0) == Unable("its memory is full")
    full = OSError(errno.ENOSPC, "No space left on device", "/scratch/x")
    assert worker._outcome(raising(full), 0) == Unable("No space left on device: /scratch/x")


@pytest.mark.parametrize("error", [InputError("bad."), OSError(errno.EIO, "broken"), KeyError("x")])
def test_what_nobody_can_mend_is_raised(error):
    with pytest.raises(type(error)):
        worker._outcome(raising(error), 0)


def test_outside_of_a_worker():
    assert (copies_folder(), n_threads()) == (Path(), 1)


def test_pieces_go_to_the_folder_of_the_worker(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"abc")
    monkeypatch.setattr(worker._place, "folder", tmp_path / "copies", raising=False)
    for piece in pieces(share(tmp_path / "x")):
        store_piece(piece)
    (copy,) = (tmp_path / "copies").iterdir()
    assert copy.read_bytes() == b"abc"
