"""Folders of saved data sets: rows in the order of their files, classes by name."""

import json

import pyarrow
import pytest
from pyarrow import ipc

from dimscope.config import DataConfig
from dimscope.errors import InputError
from dimscope.inputs.datasets import read_dataset_folder
from dimscope.inputs.text import read_texts

CLASSES = {"_type": "ClassLabel", "names": ["sport", "world"]}


def save(folder, parts, features=None):
    """What `save_to_disk` writes: Arrow streams, the list of them, and the types of the columns."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data-{number:05d}-of-{len(parts):05d}.arrow" for number in range(len(parts))]
    for name, columns in zip(names, parts, strict=True):
        table = pyarrow.table(columns)
        with ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features or {}}))
    return folder


def refusal(place):
    with pytest.raises(InputError) as caught:
        read_dataset_folder(place, lambda columns: columns)
    return str(caught.value).replace(str(place), "FOLDER")


def test_rows_of_all_files_in_order_with_names_of_classes(tmp_path):
    parts = [{"text": ["b", "a"], "label": [1, 0]}, {"text": ["c"], "label": [1]}]
    place = save(tmp_path / "saved", parts, {"label": CLASSES, "text": {"dtype": "string", "_type": "Value"}})
    found = read_texts(DataConfig(path=str(place), label="label"))
    assert (found.texts, found.labels) == (["b", "a", "c"], ["world", "sport", "world"])
    before = found.source_hash
    save(place, [{"text": ["b", "z"], "label": [1, 0]}, parts[1]], {"label": CLASSES})
    assert read_texts(DataConfig(path=str(place))).source_hash != before


def test_labels_that_are_not_known_are_gaps(tmp_path):
    place = save(tmp_path, [{"text": ["a", "b", "c"], "label": [1, -1, None]}], {"label": CLASSES})
    assert read_dataset_folder(place, lambda _: ["label"]) == {"label": ["world", None, None]}


def test_numbers_without_names_stay_numbers(tmp_path):
    assert read_dataset_folder(save(tmp_path, [{"label": [3, 0]}]), lambda _: ["label"]) == {"label": ["3", "0"]}


def test_several_splits_are_named(tmp_path):
    save(tmp_path / "test", [{"text": ["a"]}])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["test", "train"]}')
    assert refusal(tmp_path) == "FOLDER holds several splits (test, train); choose one, for example --data FOLDER/test."
    assert read_texts(DataConfig(path=str(tmp_path / "test"))).texts == ["a"]


def test_what_is_wrong_is_named(tmp_path):
    assert refusal(tmp_path) == (
        "FOLDER is a folder; a file with examples, or a data set written by save_to_disk, is expected."
    )
    place = save(tmp_path, [{"text": ["a"], "label": [2]}], {"label": CLASSES})
    assert refusal(place) == "FOLDER has a label 2, but names of 2 classes."
    file = place / "data-00000-of-00001.arrow"
    file.write_bytes(b"no arrow here")
    assert refusal(place).startswith("FOLDER cannot be read as a data set: ")
    file.unlink()
    assert refusal(place) == "FOLDER lacks data-00000-of-00001.arrow; save the data set again."
    (place / "state.json").write_text("[")
    assert refusal(place).startswith("FOLDER/state.json is not JSON: ")
    (place / "state.json").write_text("[]")
    assert refusal(place) == "FOLDER/state.json holds a JSON list; an object is expected."
