"""Keys and facts of points or tables that the user brought."""

import json
from hashlib import sha256

from pyarrow import parquet

from dimscope.config import config_from
from dimscope.pipeline.given_facts import given_key, given_name, open_given, write_given_facts
from dimscope.store.folder import RunFolder, read_folder_config
from dimscope.store.manifest import Manifest


def test_the_key_follows_data_labels_and_what_else_is_named():
    alone = given_key("sha256:1", None)
    assert alone == sha256(b"('sha256:1', '')").hexdigest()[:16]
    others = [given_key("sha256:2", None), given_key("sha256:1", ["a", "b"]), given_key("sha256:1", ["ab"])]
    others += [given_key("sha256:1", None, 10), given_key("sha256:1", None, 11)]
    assert len({alone, *others}) == 6


def test_a_folder_is_opened_with_rows_and_without_earlier_stages(tmp_path):
    config, folder = config_from({"data": {"path": "points.npy"}, "model": {"name": ""}}), RunFolder(tmp_path / "run")
    folder.path.mkdir()
    Manifest(folder.path).write(stages={"measure": {"key": "old"}}, created="then")
    manifest = open_given(config, folder, 3, ["a", "b", "a"])
    assert read_folder_config(folder) == config
    assert parquet.read_table(folder.points).select(["id", "label"]).to_pydict() == {
        "id": ["0", "1", "2"],
        "label": ["a", "b", "a"],
    }
    write_given_facts(manifest, config, ["first", "second", "third"], 3, ["a", "b", "a"], "sha256:1", has_points=False)
    stored = json.loads((folder.path / "manifest.json").read_text())
    assert (stored["stages"], stored["created"], stored["model"]) == ({}, "then", {})
    assert [(layer["name"], layer["module"], layer["depth"]) for layer in stored["layers"]] == [
        (given_name(0), "first", 0.0),
        (given_name(1), "second", 0.5),
        (given_name(2), "third", 1.0),
    ]
    data = {"path": "points.npy", "hash": "sha256:1", "n_examples": 3, "n_labels": 2, "has_points": False}
    assert stored["data"] == data


def test_one_layer_stands_at_depth_0(tmp_path):
    config = config_from({"data": {"path": "points.npy"}, "model": {"name": ""}})
    manifest = open_given(config, RunFolder(tmp_path), 2, None)
    write_given_facts(manifest, config, ["only"], 2, None, "sha256:1")
    assert [layer["depth"] for layer in manifest.content["layers"]] == [0.0]
    assert manifest.content["data"]["n_labels"] == 0
