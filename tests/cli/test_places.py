"""Commands over runs that lie elsewhere."""

import json
import tempfile
from pathlib import Path

import click
import fsspec
import pytest

import dimscope
from cli_runs import SMALL, content
from dimscope.cli.places import all_files, but_states


@pytest.fixture
def there(finished, request):
    """The finished run as objects, and its URL."""
    url = f"memory://{abs(hash(request.node.nodeid))}/runs/x"
    system = fsspec.filesystem("memory")
    for name, data in content(finished).items():
        system.pipe_file(f"{url}/{name}", data)
    yield url
    system.store.clear()


def objects(url):
    system = fsspec.filesystem("memory")
    root = url.removeprefix("memory:/")
    return {name[len(root) + 1 :]: system.cat_file(name) for name in system.find(root)}


def test_what_is_no_state_is_wanted():
    assert [name for name in ("profile.nc", "states/a.npy", "pools/last/states/a.npy", "pools/last/profile.nc")
            if but_states(name)] == ["profile.nc", "pools/last/profile.nc"]  # fmt: skip
    assert all_files("states/a.npy")


def test_reading_commands_show_what_they_show_of_a_folder(call, there, finished, tmp_path):
    before = objects(there)
    assert call("show", there).out == call("show", finished).out
    assert call("show", there, "--verify").out == f"{there}: every file is as it was written.\n"
    assert json.loads(call("show", there, "--json").out)["folder"] == there
    left = call("compare", f"far={there}", f"near={finished}", "-o", "both", "-q", "--json", "--no-maps", "--no-scaling")
    far, near = json.loads(left.out)["runs"]
    assert {**far, "run": ""} == {**near, "run": ""}
    assert call("export", there, "--what", "profile", "-o", "profile.csv").code == 0
    assert (tmp_path / "profile.csv").read_bytes() == before["profile.csv"]
    assert dimscope.load(there).dataset.identical(dimscope.load(finished).dataset)
    assert objects(there) == before


def test_report_recommend_and_measure_write_there(call, there, tmp_path, monkeypatch):
    before = objects(there)
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert call("report", there, "--no-texts", "--open").out == f"Report: {there}/report.html\n"
    drawn = objects(there)
    assert drawn["report.html"] != before["report.html"]
    assert Path(opened[0]).read_bytes() == drawn["report.html"]  # it is there when the command has ended
    assert call("recommend", there, "--rule", "middle").code == 0
    assert call("measure", there, "--k", "15", "--no-report", "-q").code == 0
    after = objects(there)
    pictures = {name for name in before if name.startswith("figures/")} | {"report.html", "overlap.csv"}
    assert set(drawn) - set(after) == pictures  # they showed other numbers
    assert json.loads(after["recommendation.json"])["rule"] == "turn"
    assert after["states/block_01.npy"] == before["states/block_01.npy"]
    assert after["neighbors/block_01.npz"] != before["neighbors/block_01.npz"]
    assert call("show", there, "--verify").code == 0
    assert list(tmp_path.iterdir()) == [Path(opened[0]).parent]


def test_run_and_extract_write_there_and_name_the_url(call, bert, table, tmp_path):
    words = (bert, "--data", table, "--label", "label", *SMALL)
    left = call("extract", *words, "-o", "memory://made/runs/y")
    assert left.out == "States: memory://made/runs/y/states\n"
    left = call("run", *words, "-o", "memory://made/runs/y", "--json", "--no-report", "--strict")
    assert json.loads(left.out)["folder"] == "memory://made/runs/y"
    assert "states of 60 examples are there already" in left.err
    assert "log.jsonl" in objects("memory://made/runs/y")
    plan = call("run", *words, "-o", "memory://made/runs/z", "--dry-run", "-q")
    assert plan.out.startswith("memory://made/runs/z: a dry run, nothing was written.\n")
    assert objects("memory://made/runs/z") == {}
    assert list(tmp_path.iterdir()) == []
    fsspec.filesystem("memory").store.clear()


def test_what_is_wrong_is_said_of_the_url(call, there):
    left = call("show", "memory://nothing/here")
    assert (left.code, left.err) == (
        1,
        "Error: memory://nothing/here is not a run folder (it has no config.toml). Make one with `dimscope run ... -o "
        "memory://nothing/here`.\n",
    )
    assert call("show", "s4://b/run").err.startswith('Error: s4://b/run has the protocol "s4", which fsspec does not know')
    assert call("show", there, "--duplicates", "block_99").code == 2
