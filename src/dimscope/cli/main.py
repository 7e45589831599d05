"""The entry point: finds the command, loads it, and turns errors into one block of text and an exit code."""

import io
import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from dimscope.errors import DimscopeError, near_match

COMMANDS = {
    "demo": ("demo:demo", "Run the main job on an embedded model and data set, offline."),
    "run": ("run:run", "Measure every layer of a model on a data set and suggest layers to use."),
    "extract": ("stages:extract", "Only the first stage: from model and data to one array per layer."),
    "measure": ("measure:measure", "Measure a run folder again, or arrays that you already have."),
    "recommend": ("stages:recommend", "Only the answer: which layers to use."),
    "report": ("stages:report", "Only the figures and the page."),
    "compare": ("compare:compare", "Several runs in one figure against depth, with maps of their overlaps and a page."),
    "export": ("export:export", "Neighbours, points or numbers of a run as one file for other tools."),
    "show": ("show:show", "Read results in the terminal."),
    "paper": ("paper:paper", "The workflow of Valeriani et al. 2023 (arXiv 2302.00294), step by step."),
    "list": (
        "catalog:catalog",
        "What can be chosen: models, estimators, measures, rules, checks, plots, engines, ...",
    ),
    "doctor": ("doctor:doctor", "Versions, devices and extras of this installation."),
}
"""Command -> (place, one line for --help); nothing is imported to list them."""
DEBUG = "--debug"
HELP_NAMES = ["-h", "--help"]
INTERRUPTED = 130
UNEXPECTED = 1


class NearGroup(click.Group):
    """A group that names the nearest of its commands when there is none of the name that was typed."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command, or an error that names the nearest one."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            raise click.UsageError(f'unknown command "{name}".{near_match(name, known)}  All: {", ".join(known)}', ctx)
        return super().resolve_command(ctx, args)


class Commands(NearGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the work."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(f"dimscope.cli.{module}"), attribute)
        assert isinstance(found, click.Command)
        found.context_settings.setdefault("help_option_names", HELP_NAMES)  # click keeps the names of the first context
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whoever closes the pipe has seen enough, as in `dimscope list estimators | head -1`."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, SystemExit) as error:
            if not isinstance(error, BrokenPipeError) and not isinstance(error.__context__, BrokenPipeError):
                raise  # rich leaves with code 1 where a pipe is closed; any other exit is meant
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, without importing one."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": HELP_NAMES, "max_content_width": 110},
    epilog="\b\nStart with:  dimscope demo\nThen:        dimscope run MODEL --data texts.csv --label topic",
)
@click.version_option(package_name="dimscope", prog_name="dimscope")
@click.option("--debug", is_flag=True, help="Show the traceback of an error; may stand after the command, too.")
def cli(debug: bool) -> None:
    """The geometry of a transformer's representations, layer by layer.

    Point it at a model and a data set: one streamed pass reads every layer, exact neighbours, dimension and overlaps follow,
    and you get the layers to use, how sure that is, and a report.
    """
    del debug


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code: 0 done, 1 failed, 2 usage, 3 findings, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _accept_all_letters()
    try:
        words = [word for word in arguments if word != DEBUG]
        code = cli.main(words, prog_name="dimscope", standalone_mode=False, obj=words)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = _say_interrupted()
    except Exception as error:
        if DEBUG in arguments:
            traceback.print_exc()
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _accept_all_letters() -> None:
    """Let an output whose encoding lacks a letter, as some pipes do, show its number instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="backslashreplace")


def _explain(error: Exception) -> int:
    """Say on stderr, in one block, what went wrong; returns the exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, DimscopeError):
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        click.echo(f"Error: the system refused: {error.strerror or error}{place}.", err=True)
        return UNEXPECTED
    if isinstance(error, MemoryError):
        click.echo(f"Error: not enough memory ({error}). Give fewer examples (--points) or layers (--layers).", err=True)
        return UNEXPECTED
    click.echo(f"Error: this is a defect of dimscope ({type(error).__name__}: {error}).", err=True)
    click.echo(f"  Please report it with the output of the same command with {DEBUG}.", err=True)
    return UNEXPECTED


def _say_interrupted() -> int:
    click.echo("Interrupted. What was finished is kept: run the same command again to go on from there.", err=True)
    return INTERRUPTED


if __name__ == "__main__":
    main()
