"""A full disk and Ctrl-C: said in one block, nothing torn, and the same command goes on."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from cli_runs import SMALL, content

LARGEST = resource.getrlimit(resource.RLIMIT_FSIZE)
VARYING = {"log.jsonl", "manifest.json", "report.html", "config.toml"}
INTERRUPT = """
import os, signal, sys
import dimscope.files as files
from dimscope.cli.main import main
fatal, count, finish = int(sys.argv[1]), 0, files.sync_folder

def interrupt_once(folder):
    global count
    count += 1
    if count == fatal:
        os.kill(os.getpid(), signal.SIGINT)
    finish(folder)

files.sync_folder = interrupt_once
main(sys.argv[2:])
"""


@pytest.fixture
def command(bert, table):
    return ["run", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-o", "out"]


def results(folder):
    return {path: data for path, data in content(folder).items() if path not in VARYING and "progress" not in path}


@pytest.fixture
def undisturbed(finished):
    """What an undisturbed run leaves, report and what is made with it aside."""
    return {path: data for path, data in results(finished).items() if not path.startswith(("figures/", "overlap.csv"))}


@pytest.fixture
def small_disk(call):
    """Runs a command while no file may become larger than so many bytes."""

    def run(limit, *words):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, LARGEST[1]))
        try:
            return call(*words)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, LARGEST)

    return run


@pytest.mark.parametrize("limit", [0, 1_500, 6_000, 30_000])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_afterwards(limit, small_disk, call, command, undisturbed, tmp_path):
    left = small_disk(limit, *command, "-q")
    assert (left.code, left.out) == (1, ""), left
    assert left.err.startswith("Error: ")
    assert left.err.count("\n") == 1
    assert str(tmp_path / "out") in left.err or " out" in left.err
    assert "choose another folder with -o." in left.err or "run the same command again to resume" in left.err
    assert not list(tmp_path.rglob("*.part*"))
    assert call(*command, "-q", "--no-report").code == 0
    found = results(tmp_path / "out")
    assert {path: data for path, data in found.items() if not path.startswith("figures/")} == undisturbed


@pytest.mark.parametrize("fatal", [3, 9], ids=lambda fatal: f"write {fatal}")
def test_ctrl_c_leaves_with_130_and_the_run_goes_on(fatal, call, command, undisturbed, tmp_path):
    words = [*map(str, command), "--no-report"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPT, str(fatal), *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    said = "Interrupted. What was finished is kept: run the same command again to go on from there.\n"
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.part*"))
    assert call(*words).code == 0
    assert results(tmp_path / "out") == undisturbed


def test_a_signal_from_outside_is_the_same(tmp_path):
    script = "import os, signal, time\nfrom dimscope.cli import main, doctor\n" + (
        "doctor._devices = lambda: (print('ready', flush=True), time.sleep(60))\nmain.main(['doctor'])"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.lstrip("\n").startswith("Interrupted. ")
