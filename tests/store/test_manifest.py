"""The manifest: what is finished, with which key, and whether files are still those that were written."""

import json
from hashlib import sha256

import pytest

from dimscope.errors import StoreError
from dimscope.store.manifest import SCHEMA, Manifest


@pytest.fixture
def made(tmp_path):
    for name in ("a.npy", "sub/b.npz"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(name.encode())
    manifest = Manifest(tmp_path)
    manifest.finish_stage("extract", "key", 1.23456, [tmp_path / "a.npy", tmp_path / "sub" / "b.npz"])
    return tmp_path


def test_nothing_is_written_before_it_is_asked_for(tmp_path):
    manifest = Manifest(tmp_path / "run")
    assert manifest.content == {"schema": SCHEMA}
    assert not manifest.is_stage_done("extract", "key")
    assert manifest.damaged_files() == []
    assert not (tmp_path / "run").exists()


def test_a_finished_stage_is_plain_json_with_sizes_and_hashes(made):
    content = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    assert content == {
        "schema": SCHEMA,
        "stages": {"extract": {"key": "key", "seconds": 1.235, "files": {"a.npy": 5, "sub/b.npz": 9}}},
        "hashes": {name: "sha256:" + sha256(name.encode()).hexdigest() for name in ("a.npy", "sub/b.npz")},
    }


def test_a_stage_is_done_with_its_key_and_files_of_the_same_size(made):
    manifest = Manifest(made)
    assert manifest.is_stage_done("extract", "key")
    assert not manifest.is_stage_done("extract", "other")
    assert not manifest.is_stage_done("measure", "key")
    (made / "a.npy").write_bytes(b"longer")
    assert not manifest.is_stage_done("extract", "key")
    (made / "a.npy").unlink()
    assert not manifest.is_stage_done("extract", "key")


def test_damage_is_named_even_when_the_size_is_right(made):
    (made / "a.npy").write_bytes(b"A.npy")
    manifest = Manifest(made)
    assert manifest.is_stage_done("extract", "key")
    assert manifest.damaged_files() == ["a.npy"]
    (made / "sub" / "b.npz").unlink()
    assert sorted(manifest.damaged_files()) == ["a.npy", "sub/b.npz"]


def test_stages_and_unknown_entries_of_later_versions_are_kept(made):
    content = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    (made / "manifest.json").write_text(json.dumps({**content, "new": [1, 2]}), encoding="utf-8")
    manifest = Manifest(made)
    manifest.finish_stage("measure", "other", 0.0, [made / "a.npy"])
    manifest.write(title="é")
    again = Manifest(made)
    assert again.content["new"] == [1, 2]
    assert again.content["title"] == "é"
    assert again.is_stage_done("extract", "key")
    assert again.is_stage_done("measure", "other")


def test_a_stage_finished_again_replaces_its_record(made):
    (made / "a.npy").write_bytes(b"new content")
    manifest = Manifest(made)
    manifest.finish_stage("extract", "second", 0.0, [made / "a.npy"])
    assert not manifest.is_stage_done("extract", "key")
    assert manifest.is_stage_done("extract", "second")
    assert manifest.damaged_files() == []


def test_a_newer_schema_is_refused(made):
    (made / "manifest.json").write_text(json.dumps({"schema": SCHEMA + 1}), encoding="utf-8")
    with pytest.raises(
        StoreError, match=rf"manifest\.json has schema {SCHEMA + 1}, this dimscope reads up to {SCHEMA}; update"
    ):
        Manifest(made)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"schema": "1"}', '{"schema": 1, "stages": []}', '{"schema": 1, "hashes": 3}']
)
def test_damaged_and_foreign_manifests_are_named(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=r"manifest\.json is (damaged; choose --on-existing redo|not a dimscope manifest)"):
        Manifest(tmp_path)


def test_bytes_that_are_no_text_are_damage(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="is damaged"):
        Manifest(tmp_path)
