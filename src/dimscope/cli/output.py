"""What a finished run prints: results on stdout, everything else on stderr."""

import json
import os
import shlex
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas

    from dimscope.pipeline.run import RunResult

FINDINGS = 3
FORMATS = ("table", "csv", "json", "latex", "markdown")
GAP = 2
"""Blanks between two columns."""
LEGEND = "Numbers after +- are standard errors; {} say what the columns are."
COLUMNS_OF_A_RUN = "report.html and docs/measures.md"


def shown(path: Path) -> str:
    """The path, or the URL that it stands for."""
    from dimscope.store.staging import shown as shown_place

    return shown_place(path)


def finish(results: Sequence["RunResult"], *, as_json: bool, strict: bool, ignored: Sequence[str] = ()) -> None:
    """Print the answers; leave with exit code 3 under `--strict` when a check found an issue.

    Args:
        results: one, or those of several checkpoints, which get a line each.
        as_json: print JSON instead.
        strict: as above.
        ignored: codes of checks that do not count for it.
    """
    if as_json:
        print_json(_as_json(results[0]) if len(results) == 1 else {"runs": [_as_json(result) for result in results]})
    elif len(results) == 1:
        _print_result(results[0])
        _print_others(results[0])
    else:
        _print_several(results)
    every = [finding for result in results for each in (result, *result.others) for finding in each.findings]
    if strict and any(finding.severity == "issue" and finding.code not in ignored for finding in every):
        sys.exit(FINDINGS)


def refuse_unknown_checks(codes: Sequence[str]) -> None:
    """Raise `UsageError` where one of these is no code of a check, before hours of work."""
    if codes:
        from dimscope.checks import CHECKS

        for code in codes:
            CHECKS.load(code)


def _as_json(result: "RunResult") -> dict[str, Any]:
    return {**_as_dict(result), **({"others": [_as_dict(other) for other in result.others]} if result.others else {})}


def _as_dict(result: "RunResult") -> dict[str, Any]:
    findings = [finding.to_dict() for finding in result.findings]
    return {"folder": shown(result.folder.path), "recommendation": result.recommendation.to_dict(), "findings": findings}


def _print_result(result: "RunResult") -> None:
    recommendation = result.recommendation.to_dict()
    print_table(result.profile.summary(), recommendation["layers"])
    print_answer(recommendation)
    print_findings([finding.to_dict() for finding in result.findings])
    if result.folder.report.exists():
        click.echo(f"\nReport: {shown(result.folder.report)}")


def _print_others(result: "RunResult") -> None:
    """One line for each further pooling, and how to see them together."""
    for other in result.others:
        pool = other.profile.provenance["model"]["pool"]
        click.echo(_fitted(f"\nPooling {pool}, {shown(other.folder.path)}: {other.recommendation.headline}", 2))
    if result.others:
        folders = [result.folder.path, *(other.folder.path for other in result.others)]
        click.echo(f"\nTogether: dimscope compare {shlex.join(map(shown, folders))}")


def _print_several(results: Sequence["RunResult"]) -> None:
    """One line for each checkpoint, and how to see them together."""
    for result in results:
        click.echo(_fitted(f"{shown(result.folder.path)}: {result.recommendation.headline}", 2))
    folders = [shown(result.folder.path) for result in results]
    click.echo(f"\nTogether: dimscope compare --ordered {shlex.join(folders)}")


def print_json(content: Any) -> None:
    """Plain data as JSON on stdout; a number that is NaN must have been replaced before."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(frame: "pandas.DataFrame", marked: Sequence[str] = (), explained: str = COLUMNS_OF_A_RUN) -> None:
    """A table for people, its first column the names of the rows; recommended rows carry a star.

    No number is ever cut: columns that do not fit the terminal continue in a further block below. `explained` names the pages
    that say what the columns are.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console()
    names, *columns = ([str(name), *map(str, frame[name])] for name in frame.columns)
    marks = ["*" if name in marked else "" for name in names]
    for number, block in enumerate(_fitting(names, columns, _width())):
        if number:
            console.print()
        for row, name in enumerate(names):
            cells = "".join(" " * GAP + cell.rjust(_longest(column)) for column in block for cell in [column[row]])
            style = "bold" if row == 0 else "green" * bool(marks[row])
            line = f"{marks[row]:<{GAP}}{name.ljust(_longest(names))}{cells}"
            console.print(Text(line.rstrip(), style=style), soft_wrap=True)
    click.echo(f"\n{LEGEND.format(explained)}")


def print_answer(recommendation: Mapping[str, Any]) -> None:
    """Headline, reasons and cautions of `Recommendation.to_dict()`."""
    click.echo(f"\n{recommendation['headline']}")
    for reason in recommendation["reasons"]:
        click.echo(_fitted(f"  - {reason}", 4))
    print_cautions(recommendation["cautions"])


def print_cautions(cautions: Sequence[str]) -> None:
    """One line or paragraph for each."""
    for caution in cautions:
        click.echo(_fitted(f"  ! {caution}", 4))


def print_findings(findings: Sequence[Mapping[str, Any]]) -> None:
    """One paragraph for each `Finding.to_dict()`."""
    for finding in findings:
        click.echo()
        click.echo(_fitted(f"{finding['code']} {finding['title']} ({finding['severity']}): {finding['text']}", 2))
        click.echo(_fitted(f"  What to do: {finding['remedy']}", 4))


def read_stored(path: Path) -> Any:
    """The content of a JSON file of a run folder, or None when it is not there.

    Raises:
        StoreError: it is not JSON.
    """
    from dimscope.errors import StoreError

    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise StoreError(f"{path} is damaged; write it again with `dimscope recommend {path.parent}`.") from None


def _fitting(names: Sequence[str], columns: Sequence[list[str]], width: int | None) -> Iterator[list[list[str]]]:
    """The columns in blocks that fit the width beside the names, at least one column each."""
    start = used = GAP + _longest(names)
    block: list[list[str]] = []
    for column in columns:
        needed = GAP + _longest(column)
        if block and width is not None and used + needed > width:
            yield block
            block, used = [], start
        block.append(column)
        used += needed
    yield block


def _longest(cells: Sequence[str]) -> int:
    return max(map(len, cells))


def _fitted(text: str, indent: int) -> str:
    """The text in lines that fit the terminal, all but the first indented."""
    width = _width()
    if width is None:
        return text
    return textwrap.fill(text, max(width, 40), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)


def _width() -> int | None:
    """Columns of the terminal, or of COLUMNS where that is set; None where nothing has to fit."""
    from rich.console import Console

    console = Console()
    return console.width if console.is_terminal or os.environ.get("COLUMNS", "").isdigit() else None
