"""A run killed at any of its writes and started again ends with the bits of an undisturbed one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tiny import make_texts

DRIVER = """
import os, signal, sys
from pathlib import Path
from dimscope.config import config_from
from dimscope.pipeline import extract, run
import dimscope.files as files
extract.BLOCK_ROWS = 16
model, data, out, fatal, torn = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "torn"
count = 0
finish = files.sync_folder

def die_sometimes(folder):
    global count
    count += 1
    if count == fatal:
        if torn:  # the bytes of the last row block are damaged on their way to the disk
            for path in sorted(Path(out, "states").glob("*.npy")):
                with path.open("r+b") as handle:
                    handle.seek(-8, 2)
                    handle.write(b"damaged!")
        os.kill(os.getpid(), signal.SIGKILL)
    finish(folder)

files.sync_folder = die_sometimes
config = config_from({
    "data": {"path": data, "text": "text", "label": "label", "id": "id"},
    "model": {"name": model, "batch_size": 5},
    "measure": {"k": 20, "overlap_k": 10, "replicates": 10},
})
run.run_stages(config, Path(out), with_report=False)
print("writes", count)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    place = tmp_path_factory.mktemp("data") / "texts.csv"
    lines = [f"e{row},{text},{'ab'[row % 2]}" for row, text in enumerate(make_texts(60, seed=5))]
    place.write_text("\n".join(["id,text,label", *lines]) + "\n", encoding="utf-8")
    return place


def call(driver, bert, data, out, fatal, torn="whole"):
    command = [sys.executable, str(driver), str(bert), str(data), str(out), str(fatal), torn]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def content(out: Path):
    """Every result by its path; log and times are left out."""
    skipped = {"log.jsonl", "manifest.json"}
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in skipped
    }


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    place = tmp_path_factory.mktemp("driver") / "driver.py"
    place.write_text(DRIVER, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def undisturbed(driver, bert, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    done = call(driver, bert, data, out, 0)
    assert done.returncode == 0, done.stderr
    return content(out), int(done.stdout.split()[-1])


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4, 0.6, 0.9])
def test_a_killed_run_ends_with_the_same_bits(driver, bert, data, undisturbed, tmp_path, share):
    expected, writes = undisturbed
    out = tmp_path / "run"
    killed = call(driver, bert, data, out, max(1, int(share * writes)))
    assert killed.returncode == -9
    again = call(driver, bert, data, out, 0)
    assert again.returncode == 0, again.stderr
    assert content(out) == expected


@pytest.mark.parametrize("share", [0.25, 0.5], ids=["while reading", "after reading"])
def test_damaged_states_are_found_and_read_again(driver, bert, data, undisturbed, tmp_path, share):
    expected, writes = undisturbed
    out = tmp_path / "run"
    killed = call(driver, bert, data, out, int(share * writes), "torn")
    assert killed.returncode == -9
    assert call(driver, bert, data, out, 0).returncode == 0
    assert content(out) == expected


def test_two_deaths_in_a_row(driver, bert, data, undisturbed, tmp_path):
    expected, writes = undisturbed
    out = tmp_path / "run"
    assert call(driver, bert, data, out, int(0.3 * writes)).returncode == -9
    assert call(driver, bert, data, out, int(0.2 * writes)).returncode == -9
    assert call(driver, bert, data, out, 0).returncode == 0
    assert content(out) == expected
