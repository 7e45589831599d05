"""A run that is killed at any of its writes, or stopped by Ctrl-C, ends with the bits of an undisturbed one when it goes on."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tiny import make_texts

SERVER = Path(__file__).with_name("forks.py")


@dataclass
class Outcome:
    """How a job ended: exit code or negative signal, what it wrote to the terminal, and its number of durable writes."""

    code: int
    text: str
    writes: int


@pytest.fixture(scope="module")
def call(bert, tmp_path_factory):
    """Runs `dimscope run` over 60 texts into a folder, `call(out, fatal=..., signal=..., torn=...)`."""
    place = tmp_path_factory.mktemp("killed")
    lines = [f"e{row},{text},{'ab'[row % 2]}" for row, text in enumerate(make_texts(60, seed=5))]
    (place / "texts.csv").write_text("\n".join(["id,text,label", *lines]) + "\n", encoding="utf-8")
    options = "--text text --label label --id id --batch-size 5 --k 20 --overlap-k 10 --replicates 10 --no-report -q"
    numbers = count()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # many small jobs on few cores
    server = subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def ask(out, fatal=0, signal="SIGKILL", torn=False, delay=None, more=()):
        log = place / f"{next(numbers)}.log"
        command = ["run", str(bert), "--data", str(place / "texts.csv"), *options.split(), *more, "-o", str(out)]
        job = {
            "command": command,
            "out": str(out),
            "fatal": fatal,
            "signal": signal,
            "torn": torn,
            "log": str(log),
            "delay": delay,
        }
        print(json.dumps(job), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        counted = log.with_suffix(".count")
        return Outcome(code, log.read_text(), int(counted.read_text()) if counted.exists() else 0)

    yield ask
    server.stdin.close()
    server.wait(timeout=60)
    server.stdout.close()


def content(out):
    """Every result by its path; log and times are left out."""
    skipped = {"log.jsonl", "manifest.json"}
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name not in skipped]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def undisturbed(call, tmp_path_factory):
    """The results of a run that nobody stopped, and how many durable writes it made."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    done = call(out)
    assert done.code == 0, done.text
    return content(out), done.writes


def test_all_results_are_compared(undisturbed):
    expected, writes = undisturbed
    layers = ["embed_00", "block_01", "block_02", "block_03"]
    assert set(expected) == {
        "config.toml", "points.parquet", "states/progress.json", "profile.nc", "profile.csv", "recommendation.json",
        "findings.json", "citations.bib",
        *(f"states/{name}.npy" for name in layers), *(f"neighbors/{name}.npz" for name in layers),
    }  # fmt: skip
    assert writes > 15


def check_resumed(call, out, expected):
    again = call(out)
    assert again.code == 0, again.text
    assert content(out) == expected


@pytest.mark.parametrize("share", [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
def test_a_killed_run_ends_with_the_same_bits(call, undisturbed, tmp_path, share):
    expected, writes = undisturbed
    assert call(tmp_path / "run", max(1, round(share * writes))).code == -9
    check_resumed(call, tmp_path / "run", expected)


@pytest.mark.parametrize("share", [0.2, 0.3, 0.5], ids=["while reading", "later", "after reading"])
def test_damaged_states_are_found_and_read_again(call, undisturbed, tmp_path, share):
    expected, writes = undisturbed
    assert call(tmp_path / "run", round(share * writes), torn=True).code == -9
    assert (tmp_path / "run" / "states" / "block_01.npy").read_bytes().endswith(b"damaged!")
    check_resumed(call, tmp_path / "run", expected)


def test_an_array_that_was_cut_is_read_again(call, undisturbed, tmp_path):
    expected, writes = undisturbed
    assert call(tmp_path / "run", round(0.3 * writes)).code == -9
    path = tmp_path / "run" / "states" / "block_02.npy"
    path.write_bytes(path.read_bytes()[:1000])
    check_resumed(call, tmp_path / "run", expected)


def test_two_deaths_in_a_row(call, undisturbed, tmp_path):
    expected, writes = undisturbed
    assert call(tmp_path / "run", round(0.3 * writes)).code == -9
    assert call(tmp_path / "run", round(0.2 * writes)).code == -9
    check_resumed(call, tmp_path / "run", expected)


@pytest.mark.parametrize(("share", "stage"), [(0.3, "extract"), (0.6, "measure")])
def test_ctrl_c_leaves_with_130_and_the_same_command_goes_on(call, undisturbed, tmp_path, share, stage):
    expected, writes = undisturbed
    stopped = call(tmp_path / "run", round(share * writes), signal="SIGINT")
    assert stopped.code == 130, stopped.text
    assert stopped.text.strip() == "Interrupted. What was finished is kept: run the same command again to go on from there."
    events = [json.loads(line)["event"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert events[-1] == stage
    assert not (tmp_path / "run" / "profile.csv").exists()
    check_resumed(call, tmp_path / "run", expected)


@pytest.mark.slow
def test_fifty_deaths_at_random_instants(call, tmp_path):
    """Two poolings in one pass; the last write of every other death is torn, and every fourth run dies twice."""
    options = {"more": ("--pool", "mean,last")}
    assert call(tmp_path / "whole", **options).code == 0
    expected = content(tmp_path / "whole")
    assert {name.split("/")[0] for name in expected} >= {"pools", "states", "neighbors", "profile.nc"}
    started = time.perf_counter()
    assert call(tmp_path / "again", **options).code == 0
    usual = time.perf_counter() - started
    assert content(tmp_path / "again") == expected
    rng, killed, unfinished = np.random.default_rng(11), 0, 0
    for number in range(200):
        out = tmp_path / f"run{number}"
        for _ in range(1 + (number % 4 == 3)):
            killed += call(out, delay=rng.uniform(0.02, 1.0) * usual, torn=bool(number % 2), **options).code == -9
            unfinished += out.exists() and not (out / "recommendation.json").exists()
        again = call(out, **options)
        assert again.code == 0, again.text
        assert content(out) == expected, number
        shutil.rmtree(out)
        if killed >= 50 and unfinished >= 20:
            break
    assert killed >= 50
    assert unfinished >= 20
