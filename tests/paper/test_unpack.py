import shutil
import zipfile

import pytest

from dimscope.errors import InputError, StoreError
from dimscope.paper.unpack import names_in, unpack


def archive(tmp_path, entries, **options):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content, **options)
    return path


def test_files_come_out_whole(tmp_path):
    places = unpack(archive(tmp_path, [("data/a.npy", b"abc"), ("b/c.npy", b"def")]), tmp_path / "to")
    assert [(place.relative_to(tmp_path / "to").as_posix(), place.read_bytes()) for place in places] == [
        ("a.npy", b"abc"),
        ("b/c.npy", b"def"),
    ]


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:/x"])
def test_no_name_leaves_the_folder(tmp_path, name):
    path = archive(tmp_path, [("good", b"1"), (name, b"2")])
    with pytest.raises(InputError, match="would leave the folder; nothing was unpacked"):
        unpack(path, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_links_bombs_and_damage(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(InputError, match="is a link or a device"):
        unpack(archive(tmp_path, [(link, "/etc/passwd")]), tmp_path / "to")
    with pytest.raises(InputError, match="would grow from"):
        unpack(archive(tmp_path, [("bomb", bytes(10**7))]), tmp_path / "to")
    path = archive(tmp_path, [("a", b"abc" * 100)])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="is damaged or no zip archive"):
        unpack(path, tmp_path / "to")


def test_a_full_disk_is_seen_first(tmp_path, monkeypatch):
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2))
    with pytest.raises(StoreError, match=r"the files of a\.zip need"):
        unpack(archive(tmp_path, [("a", b"abc")]), tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_names_without_folders(tmp_path):
    assert names_in(archive(tmp_path, [("data/a.npy", b"abc"), ("b/", b"")])) == ["a.npy"]
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"a\.zip is damaged or no zip archive"):
        names_in(tmp_path / "a.zip")
