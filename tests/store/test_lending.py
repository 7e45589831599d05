"""What tasks get to read: open objects here, files where all workers see them, contents where one does not."""

import os

import numpy as np
import pytest

import dimscope
from dimscope.engines import HERE
from dimscope.engines.shared import SharedFile, share
from dimscope.errors import StoreError
from dimscope.store import lending
from dimscope.store.lending import Lender, carried, each, open_points, open_table, sees
from dimscope.store.tables import read_table, write_table
from fakes import Shuffled


@pytest.fixture
def files(tmp_path):
    """Points and their table."""
    points = np.random.default_rng(0).normal(size=(40, 3))
    np.save(tmp_path / "x.npy", points)
    write_table(tmp_path / "x.npz", dimscope.neighbors(points, 5))
    return tmp_path / "x.npy", tmp_path / "x.npz"


def unseen(monkeypatch):
    monkeypatch.setattr(lending.Lender, "_is_seen", lambda *_: False)


def test_this_process_gets_what_is_open(files):
    table = read_table(files[1])
    assert isinstance(Lender(HERE).points(files[0]), np.memmap)
    assert Lender(HERE).table(files[1], table) is table
    np.testing.assert_array_equal(Lender(HERE).table(files[1]).indices, table.indices)


def test_workers_get_files_that_all_of_them_see(files):
    engine = Shuffled(n_workers=3)
    lender = Lender(engine)
    points, table = lender.points(files[0]), lender.table(files[1])
    assert isinstance(points, SharedFile) and isinstance(table, SharedFile)
    assert engine.n_tasks == 6  # asked once, two questions for each worker
    np.testing.assert_array_equal(open_points(points), np.load(files[0]))
    np.testing.assert_array_equal(open_table(table).distances, read_table(files[1]).distances)
    assert carried((points, table, "x", None, 3)) == 0


def test_workers_that_do_not_see_the_disk_get_contents(files, monkeypatch):
    unseen(monkeypatch)
    lender = Lender(Shuffled())
    points, table = lender.points(files[0]), lender.table(files[1])
    assert type(points) is np.ndarray
    np.testing.assert_array_equal(open_points(points), np.load(files[0]))
    assert open_table(table) is table
    assert carried((points, table)) == 40 * 3 * 8 + 2 * 40 * 5 * 8 + 3 * 40 * 8


def test_a_file_that_is_elsewhere_is_not_seen(files):
    file = share(files[0])
    assert sees(file)
    assert not sees(file._replace(path=str(files[0].with_name("other.npy"))))
    assert not sees(file._replace(check=file.check ^ 1))


def test_missing_files(tmp_path):
    with pytest.raises(StoreError, match=r"no states at .*y\.npy"):
        Lender(Shuffled()).points(tmp_path / "y.npy")
    with pytest.raises(StoreError, match=r"no neighbour table at .*y\.npz"):
        Lender(HERE).table(tmp_path / "y.npz")


def test_a_table_is_read_again_when_its_file_was_written_again(files):
    first = open_table(share(files[1]))
    assert open_table(share(files[1])) is first
    before = files[1].stat()
    write_table(files[1], first)
    os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert open_table(share(files[1])) is not first


def square(task):
    return task**2


@pytest.mark.parametrize("room", [0, 3, 100])
def test_tasks_under_way_fit_in_the_room_or_are_alone(room, monkeypatch):
    monkeypatch.setattr(lending, "SENT_BYTES", room)
    made, done, most = [], [], 0

    def tasks():
        for number in range(9):
            made.append(number)
            yield number

    for task, answer in each(Shuffled(1, 4), square, tasks(), size=lambda task: 1):
        done.append((task, answer))
        most = max(most, len(made) - len(done))
    assert sorted(done) == [(number, number**2) for number in range(9)]
    assert most <= max(room, 1) + 1  # the next one is made, and waits
    engine = Shuffled()
    assert sorted(each(engine, square, range(3), lambda task: 0, patience=7.5)) == [(0, 0), (1, 1), (2, 4)]
    assert engine.patience == 7.5
    assert list(each(HERE, square, range(3), size=lambda task: 10**12)) == [(0, 0), (1, 1), (2, 4)]
