"""`--dry-run` on the command line."""

import json
import re
import shutil

import pytest

from cli_runs import SMALL, content
from dimscope.cli.plans import time_text


def test_a_dry_run_prints_a_table_and_writes_nothing(call, bert, table, tmp_path):
    left = call("run", bert, "--data", table, "--label", "label", *SMALL, "-o", "x", "--dry-run", 3)
    assert left.code == 0
    lines = left.out.splitlines()
    assert lines[0] == "x: a dry run, nothing was written."
    shown = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in lines[2:] if len(line.split()) > 1}
    assert shown["model"].startswith("BertModel, ")
    assert shown["examples"].startswith("60 (59 distinct, 2 labels, ")
    assert shown["layers"] == "4 of width 32: embed_00 to block_03"
    assert shown["disk"].startswith(f"states {4 * (128 + 60 * 32 * 4) / 1000:.3g} kB, neighbour tables ")
    assert shown["machines"] == "3 like this one"
    assert re.match(r"\d+\.\d s +one layer of width 32 tried on 59 of 59 points", shown["neighbors"])
    assert "together" in shown
    assert "  ! 3 workers, each like this machine; moving data between them is not counted." in lines
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_answers_in_json(call, bert, table, tmp_path):
    left = call("extract", bert, "--data", table, "-o", "x", "--dry-run", "--json", "-q", *SMALL)
    content_ = json.loads(left.out)
    assert (left.code, left.err) == (0, "")
    assert content_["workers"] == 1
    assert content_["disk"]["states"] == sum(layer["bytes"] for layer in content_["layers"])
    assert content_["seconds"] == pytest.approx(sum(stage["seconds"] for stage in content_["stages"]))
    assert list(tmp_path.iterdir()) == []


def test_a_run_folder_and_its_states_are_planned(call, mine, tmp_path):
    before = content(tmp_path)
    left = call("measure", mine, "--dry-run", "--measure", "density_peaks")
    assert left.code == 0
    assert "model       none, the points are given" in left.out.splitlines()
    assert re.search(r"^measures asked for +\d", left.out, re.MULTILINE)
    states = call("measure", mine / "states" / "block_01.npy", "-o", "y", "--dry-run", "--json", *SMALL)
    assert json.loads(states.out)["layers"][0]["name"] == "array_00"
    assert content(tmp_path) == before


def test_checkpoints_are_planned_one_by_one(call, bert, table, tmp_path):
    for name in ("step1", "step2"):
        shutil.copytree(bert, tmp_path / "models" / name)
    before = content(tmp_path)
    words = ("run", "models", "--data", table, *SMALL, "-o", "x", "--dry-run", "-q")
    left = call(*words)
    assert left.out.count("a dry run, nothing was written") == 2
    assert left.out.splitlines()[-1].startswith("All 2 checkpoints, one by one: ")
    assert [plan["folder"] for plan in json.loads(call(*words, "--json").out)["plans"]] == ["x/step1", "x/step2"]
    assert content(tmp_path) == before


def test_extract_names_its_folders_in_json(call, bert, table):
    left = call("extract", bert, "--data", table, "-o", "x", "--json", "-q", "--pool", "mean,last", *SMALL)
    assert json.loads(left.out) == {"folders": ["x", "x/pools/last"]}


def test_no_machines_are_refused(call, bert, table):
    left = call("run", bert, "--data", table, "--dry-run", 0)
    assert left.code == 2
    assert "0 is not in the range x>=1" in left.err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (60, "1.0 min"), (7200, "2.0 h"), (86_400 * 3, "3.0 days")]
)
def test_times_are_told_in_the_unit_that_suits_them(seconds, text):
    assert time_text(seconds) == text
