"""The stages in order, and what happens to a folder that is there already."""

import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from dimscope.config import config_from
from dimscope.errors import DimscopeError, StoreError, UsageError
from dimscope.pipeline.run import default_folder, finish_run, note_origin, prepare_folder, run_stages
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder, clear_results, write_config
from dimscope.store.manifest import Manifest
from tiny import make_texts

PARTS = ("data", "model", "measure")


def test_a_run_writes_every_file_of_the_contract(small, bert, tmp_path):
    result = run_stages(small(bert), tmp_path / "run", command="dimscope run here", credits=["me"])
    found = {path.relative_to(tmp_path / "run").as_posix() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    layers = ["embed_00", "block_01", "block_02", "block_03"]
    assert found >= {
        "config.toml", "manifest.json", "points.parquet", "profile.nc", "profile.csv", "recommendation.json", "findings.json",
        "report.html", "log.jsonl", "figures/dimension.svg", "figures/dimension.png",
        *(f"states/{name}.npy" for name in layers), *(f"neighbors/{name}.npz" for name in layers),
    }  # fmt: skip
    assert not [name for name in found if ".part" in name]
    content = Manifest(tmp_path / "run").content
    assert (content["command"], content["credits"]) == ("dimscope run here", ["me"])
    events = [json.loads(line)["event"] for line in result.folder.log.read_text().splitlines()]
    assert events == ["extract", "measure", "done"]


def test_later_commands_are_told_and_pictures_of_other_numbers_go(small, bert, tmp_path):
    folder, config = RunFolder(tmp_path / "run"), small(bert)
    run_stages(config, folder.path, command="dimscope run here")
    finish_run(config, folder, Silent(), with_report=False, command="dimscope measure run --no-report")
    assert folder.report.exists()  # the numbers are the same
    wider = config_from({"measure": {"overlap_k": 6}}, config)
    finish_run(wider, folder, Silent(), with_report=False, command="dimscope measure run --overlap-k 6")
    assert not folder.report.exists()
    assert not list(folder.figures.iterdir())
    for _ in range(2):
        finish_run(wider, folder, Silent(), command="dimscope measure run")
    commands = ["dimscope measure run --no-report", "dimscope measure run --overlap-k 6", "dimscope measure run"]
    assert (Manifest(folder.path).content["command"], Manifest(folder.path).content["later"]) == ("dimscope run here", commands)
    words = re.sub(r"<[^>]*>", "", folder.report.read_text(encoding="utf-8"))
    assert "\n".join(["dimscope run here", *commands]) in words


def test_every_stage_tells_its_progress(small, bert, tmp_path):
    told = []

    class Listener(Silent):
        def stage(self, name, total):
            told.append((name, total))
            return super().stage(name, total)

    run_stages(small(bert), tmp_path / "run", with_report=False, progress=Listener())
    assert told == [("extract", 60), ("measure", 4)]


def content_of(out):
    return {
        path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name not in ("log.jsonl", "manifest.json")
    }


def test_a_folder_of_another_configuration_is_left_as_it_is(small, bert, gpt2, tmp_path):
    run_stages(small(bert), tmp_path / "run", with_report=False)
    before = content_of(tmp_path / "run")
    changes = {
        r"model\.pool = 'mean', now 'last'": small(bert, pool="last"),
        r"data\.seed = 0, now 7": small(bert, {"seed": 7}),
        r"model\.name = '.*bert\d', now '.*gpt2\d'": small(gpt2),
        r"measure\.k = 20, now 30\. To measure the same states anew, call dimscope measure": small(bert, measure={"k": 30}),
    }
    for text, config in changes.items():
        with pytest.raises(UsageError, match=rf"run was made with {text}.*Choose --on-existing redo or another -o"):
            run_stages(config, tmp_path / "run")
    assert content_of(tmp_path / "run") == before


def test_redo_starts_over(small, bert, tmp_path):
    run_stages(small(bert), tmp_path / "run", with_report=False)
    (tmp_path / "run" / "states" / "stale.npy").write_bytes(b"old")
    (tmp_path / "run" / "notes.md").write_text("mine")
    again = run_stages(small(bert, pool="last"), tmp_path / "run", on_existing="redo", with_report=False)
    fresh = run_stages(small(bert, pool="last"), tmp_path / "fresh", with_report=False)
    for layer in fresh.profile.layers:
        for folder in ("states", "neighbors"):
            name = f"{folder}/{layer.name}.{'npy' if folder == 'states' else 'npz'}"
            assert (again.folder.path / name).read_bytes() == (fresh.folder.path / name).read_bytes()
    assert not (tmp_path / "run" / "states" / "stale.npy").exists()
    assert (tmp_path / "run" / "notes.md").read_text() == "mine"


@pytest.mark.parametrize(
    "options",
    [{"layers": "9"}, {"name": "/nowhere"}, {"data": {"path": "/nowhere.csv"}}, {"measure": {"rule": "minimun"}}],
    ids=str,
)
def test_redo_of_what_cannot_be_done_removes_nothing(small, bert, tmp_path, options):
    run_stages(small(bert), tmp_path / "run", with_report=False)
    before = content_of(tmp_path / "run")
    name = options.pop("name", bert)
    with pytest.raises(DimscopeError):
        run_stages(small(name, **options), tmp_path / "run", on_existing="redo", with_report=False)
    assert content_of(tmp_path / "run") == before


def test_redo_mends_a_damaged_manifest(small, bert, tmp_path):
    run_stages(small(bert), tmp_path / "run", with_report=False)
    (tmp_path / "run" / "manifest.json").write_text("{nope")
    with pytest.raises(StoreError, match=r"manifest\.json is damaged; choose --on-existing redo to start over"):
        run_stages(small(bert), tmp_path / "run", with_report=False)
    assert run_stages(small(bert), tmp_path / "run", on_existing="redo", with_report=False).profile.values("n")[0] == 60


def test_error_stops_at_any_folder_that_is_there(small, bert, tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(UsageError, match="exists and --on-existing error was asked for; choose another -o"):
        run_stages(small(bert), tmp_path / "run", on_existing="error")
    assert not list((tmp_path / "run").iterdir())
    assert prepare_folder(small(bert), tmp_path / "new", "error", PARTS).path == tmp_path / "new"
    assert not (tmp_path / "new").exists()


def test_an_unknown_mode_is_refused_with_the_nearest(small, bert, tmp_path):
    with pytest.raises(UsageError, match=r'unknown --on-existing "mising".*Did you mean "missing"'):
        run_stages(small(bert), tmp_path / "run", on_existing="mising")


@pytest.mark.parametrize("mode", ["missing", "redo"])
def test_what_is_not_a_run_is_never_touched(small, bert, tmp_path, mode):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UsageError, match="notes is a file; choose another output folder with -o"):
        run_stages(small(bert), tmp_path / "notes", on_existing=mode)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="thesis exists and is not a run folder"):
        run_stages(small(bert), tmp_path / "thesis", on_existing=mode)
    assert (tmp_path / "thesis" / "thesis.txt").read_text() == (tmp_path / "notes").read_text() == "mine"


