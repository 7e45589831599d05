"""`dimscope demo`: the main job on an embedded case."""

from pathlib import Path

import click

from dimscope.cli.options import GroupedCommand, output_options


@click.command(cls=GroupedCommand)
@click.option("--case", default="glosses", metavar="NAME", help="Which embedded case (dimscope list demos).  [glosses]")
@output_options("out", "on_existing", "strict", "ignored", "as_json", "quiet", default_out="runs/demo")
def demo(
    case: str, out: Path | None, on_existing: str, strict: bool, ignored: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Run the main job on an embedded model and data set, offline once installed.

    The default case, glosses, reads all-MiniLM-L6-v2 on 3 000 WordNet glosses in 15 semantic fields. It takes the same path
    as `dimscope run` and prints how to call that on the same files.

    \b
    Examples:
      dimscope demo
      dimscope demo --case glosses -o runs/first
    """
    from dimscope.cli.output import finish, refuse_unknown_checks
    from dimscope.cli.progress import choose_progress
    from dimscope.demos import DEMOS
    from dimscope.pipeline.run import run_stages

    refuse_unknown_checks(ignored)
    out = out or Path("runs/demo")
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
    finish([result], as_json=as_json, strict=strict, ignored=ignored)
