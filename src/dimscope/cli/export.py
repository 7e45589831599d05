"""`dimscope export`: parts of a run for other tools."""

from pathlib import Path

import click

WHAT = ("neighbors", "points", "profile")
FORMATS = ("parquet", "csv", "safetensors", "npy", "json", "nc")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--what", type=click.Choice(WHAT), required=True, help="Which part of the run.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="neighbors: parquet, csv; points: parquet, safetensors, npy; profile: csv, json, nc.  [ending of --out, or the first]",
)
@click.option("--layer", "layers", multiple=True, metavar="NAME", help="May be repeated; all.  [the layer recommended first]")
@click.option("--k", type=click.IntRange(min=1), metavar="N", help="Neighbours of each example.  [all that were kept]")
@click.option("--with-points", is_flag=True, help="Also the vectors beside the neighbours (parquet).")
@click.option("--out", "-o", type=click.Path(path_type=Path), metavar="FILE", help="[RUN-LAYER-WHAT.FORMAT in this folder]")
def export(
    run: Path, what: str, form: str | None, layers: tuple[str, ...], k: int | None, with_points: bool, out: Path | None
) -> None:
    """Write a part of RUN as one file for other tools.

    \b
    Examples:
      dimscope export runs/demo --what neighbors --with-points -o demo.parquet
      embedding-atlas demo.parquet --text text --vector vector --neighbors neighbors
      dimscope export runs/demo --what points --layer all --format safetensors
      dimscope export runs/demo --what profile --format json -o profile.json
    """
    from dimscope.cli.places import stand_in
    from dimscope.exports import export as write

    click.echo(write(stand_in(run, writes=False), what, out, format=form, layers=layers or None, k=k, with_points=with_points))
