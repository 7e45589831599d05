"""The entry point: fast, near matches, exit codes, one block per error."""

import importlib
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dimscope.cli import main as module
from dimscope.cli.main import COMMANDS, cli
from dimscope.errors import InputError, UsageError
from dimscope.version import __version__

HEAVY = ("torch", "matplotlib", "xarray", "pandas", "numpy", "scipy", "numba", "pyarrow", "transformers", "jinja2", "rich")
ON_START = """
import json, sys
from dimscope.cli.main import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(json.dumps(sorted(sys.modules)))
"""
AS_MODULE = [sys.executable, "-m", "dimscope"]


def loaded_by(*words):
    done = subprocess.run([sys.executable, "-c", ON_START, *words], capture_output=True, text=True, check=False)
    return {name for name in json.loads(done.stderr.splitlines()[-1]) if name in HEAVY}


def cpu_seconds(command):
    """The least of five tries: what the system does besides is never negative."""
    tries = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        tries.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(tries)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["nope"], *([name, "--help"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(words):
    assert loaded_by(*words) == set()


@pytest.mark.parametrize(
    "what", ["models", "estimators", "measures", "rules", "checks", "plots", "backends", "engines", "demos"]
)
def test_listing_loads_neither_torch_nor_matplotlib(what):
    assert loaded_by("list", what).isdisjoint({"torch", "transformers", "matplotlib", "xarray", "jinja2"})


def test_help_is_fast():
    assert cpu_seconds([*AS_MODULE, "--help"]) - cpu_seconds([sys.executable, "-c", "pass"]) < 0.3


def test_version(call):
    assert call("--version").out == f"dimscope, version {__version__}\n"


def test_help_lists_all_commands_in_the_order_of_work(call):
    left = call("--help")
    assert left.code == 0
    lines = left.out.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in lines if line[:3].strip()][: len(COMMANDS)] == list(COMMANDS)
    assert left.out.endswith("  Start with:  dimscope demo\n  Then:        dimscope run MODEL --data texts.csv --label topic\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_says_what_each_option_does_within_100_columns(name, call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    left = call(name, "-h")
    assert left.code == 0
    assert max(map(len, left.out.splitlines())) <= 100
    for parameter in cli.get_command(None, name).params:
        assert not isinstance(parameter, click.Option) or parameter.help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_begins_with_examples_that_can_be_parsed(name, call):
    text = call(name, "-h").out
    examples = [line.strip() for line in text.split("Examples:\n")[1].split("\n\n")[0].splitlines()]
    assert 1 <= len(examples) <= 8
    for example in examples:
        program, command, *words = shlex.split(example)
        if program == "embedding-atlas":  # what reads an export
            continue
        assert program == "dimscope"
        cli.get_command(None, command).make_context(command, words)


@pytest.mark.parametrize(("typed", "near"), [("rn", "run"), ("Measure", "measure"), ("recomend", "recommend")])
def test_an_unknown_command_names_the_nearest(typed, near, call):
    left = call(typed)
    assert (left.code, left.out) == (2, "")
    assert f'Error: unknown command "{typed}". Did you mean "{near}"?  All: {", ".join(COMMANDS)}\n' in left.err


def test_an_unknown_option_names_the_nearest(call):
    left = call("run", "model", "--lable", "topic")
    assert (left.code, left.out) == (2, "")
    assert "--lable" in left.err
    assert "--label" in left.err.split("Error:")[1]


def test_no_command_shows_the_help_on_stderr(call):
    left = call()
    assert (left.code, left.out) == (2, "")
    assert left.err.startswith("Usage: dimscope [OPTIONS] COMMAND")


def stub(monkeypatch, error):
    """`dimscope doctor` raises this error."""

    @click.command()
    def doctor():
        raise error

    monkeypatch.setattr(importlib.import_module("dimscope.cli.doctor"), "doctor", doctor)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UsageError("two things clash."), 2, "Error: two things clash.\n"),
        (InputError("the file is odd."), 1, "Error: the file is odd.\n"),
        (OSError(28, "No space left on device"), 1, "Error: the system refused: No space left on device.\n"),
        (PermissionError(13, "Permission denied", "a/b"), 1, "Error: the system refused: Permission denied (a/b).\n"),
        (
            MemoryError("Unable to allocate 9. TiB"),
            1,
            "Error: not enough memory (Unable to allocate 9. TiB). Give fewer examples (--points) or layers (--layers).\n",
        ),
        (
            ZeroDivisionError("by nothing"),
            1,
            "Error: this is a defect of dimscope (ZeroDivisionError: by nothing).\n"
            "  Please report it with the output of the same command with --debug.\n",
        ),
        (
            KeyboardInterrupt(),
            130,
            "Interrupted. What was finished is kept: run the same command again to go on from there.\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_is_one_block_with_its_exit_code(error, code, text, call, monkeypatch):
    stub(monkeypatch, error)
    left = call("doctor")
    assert (left.code, left.out, left.err.lstrip("\n")) == (code, "", text)


@pytest.mark.parametrize("words", [["--debug", "doctor"], ["doctor", "--debug"]], ids=" ".join)
def test_debug_adds_the_traceback_before_or_after_the_command(words, call, monkeypatch):
    stub(monkeypatch, InputError("the file is odd."))
    left = call(*words)
    assert left.code == 1
    assert left.err.startswith("Traceback (most recent call last):\n")
    assert left.err.endswith("Error: the file is odd.\n")


@pytest.mark.parametrize("words", [("list", "estimators"), ("show", "RUN")], ids=lambda words: words[0])
def test_a_pipe_that_is_closed_early_is_no_error(words, finished):
    reader, writer = os.pipe()
    os.close(reader)
    command = [*AS_MODULE, *(str(finished) if word == "RUN" else word for word in words)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_stdout_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*AS_MODULE, "list", "rules"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Error: the system refused: No space left on device.\n")


def test_letters_that_the_output_cannot_show_are_no_error(finished, tmp_path):
    place = shutil.copytree(finished, tmp_path / "日本")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    words = ["show", str(place), str(place)]
    done = subprocess.run([*AS_MODULE, *words], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u65e5\u672c" in done.stdout


def test_the_module_and_the_script_are_the_same_program():
    done = subprocess.run([*AS_MODULE, "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: dimscope run [OPTIONS] MODEL")


def test_without_words_those_of_the_process_are_taken(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dimscope", "list", "rules"])
    with pytest.raises(SystemExit) as left:
        module.main()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("turn ")