def test_clearing_removes_results_and_nothing_else(small, bert, tmp_path):
    folder = run_stages(small(bert), tmp_path / "run").folder
    (tmp_path / "run" / "notes.md").write_text("mine")
    clear_results(folder)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.md"]


def test_a_folder_that_cannot_be_made_is_explained(small, bert, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written \(.*\); choose another folder with -o"):
        run_stages(small(bert), tmp_path / "file" / "run")


@pytest.fixture(scope="module")
def finished(bert, tmp_path_factory):
    """A finished run over texts of its own, never changed; its configuration and folder."""
    place = tmp_path_factory.mktemp("finished")
    rows = [f"e{row},{text},{'ab'[row % 2]}" for row, text in enumerate(make_texts(60, seed=5))]
    (place / "texts.csv").write_text("\n".join(["id,text,label", *rows]), encoding="utf-8")
    data = {"path": str(place / "texts.csv"), "text": "text", "label": "label", "id": "id"}
    measure = {"k": 20, "overlap_k": 10, "replicates": 10}
    config = config_from({"data": data, "model": {"name": str(bert)}, "measure": measure})
    run_stages(config, place / "run", with_report=False)
    return config, place / "run"


FILLING = [
    "states",
    "neighbors",
    "points.parquet",
    "profile.nc",
    "profile.csv",
    "manifest.json",
    "config.toml",
    "findings.json",
]


@pytest.mark.parametrize("victim", FILLING)
def test_a_full_disk_is_explained_and_the_run_resumes(finished, tmp_path, monkeypatch, victim):
    """Whatever file the disk fills up at, what is there stays usable: after freeing some space the same call ends well."""
    (config, place), out = finished, tmp_path / "run"
    original = os.fsync

    def refuse(handle):
        name = str(Path(f"/proc/self/fd/{handle}").readlink())
        if f"/{victim}" in name or f".{victim}" in name:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(handle)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=r"the disk is full while writing .*Nothing that was finished is lost: free some"):
            run_stages(config, out, with_report=False)
    assert not [path for path in out.rglob("*.part*")]
    run_stages(config, out, with_report=False)
    for name in ("profile.csv", "recommendation.json", "states/block_02.npy", "neighbors/block_02.npz"):
        assert (out / name).read_bytes() == (place / name).read_bytes()


