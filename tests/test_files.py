"""Files are whole or absent: when the writer fails, when the disk is full, when the folder refuses."""

import errno
import hashlib
import os
import resource
import shutil
import stat
import subprocess
import sys
from types import SimpleNamespace

import pytest

from dimscope import files
from dimscope.errors import StoreError
from dimscope.files import atomic_path, explained_disk_errors, free_space, hash_file, is_numpy_file, watched, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_and_alone(tmp_path):
    place = tmp_path / "new" / "folder" / "a.txt"
    with atomic_path(place) as temporary:
        assert temporary.parent == place.parent
        assert temporary.suffix == ".txt"
        temporary.write_bytes(b"content")
        assert not place.exists()
    assert place.read_bytes() == b"content"
    assert names(place.parent) == ["a.txt"]


def test_a_writer_that_raises_leaves_nothing_and_keeps_the_old_file(tmp_path):
    place = tmp_path / "a.txt"
    place.write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError, match="stop"), atomic_path(place) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise RuntimeError("stop")
    assert place.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_content_is_on_disk_before_the_name_and_the_name_before_the_end(tmp_path, monkeypatch):
    calls = []
    sync, replace = os.fsync, type(tmp_path).replace

    def note_sync(handle):
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        calls.append(f"sync {kind}")
        sync(handle)

    def note_replace(self, target):
        calls.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(type(tmp_path), "replace", note_replace)
    write_text(tmp_path / "a.txt", "x")
    assert calls == ["sync file", "rename", "sync folder"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("where", ["write", "sync"])
def test_a_full_disk_is_one_sentence_and_the_old_file_stays(tmp_path, monkeypatch, number, where):
    place = tmp_path / "a.txt"
    place.write_text("old", encoding="utf-8")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    if where == "sync":
        monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError) as caught, atomic_path(place) as temporary:
        temporary.write_text("half", encoding="utf-8")
        if where == "write":
            fail()
    text = str(caught.value)
    assert text.startswith(f"the disk is full while writing {place}.")
    assert "run the same command again to resume" in text
    assert place.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_real_limit_of_the_system_leaves_nothing(tmp_path):
    """A child process whose files may have 1000 bytes at most writes 5000."""
    program = (
        "import sys; from pathlib import Path\n"
        "from dimscope.errors import StoreError\n"
        "from dimscope.files import write_text\n"
        "place = Path(sys.argv[1])\n"
        "write_text(place, 'old')\n"
        "try:\n    write_text(place, 'x' * 5000)\n"
        "except StoreError as error:\n    print(error)\n"
    )
    place = tmp_path / "a.txt"
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, str(place)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.stdout == f"{place} cannot be written (File too large); choose another folder with -o.\n"
    assert place.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / ("n" * 250 + ".txt"), "File name too long"),
        (lambda folder: folder / "file" / "a.txt", "Not a directory|File exists"),
        (lambda folder: folder / "folder", "Is a directory"),
    ],
    ids=["long name", "below a file", "a folder"],
)
def test_places_that_cannot_be_written_are_one_sentence(tmp_path, make, reason):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    with pytest.raises(StoreError, match=rf"cannot be written \(({reason})\); choose another folder with -o\."):
        write_text(make(tmp_path), "x")
    assert names(tmp_path) == before


def test_other_errors_of_the_system_pass_unchanged(tmp_path):
    with pytest.raises(OSError, match="odd") as caught, explained_disk_errors(tmp_path):
        raise OSError(errno.EBADF, "odd")
    assert caught.value.errno == errno.EBADF


def test_text_is_utf8(tmp_path):
    write_text(tmp_path / "a.txt", "é\nא😀")
    assert (tmp_path / "a.txt").read_bytes() == "é\nא😀".encode()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 3500])
def test_hashes_do_not_depend_on_the_chunk(tmp_path, monkeypatch, size):
    monkeypatch.setattr(files, "HASH_CHUNK", 1000)
    content = bytes(range(256)) * 14
    (tmp_path / "a").write_bytes(content[:size])
    assert hash_file(tmp_path / "a") == "sha256:" + hashlib.sha256(content[:size]).hexdigest()


@pytest.mark.parametrize(
    ("content", "answer"), [(b"\x93NUMPY\x01\x00", True), (b"PK\x03\x04", False), (b"", False), (b"\x93NUM", False)]
)
def test_numpy_files_are_known_by_their_first_bytes(tmp_path, content, answer):
    (tmp_path / "a.npy").write_bytes(content)
    assert is_numpy_file(tmp_path / "a.npy") is answer


def test_free_space_is_that_of_the_folder_that_will_hold_the_file(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: asked.append(place) or SimpleNamespace(free=7))
    assert free_space(tmp_path / "new" / "file") == (tmp_path, 7)
    assert asked == [tmp_path]
    assert not (tmp_path / "new").exists()


def test_an_observer_is_told_of_whole_files_below_its_folder_in_their_order(tmp_path):
    told = []
    with watched(tmp_path / "here", lambda path: told.append((path.name, path.read_text()))):
        write_text(tmp_path / "here" / "deep" / "a", "1")
        write_text(tmp_path / "elsewhere", "2")
        write_text(tmp_path / "here" / "b", "3")
        with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "here" / "c") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError
    write_text(tmp_path / "here" / "d", "4")
    assert told == [("a", "1"), ("b", "3")]


def test_what_an_observer_raises_reaches_the_writer(tmp_path):
    def refuse(path):
        raise StoreError(f"{path.name} is refused")

    with watched(tmp_path, refuse), pytest.raises(StoreError, match="a is refused"):
        write_text(tmp_path / "a", "1")
    assert (tmp_path / "a").read_text() == "1"
