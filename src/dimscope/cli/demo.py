"""`dimscope demo`: the main job on an embedded case."""

from pathlib import Path

import click

from dimscope.cli.options import GroupedCommand


@click.command(cls=GroupedCommand)
@click.option("--case", default="glosses", help="Which embedded case.  [glosses]")
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("runs/demo"), help="Run folder.  [runs/demo]")
@click.option(
    "--on-existing",
    type=click.Choice(["missing", "redo", "error"]),
    default="missing",
    help="Complete an existing run folder, start over, or stop.  [missing]",
)
@click.option("--strict", is_flag=True, help="Leave with exit code 3 when a check finds an issue.")
@click.option("--json", "as_json", is_flag=True, help="Print the recommendation as JSON instead of the table.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def demo(case: str, out: Path, on_existing: str, strict: bool, as_json: bool, quiet: bool) -> None:
    """Run the main job on an embedded model and data set, offline once installed.

    The default case, glosses, reads all-MiniLM-L6-v2 on 3 000 WordNet glosses in 15 semantic fields. It takes the same path
    as `dimscope run` and prints how to call that on the same files.

    \b
    Examples:
      dimscope demo
      dimscope demo --case glosses -o runs/first
    """
    from dimscope.cli.output import finish
    from dimscope.cli.progress import choose_progress
    from dimscope.demos import DEMOS
    from dimscope.pipeline.run import run_stages

    progress = choose_progress(quiet)
    prepared = DEMOS.load(case)(out.parent / f"{out.name}-data")
    progress.message(f"{prepared.title}\nthe same by hand:  {prepared.command} -o {out}")
    result = run_stages(
        prepared.config,
        out,
        on_existing=on_existing,
        command=f"{prepared.command} -o {out}",
        credits=prepared.credits,
        title=prepared.title,
        progress=progress,
    )
    finish(result, as_json=as_json, strict=strict)
