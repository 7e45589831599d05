import io
import json
import zipfile

import numpy as np
import pytest

from dimscope.errors import InputError, StoreError, UsageError
from dimscope.paper import sources
from dimscope.paper.download import Remote
from dimscope.paper.sources import ARCHIVES, fetch_archives, fetch_igpt, igpt_files
from loopback import serving

NAMES = ("imagenet_train_labels.npy", "id-esm2-35M.npy")
"""One array of each archive."""


def npy(value):
    buffer = io.BytesIO()
    np.save(buffer, np.array([value]))
    return buffer.getvalue()


def zipped(*entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def both():
    return {archive.name: zipped((f"data/{name}", npy(7))) for archive, name in zip(ARCHIVES, NAMES, strict=True)}


def test_archives_from_a_folder_and_a_second_call(tmp_path, both):
    for name, content in both.items():
        (tmp_path / name).write_bytes(content)
    found = fetch_archives(tmp_path / "to", str(tmp_path))
    assert [path.name for path in found] == sorted(NAMES)
    assert [int(np.load(path)[0]) for path in found] == [7, 7]
    record = json.loads((tmp_path / "to/data/downloads.json").read_text())
    assert record[ARCHIVES[0].name]["files"] == [NAMES[0]]
    assert len(record[ARCHIVES[0].name]["sha256"]) == 64
    fetch_archives(tmp_path / "to", "/nowhere")
    found[0].unlink()
    with pytest.raises(InputError, match="does not exist"):
        fetch_archives(tmp_path / "to", "/nowhere")
    assert all((tmp_path / name).is_file() for name in both)  # what the user has stays


def test_one_archive_under_any_name(tmp_path, both):
    for number, content in enumerate(both.values()):
        (tmp_path / f"{number}.zip").write_bytes(content)
        assert len(fetch_archives(tmp_path / "to", str(tmp_path / f"{number}.zip"))) == number + 1
    assert all(sources.is_there(archive, tmp_path / "to") for archive in ARCHIVES)
    (tmp_path / "photos.zip").write_bytes(zipped(("a.jpg", b"")))
    with pytest.raises(InputError, match=r"photos\.zip holds 1 files, none of them imagenet_train_\*\.npy or id-esm2-"):
        fetch_archives(tmp_path / "to", str(tmp_path / "photos.zip"))
    with pytest.raises(UsageError, match=r"an address ends in data_transf_repr_image\.zip or .*, so that it is clear"):
        fetch_archives(tmp_path / "to", "http://127.0.0.1:9/x.zip")
    with pytest.raises(InputError, match="does not exist"):
        fetch_archives(tmp_path / "to", str(tmp_path / "none.zip"))


def test_archives_from_a_mirror_over_cuts(tmp_path, both):
    both[ARCHIVES[0].name] = zipped((NAMES[0], npy(7)), ("more.bin", np.random.default_rng(0).bytes(250_000)))
    with serving(both) as (address, seen):
        fetch_archives(tmp_path, f"{address}/cut")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "downloads.json"]
        assert len((tmp_path / "data/more.bin").read_bytes()) == 250_000
        asked = len(seen)
        fetch_archives(tmp_path, f"{address}/cut")
        assert len(seen) == asked


def test_without_a_network_everything_that_is_missing_is_named(tmp_path, both):
    first, second = ARCHIVES
    with pytest.raises(
        InputError, match=rf"put {first.name} into .* by hand.* {second.name} \(curves of ESM-2\) is not there yet"
    ):
        fetch_archives(tmp_path / "to", "http://127.0.0.1:9")
    (tmp_path / "to" / first.name).write_bytes(both[first.name])  # as the sentence says
    with pytest.raises(InputError, match=rf"put {second.name} into .* by hand[^.]*\.$"):
        fetch_archives(tmp_path / "to", "http://127.0.0.1:9")
    (tmp_path / "to" / second.name).write_bytes(both[second.name])
    assert [path.name for path in fetch_archives(tmp_path / "to", "http://127.0.0.1:9")] == sorted(NAMES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped((NAMES[0], npy(7)), ("../../x.npy", npy(8))), "would leave the folder; nothing was unpacked"),
        (zipped((NAMES[0], npy(7)))[:-9], "is damaged or no zip archive"),
        (b"<html>Sign in</html>", "is damaged or no zip archive"),
        (zipped(("other.npy", npy(7))), r"none of them imagenet_train_\*\.npy"),
    ],
)
def test_a_wrong_archive_leaves_nothing(tmp_path, both, content, message):
    good = both[ARCHIVES[0].name]
    both[ARCHIVES[0].name] = content
    with serving(both) as (address, _):
        with pytest.raises(InputError, match=message):
            fetch_archives(tmp_path / "to", f"{address}/good-unchecked")
        assert not list((tmp_path / "to").rglob("*.npy"))
        assert not list((tmp_path / "to").rglob("*.zip"))
        assert not (tmp_path / "x.npy").exists()
        both[ARCHIVES[0].name] = good  # the same command, once the host has mended it
        assert len(fetch_archives(tmp_path / "to", f"{address}/good-unchecked")) == 2


def test_names_of_openais_files():
    names = [remote.name for remote in igpt_files("l", "131000", "cifar10", clusters=True, bert=True)]
    assert len(names) == 64 + 2 + 1 + 6
    assert names[0] == "model.ckpt-131000.data-00000-of-00064"
    assert igpt_files("s", "1000000", None, clusters=False, bert=True)[0].url.split("/")[-3:-1] == ["igpt-s-bert", "1000000"]
    with pytest.raises(UsageError, match="--model s and --ckpt none"):
        igpt_files("s", None, None, clusters=False, bert=False)
    with pytest.raises(UsageError, match="nothing was asked for"):
        igpt_files(None, None, None, clusters=False, bert=False)


def test_the_disk_is_asked_first(tmp_path):
    with pytest.raises(StoreError, match="1 files need"):
        fetch_igpt(igpt_files(None, None, None, clusters=True, bert=False), tmp_path, 10**18)


def test_files_of_a_mirror(tmp_path):
    with serving({"kmeans_centers.npy": npy(3)}) as (address, _):
        remotes = igpt_files(None, None, None, clusters=True, bert=False)
        assert int(np.load(fetch_igpt(remotes, tmp_path, 0, f"{address}/moved")[0])[0]) == 3
        with pytest.raises(InputError, match="404"):
            fetch_igpt([Remote("none", "x/none")], tmp_path, 0, f"{address}/good")
        several = igpt_files("s", "131000", None, clusters=True, bert=False)
        with pytest.raises(
            InputError, match=r"00000-of-00032 was refused: 404 .* Of this call 34 files are not there yet, .*\.meta\.$"
        ):
            fetch_igpt(several, tmp_path, 0, f"{address}/good")
