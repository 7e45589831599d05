"""`dimscope show`: results in the terminal."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dimscope.cli.options import NearChoice
from dimscope.cli.output import FORMATS, shown
from dimscope.cli.places import all_files, but_states, stand_in

if TYPE_CHECKING:
    import pandas

    from dimscope.store.folder import RunFolder


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=NearChoice(FORMATS), help="How to print the profile.  [table]")
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON: profile, recommendation, findings, manifest.")
@click.option("--duplicates", "layer", metavar="LAYER", help="List the examples of a layer that repeat another one.")
@click.option("--verify", is_flag=True, help="Compare every file with the hash recorded when it was written.")
def show(runs: tuple[Path, ...], form: str | None, as_json: bool, layer: str | None, verify: bool) -> None:
    """Read the results of one or more RUNS.

    \b
    Examples:
      dimscope show runs/demo
      dimscope show runs/demo --format markdown
      dimscope show runs/demo --duplicates block_03
    """
    from dimscope.cli.output import print_json
    from dimscope.store.folder import open_folder

    _refuse_two_wishes({"--format": form is not None, "--json": as_json, "--duplicates": layer is not None, "--verify": verify})
    folders = [open_folder(stand_in(run, writes=False, wanted=all_files if verify else but_states)) for run in runs]
    if as_json:
        contents = [_everything(folder) for folder in folders]
        print_json(contents[0] if len(contents) == 1 else contents)
        return
    for number, folder in enumerate(folders):
        if len(folders) > 1 and not verify:
            click.echo("\n" * bool(number) + shown(folder.path))
        if verify:
            _verify(folder)
        elif layer is not None:
            _show_duplicates(folder, layer)
        else:
            _show_profile(folder, form or "table")


def _refuse_two_wishes(asked: dict[str, bool]) -> None:
    from dimscope.errors import UsageError

    names = [name for name, is_asked in asked.items() if is_asked]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} were asked for; each shows something else, choose one of them.")


def _show_profile(folder: "RunFolder", form: str) -> None:
    from dimscope.cli.output import print_answer, print_findings, print_json, print_table, read_stored
    from dimscope.profile import Profile

    profile = Profile.load(folder.profile)
    if form == "table":
        answer = read_stored(folder.recommendation)
        print_table(profile.summary(), answer["layers"] if answer else ())
        if answer:
            print_answer(answer)
        print_findings(read_stored(folder.findings) or [])
    elif form == "json":
        print_json(_records(profile.to_dataframe()))
    elif form == "csv":
        click.echo(profile.to_dataframe().to_csv(index=False), nl=False)
    elif form == "latex":
        click.echo(_latex(profile.summary()))
    else:
        click.echo(_markdown(profile.summary()))


def _everything(folder: "RunFolder") -> dict[str, Any]:
    from dimscope.cli.output import read_stored
    from dimscope.profile import Profile

    return {
        "folder": shown(folder.path),
        "profile": _records(Profile.load(folder.profile).to_dataframe()),
        "recommendation": read_stored(folder.recommendation),
        "findings": read_stored(folder.findings),
        "manifest": read_stored(folder.path / "manifest.json"),
    }


def _records(frame: "pandas.DataFrame") -> list[dict[str, Any]]:
    """One record per layer with every digit; what is NaN becomes None."""
    return [{str(name): None if value != value else value for name, value in row.items()} for row in frame.to_dict("records")]


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
        text = " ".join((points["text"][row] or "").split())
        click.echo(f"{points['id'][row]}\t= {points['id'][first]}\t{text}")


def _verify(folder: "RunFolder") -> None:
    from dimscope.errors import StoreError
    from dimscope.store.manifest import Manifest

    damaged = Manifest(folder.path).damaged_files()
    if damaged:
        raise StoreError(f"{len(damaged)} files of {folder.path} changed since they were written: {', '.join(damaged)}.")
    click.echo(f"{shown(folder.path)}: every file is as it was written.")


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
