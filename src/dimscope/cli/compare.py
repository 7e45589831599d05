"""`dimscope compare`: several runs beside each other."""

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option("--k", type=click.IntRange(min=1), metavar="N", help="Neighbours compared in maps.  [overlap_k of the runs]")
@click.option("--maps/--no-maps", default=True, help="Overlap of all layers of each pair of runs.  [maps]")
@click.option("--scaling/--no-scaling", default=True, help="Overlaps at several numbers of neighbours.  [scaling]")
@click.option("--ordered", is_flag=True, help="RUNs are steps, such as checkpoints: blue to orange, maps of neighbours only.")
@click.option("--published", is_flag=True, help="Also the published curves (arXiv 2302.00294, digitised), dotted.")
@click.option("--size", default="page", metavar="NAME", help="Of the figures: column, half, page or screen.  [page]")
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="DIR", help="Where to write.  [runs/comparison]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def compare(
    runs: tuple[str, ...],
    k: int | None,
    maps: bool,
    scaling: bool,
    ordered: bool,
    published: bool,
    size: str,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare finished runs: models, checkpoints, poolings or data sets in one figure against depth.

    A run is given as RUN or NAME=RUN. Written are comparison.html, figures (SVG, PDF, PNG), summary.csv, settings.csv with
    what differs between the runs, numbers.csv with every drawn number, and maps.csv with the overlap of all layers of runs on
    the same examples.

    \b
    Examples:
      dimscope compare runs/mean runs/cls -o runs/poolings
      dimscope compare small=runs/a large=runs/b --size column
      dimscope compare start=runs/step0 middle=runs/step5 end=runs/step9 --ordered
    """
    from dimscope.cli.output import print_cautions, print_json, print_table
    from dimscope.cli.progress import choose_progress
    from dimscope.comparison import Wanted, open_runs
    from dimscope.comparison import compare as write_comparison

    target = out or Path("runs/comparison")
    wanted = Wanted(k, with_maps=maps, with_scaling=scaling, ordered=ordered, size=size, published=published)
    found = write_comparison(open_runs([_stand_in(word) for word in runs]), target, wanted, progress=choose_progress(quiet))
    if as_json:
        print_json({"folder": str(target), "runs": found.summary.to_dict(orient="records"), "cautions": found.cautions})
        return
    print_table(found.summary, explained="comparison.html and docs/compare.md")
    print_cautions(found.cautions)
    click.echo(f"\nPage: {target / 'comparison.html'}")


def _stand_in(word: str) -> str:
    """The word with what stands for a URL in it."""
    from dimscope.cli.places import but_states, stand_in
    from dimscope.store.remote import is_remote

    name, equals, place = word.rpartition("=") if "=" in word.partition(":")[0] else ("", "", word)
    return f"{name}{equals}{stand_in(Path(place), writes=False, wanted=but_states)}" if is_remote(place) else word