RESULTS = [
    "states/block_02.npy",
    "states/progress.json",
    "neighbors/block_02.npz",
    "points.parquet",
    "profile.nc",
    "profile.csv",
]


@pytest.mark.parametrize("damage", ["gone", "half", "empty"])
@pytest.mark.parametrize("victim", RESULTS)
def test_a_file_that_is_gone_or_cut_is_made_again_with_the_same_bits(finished, tmp_path, victim, damage):
    config, place = finished
    out = Path(shutil.copytree(place, tmp_path / "run"))
    whole = (out / victim).read_bytes()
    (out / victim).unlink()
    if damage != "gone":
        (out / victim).write_bytes(whole[: len(whole) // 2] if damage == "half" else b"")
    if victim == "states/progress.json" and damage != "gone":
        with pytest.raises(StoreError, match=r"progress\.json is damaged; choose --on-existing redo to start over"):
            run_stages(config, out, with_report=False)
        run_stages(config, out, on_existing="redo", with_report=False)
    else:
        run_stages(config, out, with_report=False)
    for name in ("states/embed_00.npy", "neighbors/block_03.npz", "recommendation.json", "findings.json", *RESULTS):
        assert (out / name).read_bytes() == (place / name).read_bytes(), name


def test_the_origin_is_noted_once(tmp_path):
    folder = RunFolder(tmp_path / "run")
    write_config(folder, config_from({}))
    note_origin(folder, "first", ["a"], "title")
    created = Manifest(folder.path).content["created"]
    note_origin(folder, "second")
    content = Manifest(folder.path).content
    assert (content["command"], content["credits"], content["title"]) == ("first", ["a"], "title")
    assert content["created"] == created
    assert created.endswith("+00:00")


@pytest.mark.parametrize(
    ("model", "data", "expected"),
    [
        ("gpt2", "texts.csv", "runs/gpt2-texts"),
        ("Qwen/Qwen2.5-0.5B", "texts.csv", "runs/qwen2.5-0.5b-texts"),
        ("sentence-transformers/all-MiniLM-L6-v2", "/data/My Texts (1).jsonl", "runs/all-minilm-l6-v2-my-texts-1"),
        ("./models/bert/", "a/b.parquet", "runs/bert-b"),
        ("../../..", "x.txt", "runs/run-x"),
        ("größe/ü", "ü.txt", "runs/ü-ü"),
        ("???", "...txt", "runs/run-run"),
    ],
)
def test_the_default_folder_is_named_after_both(model, data, expected):
    assert default_folder(model, data).as_posix() == expected
