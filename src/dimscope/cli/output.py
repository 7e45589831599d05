"""What a finished run prints: tables on stdout, everything else on stderr."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas

    from dimscope.checks import Finding
    from dimscope.pipeline.run import RunResult
    from dimscope.rules import Recommendation

FINDINGS = 3
FORMATS = ("table", "csv", "json", "latex", "markdown")


def finish(result: "RunResult", *, as_json: bool, strict: bool) -> None:
    """Print the answer; leave with exit code 3 under `--strict` when a check found an issue."""
    if as_json:
        print_json({
            "folder": str(result.folder.path),
            "recommendation": result.recommendation.to_dict(),
            "findings": [finding.to_dict() for finding in result.findings],
        })  # fmt: skip
    else:
        print_table(result.profile.summary(), result.recommendation.layers)
        print_answer(result.recommendation)
        print_findings(result.findings)
        if result.folder.report.exists():
            click.echo(f"\nReport: {result.folder.report}")
    if strict and any(finding.severity == "issue" for finding in result.findings):
        sys.exit(FINDINGS)


def print_json(content: Any) -> None:
    """Plain data as JSON on stdout."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def print_table(frame: "pandas.DataFrame", marked: tuple[str, ...] = ()) -> None:
    """A table for people; recommended layers carry a star."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for name in frame.columns:
        table.add_column(str(name), justify="left" if name == frame.columns[0] else "right", no_wrap=True)
    for _, row in frame.iterrows():
        is_marked = row.iloc[0] in marked
        style = "green" if is_marked else ""
        table.add_row("*" if is_marked else "", *(Text(str(cell)) for cell in row), style=style)
    console = Console()
    width = None if console.is_terminal else 200
    Console(width=width).print(table)


def print_answer(recommendation: "Recommendation") -> None:
    """Headline, reasons and cautions."""
    click.echo(f"\n{recommendation.headline}")
    for reason in recommendation.reasons:
        click.echo(f"  - {reason}")
    for caution in recommendation.cautions:
        click.echo(f"  ! {caution}")


def print_findings(findings: "list[Finding]") -> None:
    """One paragraph per finding."""
    for finding in findings:
        click.echo(f"\n{finding.code} {finding.title} ({finding.severity}): {finding.text}")
        click.echo(f"  What to do: {finding.remedy}")
