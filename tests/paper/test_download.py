import hashlib
import io
import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from dimscope.errors import InputError, StoreError
from dimscope.paper.download import Remote, counting, download, read_record
from loopback import serving

CONTENT = np.random.default_rng(0).bytes(300_000)


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def host():
    with serving({"file": CONTENT, "a.npy": npy(np.arange(50_000))}) as found:
        yield found


@pytest.mark.parametrize("way", ["good", "moved", "cut", "stall", "busy", "renewed", "silent", "good-unchecked"])
def test_the_right_file_comes_out(host, tmp_path, way):
    address, seen = host
    path = download([Remote("file", f"{address}/{way}/file")], tmp_path, seconds=0.3)[0]
    assert path.read_bytes() == CONTENT
    assert read_record(tmp_path)["file"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert sorted(place.name for place in tmp_path.iterdir()) == ["downloads.json", "file"]
    if way in ("cut", "stall"):
        assert seen == [(way, None), (way, "bytes=100000-"), (way, "bytes=200000-")]
    if way == "renewed":  # another file each time: what was begun is thrown away
        assert seen == [(way, None), (way, "bytes=100000-"), (way, "bytes=100000-")]
    asked = len(seen)
    download([Remote("file", f"{address}/{way}/file")], tmp_path)
    assert len(seen) == asked


@pytest.mark.parametrize(
    ("way", "name", "message"),
    [
        ("wrong", "file", "wrong file: its MD5 is not the one that the host publishes"),
        ("short", "file", "wrong file: its MD5 is not the one that the host publishes"),
        ("short-unchecked", "a.npy", r"a\.npy is no whole numpy array"),
        ("long", "file", r"cannot be fetched \(.*\); \d+ bytes are kept and the same command goes on from there"),
        ("good", "gone", "was refused: 404"),
        ("loop", "file", r"was refused: 302 [^\n]* Or put file into"),
        ("elsewhere", "file", "was refused: 302"),
        ("deaf", "file", r"cannot be fetched \(.*\); 100000 bytes are kept"),
    ],
)
def test_a_wrong_file_never_looks_right(host, tmp_path, way, name, message):
    with pytest.raises(InputError, match=message):
        download([Remote(name, f"{host[0]}/{way}/{name}")], tmp_path, seconds=0.3)
    assert not (tmp_path / name).exists()
    assert read_record(tmp_path) == {}
    if way in ("wrong", "short"):
        assert not list(tmp_path.iterdir())


def test_without_a_network_one_sentence_says_where_to_put_it(tmp_path):
    with pytest.raises(InputError, match=r"cannot be fetched .* Or put file into .* by hand, or name a mirror with --from"):
        download([Remote("file", "http://127.0.0.1:9/file")], tmp_path, seconds=0.3)
    (tmp_path / "file").write_bytes(b"by hand")
    download([Remote("file", "http://127.0.0.1:9/file")], tmp_path, seconds=0.3)
    assert read_record(tmp_path)["file"]["bytes"] == 7


@pytest.mark.parametrize("content", [npy(np.arange(9))[:-8], npy(np.arange(9)) + b"more", b"<html>no</html>", b""])
def test_arrays_are_as_long_as_they_say(tmp_path, content):
    (tmp_path / "whole.npy").write_bytes(npy(np.arange(9)))
    (tmp_path / "part.npy").write_bytes(content)
    found = download([Remote("a.npy", str(tmp_path / "whole.npy"))], tmp_path / "to")
    assert np.load(found[0]).tolist() == list(range(9))
    with pytest.raises(InputError, match=r"b\.npy is no whole numpy array"):
        download([Remote("b.npy", str(tmp_path / "part.npy"))], tmp_path / "to")
    assert not (tmp_path / "to" / "b.npy").exists()
    with pytest.raises(InputError, match=r"none\.npy does not exist \(looked in"):
        download([Remote("c.npy", str(tmp_path / "none.npy"))], tmp_path / "to")


@pytest.mark.parametrize("place", ["{host}/good/file", "{here}/file"])
def test_a_full_disk_is_seen_before_the_transfer(host, tmp_path, monkeypatch, place):
    (tmp_path / "file").write_bytes(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreError, match=r"file need 300 kB; the disk of .* has 1 kB free"):
        download([Remote("file", place.format(host=host[0], here=tmp_path))], tmp_path / "to")
    assert not (tmp_path / "to" / "file").exists()


def test_megabytes_are_counted():
    stages = []

    class Listener:
        def message(self, text):
            stages.append(text)

        @contextmanager
        def stage(self, name, total):
            stages.append([name, total, 0])
            yield SimpleNamespace(advance=lambda steps: stages[-1].__setitem__(2, stages[-1][2] + steps))

    with counting(Listener(), "a", (5 << 20) + 1) as count:
        for _ in range(5):
            count(1 << 20)
        assert stages[-1] == ["a (MB)", 6, 5]
        count(1)
    assert stages == [["a (MB)", 6, 6]]
    with counting(Listener(), "b", None) as count:
        count(7)
    assert stages[-1] == "b: the host does not say how long it is"
