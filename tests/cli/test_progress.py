"""Progress on stderr: nothing, a bar, or plain lines."""

import io
import sys

import click
import pytest

from dimscope.cli import progress as module
from dimscope.cli.progress import choose_progress
from dimscope.progress import Silent


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Gone(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def test_quiet_is_silent(capsys):
    progress = choose_progress(True)
    assert isinstance(progress, Silent)
    progress.message("hello")
    with progress.stage("extract", 3) as task:
        task.advance(3)
    assert capsys.readouterr() == ("", "")


def test_a_short_stage_prints_its_last_line_only(capsys, clock):
    with choose_progress(False).stage("measure", 4) as task:
        for _ in range(4):
            clock(0.1)
            task.advance()
    assert capsys.readouterr() == ("", "measure: 4/4 layers (0 s)\n")


def test_a_long_stage_prints_every_tenth(capsys, clock):
    with choose_progress(False).stage("extract", 100) as task:
        for _ in range(100):
            clock(1.0)
            task.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"extract: {10 * tenth}/100 examples ({10 * tenth} s)" for tenth in range(1, 11)]


def test_large_steps_never_repeat_a_line(capsys, clock):
    with choose_progress(False).stage("search", 7) as task:
        for steps in (3, 0, 3, 1):
            clock(3.0)
            task.advance(steps)
    assert capsys.readouterr().err.splitlines() == ["search: 3/7 (3 s)", "search: 6/7 (9 s)", "search: 7/7 (12 s)"]


def test_an_empty_stage_is_no_error(capsys):
    with choose_progress(False).stage("extract", 0) as task:
        task.advance(0)
    assert capsys.readouterr() == ("", "")


def test_messages_go_to_stderr(capsys):
    choose_progress(False).message("loading größe")
    assert capsys.readouterr() == ("", "loading größe\n")


def test_a_terminal_gets_a_bar_with_counts_and_unit(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    progress = choose_progress(False)
    with progress.stage("extract", 60) as task:
        task.advance(25)
        task.advance(35)
    last = click.unstyle(terminal.getvalue()).replace("\r", "\n").split("\n")[-2]
    assert "extract" in last
    assert "60/60 examples" in last
    assert len(last) <= 80


def test_a_listener_that_left_does_not_stop_the_run(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    progress = choose_progress(False)
    progress.message("loading")
    with progress.stage("measure", 1) as task:
        task.advance()


def test_no_stderr_at_all_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    choose_progress(False).message("loading")
