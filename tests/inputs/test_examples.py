"""One door for all data: the reader is chosen by what stands at the path."""

import numpy as np
import pytest

from dimscope.config import DataConfig
from dimscope.errors import InputError
from dimscope.inputs.examples import read_examples, with_own_labels
from media import write_images, write_sounds

ENDINGS = ".csv, .fa, .fa.gz, .faa, .faa.gz, .fasta, .fasta.gz, .jsonl, .npy, .npz, .parquet, .tsv, .txt"


def refusal(place):
    with pytest.raises(InputError) as caught:
        read_examples(DataConfig(path=str(place)))
    return str(caught.value).replace(str(place), "FILE")


def test_each_kind_finds_its_reader(tmp_path):
    (tmp_path / "x.txt").write_text("one\ntwo\n")
    (tmp_path / "x.fa").write_text(">a\nMKV\n")
    np.save(tmp_path / "x.npy", np.ones((3, 4), dtype=int))
    np.savez(tmp_path / "x.npz", a=np.ones((3, 4, 4), dtype=np.uint8))
    write_images(tmp_path / "images", 2)
    write_sounds(tmp_path / "sounds", 2)
    kinds = {"x.txt": "text", "x.fa": "protein", "x.npy": "tokens", "x.npz": "image", "images": "image", "sounds": "audio"}
    assert {name: read_examples(DataConfig(path=str(tmp_path / name))).kind for name in kinds} == kinds


def test_what_is_not_there_or_unknown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal("none.csv") == f"no data file at FILE (looked in {tmp_path})."
    (tmp_path / "x.json").write_text("{}")
    (tmp_path / "x").write_text("x")
    (tmp_path / "x.csv").write_text("")
    (tmp_path / "folder").mkdir()
    tail = f"data may be: {ENDINGS}, or a folder with images, sound or a saved data set."
    assert refusal(tmp_path / "x.json") == f"FILE has the ending .json; {tail}"
    assert refusal(tmp_path / "x") == f"FILE has the ending none; {tail}"
    assert refusal(tmp_path / "x.csv") == "FILE is empty; a file with examples is expected."
    assert refusal(tmp_path / "folder").startswith(
        "FILE is a folder without images or sound; a file with examples, a folder of images or"
    )


def test_labels_that_the_data_bring_along(tmp_path):
    def own(place, **options):
        return with_own_labels(DataConfig(path=str(place), **options)).label

    images = write_images(tmp_path / "images", 4)
    assert own(images) == "class"
    assert own(images, label="other") == "other"
    assert own(images / "cat") is None
    np.save(tmp_path / "imagenet_trX.npy", np.ones((3, 4), dtype=int))
    assert own(tmp_path / "imagenet_trX.npy") is None
    np.save(tmp_path / "imagenet_trY.npy", np.ones(3))
    assert own(tmp_path / "imagenet_trX.npy") == str(tmp_path / "imagenet_trY.npy")
    (tmp_path / "x.csv").write_text("text,label\na,b\n")
    assert own(tmp_path / "x.csv") is None
    assert own(tmp_path / "none") is None
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{}")
    assert own(tmp_path / "saved") is None
