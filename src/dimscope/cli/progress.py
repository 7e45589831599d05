"""Progress on stderr: a bar on a terminal, a line every tenth elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from dimscope.progress import Progress, Silent, Task

UNITS = {"extract": "examples", "measure": "layers", "compare": "figures"}
"""What a stage counts, for the eye."""
TENTHS = 10
QUIET_SECONDS = 2.0
"""A stage without a terminal that lasts less than this prints only its last line."""


def choose_progress(quiet: bool) -> Progress:
    """Silent, a bar, or plain lines, by what stderr is."""
    if quiet:
        return Silent()
    return _Bars() if sys.stderr is not None and sys.stderr.isatty() else _Lines()


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads stderr any more; the results are still wanted
        click.echo(text, err=True)


class _LineTask:
    def __init__(self, name: str, total: int) -> None:
        self.name, self.total, self.done, self.tenth = name, max(1, total), 0, 0
        self.unit = f" {UNITS[name]}" if name in UNITS else ""
        self.started = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        tenth = TENTHS * self.done // self.total
        seconds = time.monotonic() - self.started
        if tenth > self.tenth and (seconds > QUIET_SECONDS or tenth >= TENTHS):
            _say(f"{self.name}: {self.done}/{self.total}{self.unit} ({seconds:.0f} s)")
        self.tenth = max(tenth, self.tenth)


class _Lines:
    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Task]:
        yield _LineTask(name, total)

    def message(self, text: str) -> None:
        _say(text)


class _Bars:
    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Task]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description:>10}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn(UNITS.get(name, "")),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True)) as bars:
            number = bars.add_task(name, total=total)

            class _BarTask:
                def advance(self, steps: int = 1) -> None:
                    bars.advance(number, steps)

            yield _BarTask()

    def message(self, text: str) -> None:
        _say(text)
