"""`dimscope demo`: the same path as run, on a small case."""

import json

import pytest

from cli_runs import content
from dimscope.config import config_from
from dimscope.demos import DEMOS
from dimscope.demos.base import PreparedDemo
from dimscope.files import write_text


@pytest.fixture
def tiny_case(bert, table, monkeypatch):
    """The case `glosses` is the tiny model on 60 texts."""

    def prepare(folder):
        write_text(folder / "small.csv", table.read_text(encoding="utf-8"))
        config = config_from({
            "data": {"path": str(folder / "small.csv"), "label": "label"},
            "model": {"name": str(bert)},
            "measure": {"k": 20, "overlap_k": 10, "replicates": 10},
        })  # fmt: skip
        return PreparedDemo("a small case", config, f"dimscope run {bert} --data {folder / 'small.csv'}", ("Data: made up.",))

    monkeypatch.setattr(DEMOS, "load", {"glosses": prepare}.__getitem__)


def test_the_demo_is_a_run_over_the_prepared_files(call, tiny_case, tmp_path, finished):
    left = call("demo")
    assert left.code == 0
    lines = left.err.splitlines()
    assert lines[0] == "a small case"
    assert lines[1].startswith("the same by hand:  dimscope run ")
    assert lines[1].endswith(" --data runs/demo-data/small.csv -o runs/demo")
    assert left.out.endswith("\n\nReport: runs/demo/report.html\n")
    assert (tmp_path / "runs" / "demo-data" / "small.csv").is_file()
    out = tmp_path / "runs" / "demo"
    assert (out / "profile.csv").read_bytes() == (finished / "profile.csv").read_bytes()
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["title"], manifest["credits"]) == ("a small case", ["Data: made up."])
    assert f"{manifest['command']}" == lines[1].removeprefix("the same by hand:  ")
    assert "a small case" in (out / "report.html").read_text(encoding="utf-8")


def test_options_are_those_of_run(call, tiny_case, tmp_path):
    left = call("demo", "-o", "a b/c", "-q", "--json", "--strict")
    assert (left.code, left.err) == (3, "")
    found = json.loads(left.out)
    assert found["folder"] == "a b/c"
    assert found["recommendation"] == json.loads((tmp_path / "a b/c/recommendation.json").read_text(encoding="utf-8"))
    before = content(tmp_path / "a b" / "c")
    left = call("demo", "-o", "a b/c", "--on-existing", "error")
    assert left.code == 2
    assert left.err.endswith("Error: a b/c exists and --on-existing error was asked for; choose another -o.\n")
    assert content(tmp_path / "a b" / "c") == before


def test_an_unknown_case_names_the_nearest(call, tmp_path):
    left = call("demo", "--case", "gloses")
    assert (left.code, left.out) == (2, "")
    assert left.err == (
        f'Error: unknown case "gloses". Did you mean "glosses"?  All: {", ".join(sorted(DEMOS))}  (dimscope list demos)\n'
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_sentence(call, tiny_case, tmp_path):
    (tmp_path / "file").touch()
    left = call("demo", "-o", "file/demo")
    assert (left.code, left.out) == (1, "")
    assert left.err.startswith("Error: file/demo-data")
    assert "choose another folder with -o" in left.err
