"""A run folder: names of files, who may write into it, and what an interrupted run left behind."""

import tomllib

import pytest

from dimscope.config import RunConfig, config_from
from dimscope.errors import StoreError, UsageError
from dimscope.store.folder import (
    RunFolder,
    check_same_request,
    folder_name,
    open_folder,
    read_folder_config,
    remove_leftovers,
    write_config,
)

PARTS = ("data", "model", "measure")
CONFIG = config_from({"data": {"path": "a.csv", "label": "topic"}, "model": {"name": "m"}})


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def test_names_of_the_files(folder):
    names = {
        "config": "config.toml", "points": "points.parquet", "states": "states", "neighbors": "neighbors",
        "profile": "profile.nc", "table": "profile.csv", "recommendation": "recommendation.json",
        "findings": "findings.json", "figures": "figures", "report": "report.html", "log": "log.jsonl",
    }  # fmt: skip
    for attribute, name in names.items():
        assert getattr(folder, attribute) == folder.path / name
    assert folder.table_of("block_03") == folder.path / "neighbors" / "block_03.npz"


def test_the_configuration_comes_back_and_is_plain_toml(folder):
    write_config(folder, CONFIG)
    assert read_folder_config(folder) == CONFIG
    assert tomllib.loads(folder.config.read_text(encoding="utf-8")) == CONFIG.to_dict()


def test_opening_needs_a_run_and_creates_nothing(folder):
    with pytest.raises(StoreError) as caught:
        open_folder(folder.path)
    assert str(caught.value) == (
        f"{folder.path} is not a run folder (it has no config.toml). Make one with `dimscope run ... -o {folder.path}`."
    )
    assert not folder.path.exists()
    write_config(folder, CONFIG)
    assert open_folder(folder.path) == folder


def test_the_same_request_is_welcome(folder):
    check_same_request(folder, CONFIG, PARTS)
    assert not folder.path.exists()
    folder.path.mkdir()
    check_same_request(folder, CONFIG, PARTS)
    write_config(folder, CONFIG)
    check_same_request(folder, CONFIG, PARTS)


def test_another_request_names_every_difference(folder):
    write_config(folder, CONFIG)
    other = config_from({"data": {"label": "class"}, "measure": {"k": 64}}, CONFIG)
    with pytest.raises(UsageError) as caught:
        check_same_request(folder, other, PARTS)
    assert str(caught.value) == (
        f"{folder.path} was made with data.label = 'topic', now 'class'; measure.k = 100, now 64. "
        "Choose --on-existing redo or another -o."
    )
    check_same_request(folder, config_from({"measure": {"k": 64}}, CONFIG), ("data", "model"))


def test_other_measures_are_sent_to_the_command_for_them(folder):
    write_config(folder, CONFIG)
    with pytest.raises(
        UsageError, match=rf"call dimscope measure {folder.path} with the new options\. Choose --on-existing redo"
    ):
        check_same_request(folder, config_from({"measure": {"k": 64}}, CONFIG), PARTS)


def test_a_folder_with_something_else_is_refused_and_left_alone(folder):
    folder.path.mkdir()
    (folder.path / "thesis.tex").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=r"exists and is not a run folder; choose another one with -o\."):
        check_same_request(folder, CONFIG, PARTS)
    assert [path.name for path in folder.path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(folder):
    folder.path.write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=r"is a file; choose another output folder with -o\."):
        check_same_request(folder, CONFIG, PARTS)


def test_a_run_that_died_before_its_configuration_was_written_goes_on(folder):
    folder.path.mkdir()
    for name in ("log.jsonl", "manifest.json", ".config.toml.12.part.toml"):
        (folder.path / name).write_text("{}", encoding="utf-8")
    check_same_request(folder, CONFIG, PARTS)


def test_a_folder_of_a_version_with_fewer_options_is_the_same_request(folder):
    folder.path.mkdir()
    folder.config.write_text('[data]\npath = "a.csv"\nlabel = "topic"\n[model]\nname = "m"\n', encoding="utf-8")
    check_same_request(folder, CONFIG, PARTS)
    assert read_folder_config(folder) == CONFIG


def test_a_damaged_configuration_is_named(folder):
    folder.path.mkdir()
    folder.config.write_text("[data\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"config\.toml is not valid TOML"):
        check_same_request(folder, RunConfig(), PARTS)


def test_only_leftovers_of_killed_writes_are_removed(folder):
    kept = [".hidden", ".x.part", "a.12.part", ".gitignore", "states/block_00.npy", "profile.nc", ".party.md"]
    left = [".profile.nc.12.part.nc", "neighbors/.block_00.npz.7.part.npz", ".x.1.part"]
    for name in kept + left:
        place = folder.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x", encoding="utf-8")
    remove_leftovers(folder)
    found = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}
    assert found == set(kept)
    remove_leftovers(RunFolder(folder.path / "none"))


@pytest.mark.parametrize(
    ("text", "name"),
    [("step1000", "step1000"), ("a/b c", "a-b-c"), ("Llama-3.2", "Llama-3.2"), (".hidden.", "hidden"), ("//", "run")],
)
def test_names_of_folders_hold_what_every_file_system_allows(text, name):
    assert folder_name(text) == name
