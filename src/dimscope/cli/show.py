"""`dimscope show`: results in the terminal."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dimscope.cli.output import FORMATS

if TYPE_CHECKING:
    from dimscope.store.folder import RunFolder


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="How to print the profile.  [table]")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON: profile, recommendation, findings, manifest.")
@click.option("--duplicates", "layer", metavar="LAYER", help="List the examples of a layer that repeat another one.")
@click.option("--verify", is_flag=True, help="Compare every file with the hash recorded when it was written.")
def show(runs: tuple[Path, ...], form: str, as_json: bool, layer: str | None, verify: bool) -> None:
    """Read the results of one or more RUNS.

    \b
    Examples:
      dimscope show runs/demo
      dimscope show runs/demo --format markdown
      dimscope show runs/demo --duplicates block_03
    """
    from dimscope.store.folder import open_folder

    folders = [open_folder(run) for run in runs]
    for folder in folders:
        if len(folders) > 1 and not as_json:
            click.echo(f"\n{folder.path}")
        if verify:
            _verify(folder)
        elif layer is not None:
            _show_duplicates(folder, layer)
        elif not as_json:
            _show_profile(folder, form)
    if as_json and not verify and layer is None:
        from dimscope.cli.output import print_json

        contents = [_everything(folder) for folder in folders]
        print_json(contents[0] if len(contents) == 1 else contents)


def _show_profile(folder: "RunFolder", form: str) -> None:
    from dimscope.cli.output import print_json, print_table
    from dimscope.profile import Profile

    profile = Profile.load(folder.profile)
    if form == "table":
        answer = _read_json(folder.recommendation) or {"layers": [], "headline": "", "reasons": []}
        print_table(profile.summary(), tuple(answer["layers"]))
        click.echo(f"\n{answer['headline']}")
        for reason in answer["reasons"]:
            click.echo(f"  - {reason}")
        for finding in _read_json(folder.findings) or []:
            click.echo(f"  {finding['code']} {finding['title']}: {finding['text']}")
    elif form == "json":
        print_json(json.loads(profile.to_dataframe().to_json(orient="records", double_precision=15)))
    elif form == "csv":
        click.echo(profile.to_dataframe().to_csv(index=False), nl=False)
    elif form == "latex":
        click.echo(_latex(profile.summary()))
    else:
        click.echo(_markdown(profile.summary()))


def _everything(folder: "RunFolder") -> dict[str, Any]:
    from dimscope.profile import Profile

    table = Profile.load(folder.profile).to_dataframe()
    return {
        "folder": str(folder.path),
        "profile": json.loads(table.to_json(orient="records", double_precision=15)),
        "recommendation": _read_json(folder.recommendation),
        "findings": _read_json(folder.findings),
        "manifest": _read_json(folder.path / "manifest.json"),
    }


def _show_duplicates(folder: "RunFolder", layer: str) -> None:
    import numpy as np
    from pyarrow import parquet

    from dimscope.errors import unknown_name
    from dimscope.store.tables import read_table

    known = sorted(path.stem for path in folder.neighbors.glob("*.npz"))
    if layer not in known:
        raise unknown_name("layer", layer, known)
    found = read_table(folder.table_of(layer)).duplicates
    points = parquet.read_table(folder.points).to_pydict()
    rows = np.flatnonzero(found.representative != np.arange(found.n_rows))
    click.echo(f"{len(rows)} of {found.n_rows} examples repeat an earlier one at {layer}.", err=True)
    for row in rows:
        first = found.representative[row]
        click.echo(f"{points['id'][row]}\t= {points['id'][first]}\t{points['text'][row] or ''}")


def _verify(folder: "RunFolder") -> None:
    from dimscope.errors import StoreError
    from dimscope.store.manifest import Manifest

    damaged = Manifest(folder.path).damaged_files()
    if damaged:
        raise StoreError(f"{len(damaged)} files of {folder.path} changed since they were written: {', '.join(damaged)}.")
    click.echo(f"{folder.path}: every file is as it was written.")


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def _markdown(frame: Any) -> str:
    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)


def _latex(frame: Any) -> str:
    def cell(text: Any) -> str:
        return str(text).replace("_", r"\_").replace(" +- ", r" $\pm$ ")

    body = [" & ".join(cell(value) for value in row) + r" \\" for row in frame.to_numpy().tolist()]
    head = " & ".join(cell(name) for name in frame.columns) + r" \\"
    columns = "l" + "r" * (len(frame.columns) - 1)
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", r"\hline", head, r"\hline", *body, r"\hline", r"\end{tabular}"])
