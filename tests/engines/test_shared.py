"""Files that workers find where they are, or get as a copy."""

import errno
import os
from pathlib import Path

import pytest

from dimscope.engines import shared
from dimscope.engines.shared import FileMissingError, locate, pieces, receive, share


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(os.urandom(3 * shared.PAGE * shared.PAGES))
    return path


def test_a_file_is_read_at_its_own_place(file, tmp_path):
    assert locate(share(file), tmp_path / "copies") == file


@pytest.mark.parametrize("place", [0, -1, 1000])
def test_another_content_is_not_taken_for_it(file, tmp_path, place):
    known = share(file)
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(FileMissingError) as problem:
        locate(known, tmp_path / "copies")
    assert problem.value.file == known


def test_a_copy_arrives_piece_by_piece(file, tmp_path, monkeypatch):
    monkeypatch.setattr(shared, "PIECE", 100_000)
    known, content, copies = share(file), file.read_bytes(), tmp_path / "copies"
    parts = list(pieces(known))
    assert [len(part.content) for part in parts[:-1]] == [100_000] * (len(parts) - 1)
    file.unlink()
    for part in parts:
        with pytest.raises(FileMissingError):
            locate(known, copies)
        receive(part, copies)
    assert locate(known, copies).read_bytes() == content
    assert locate(known, copies).parent == copies


def test_empty_files_travel_too(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    known = share(path)
    parts = list(pieces(known))
    path.unlink()
    for part in parts:
        receive(part, tmp_path / "copies")
    assert locate(known, tmp_path / "copies").read_bytes() == b""


def test_only_the_last_copies_are_kept(tmp_path):
    copies, known = tmp_path / "copies", []
    for number in range(4):
        path = tmp_path / str(number)
        path.write_bytes(bytes([number]) * 10)
        known.append(share(path))
        for part in pieces(known[-1]):
            receive(part, copies)
        os.utime(next(iter(set(copies.glob("*.npy")) - {None})), None)
        path.unlink()
    assert len(list(copies.iterdir())) == shared.COPIES
    assert locate(known[-1], copies).read_bytes() == bytes([3]) * 10


def test_a_full_disk_leaves_no_half_of_a_copy(file, tmp_path, monkeypatch):
    copies = tmp_path / "copies"
    (part,) = pieces(share(file))
    copies.mkdir()
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    path = shared._copy(part.file, copies).with_suffix(".part")
    path.symlink_to("/dev/full")
    with pytest.raises(OSError) as problem:
        receive(part, copies)
    assert problem.value.errno == errno.ENOSPC
    assert list(copies.iterdir()) == []
