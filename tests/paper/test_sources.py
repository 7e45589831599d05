import zipfile

import pytest

from dimscope.errors import InputError, StoreError, UsageError
from dimscope.paper.sources import ARCHIVES, fetch_archives, fetch_igpt, igpt_files


def test_archives_from_a_folder_and_a_second_call(tmp_path):
    for number, archive in enumerate(ARCHIVES):
        with zipfile.ZipFile(tmp_path / archive.name, "w") as made:
            made.writestr(f"data/{number}.txt", str(number))
    fetch_archives(tmp_path / "to", str(tmp_path))
    assert [(tmp_path / "to/data" / f"{number}.txt").read_text() for number in (0, 1)] == ["0", "1"]
    fetch_archives(tmp_path / "to", "/nowhere")
    (tmp_path / "to/data/1.txt").unlink()
    with pytest.raises(InputError, match="does not exist"):
        fetch_archives(tmp_path / "to", "/nowhere")


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
