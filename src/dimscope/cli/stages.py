"""`dimscope extract`, `recommend` and `report`: single stages."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from dimscope.cli.options import (
    NO_DATA,
    GroupedCommand,
    config_options,
    engine_options,
    output_options,
    preset_base,
    preset_option,
    resolve,
    typed_command,
)
from dimscope.errors import UsageError

RUN = click.argument("run", type=click.Path(path_type=Path))


@click.command(cls=GroupedCommand)
@click.argument("model")
@config_options("data", "model", "measure", without=("model.name",))
@preset_option
@engine_options
@output_options("config_file", "settings", "out", "on_existing", "as_json", "quiet", "dry_run")
def extract(
    model: str,
    preset: str | None,
    engine: str,
    address: str | None,
    workers: int | None,
    out: Path | None,
    on_existing: str,
    as_json: bool,
    quiet: bool,
    dry_run: int | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    **given: Any,
) -> None:
    """Read the layers of MODEL into a run folder, and stop there.

    `dimscope measure RUN` goes on from there with the measures that are named here or there.

    \b
    Examples:
      dimscope extract ./my-model --data texts.csv --label topic -o runs/mine
      dimscope measure runs/mine --k 64
    """
    from dimscope.cli.output import print_json, shown
    from dimscope.cli.places import stand_in
    from dimscope.cli.plans import plan_checkpoints
    from dimscope.cli.progress import choose_progress
    from dimscope.engines import open_engine
    from dimscope.inputs.examples import with_own_labels
    from dimscope.pipeline.checkpoints import split_revisions
    from dimscope.pipeline.extract import extract as extract_states
    from dimscope.pipeline.plan import Scope
    from dimscope.pipeline.run import default_folder, note_origin, prepare_folders

    config = resolve({**given, "model__name": model}, config_file, settings, preset_base(preset))
    if not config.data.path:
        raise UsageError(NO_DATA)
    config, progress, made = replace(config, data=with_own_labels(config.data)), choose_progress(quiet), []
    if dry_run:
        plan_checkpoints(config, out, Scope(on_existing, measures=False, workers=dry_run), progress, as_json=as_json)
        return
    with open_engine(engine, address, workers) as there:
        for own, checkpoint in split_revisions(config, out or default_folder(model, config.data.path)):
            folders = prepare_folders(own, stand_in(checkpoint), on_existing, ("data", "model"))
            extract_states(own, folders[0], progress, redo=on_existing == "redo", engine=there)
            for folder in folders:
                note_origin(folder, typed_command())
                made.append(folder)
                if not as_json:
                    click.echo(f"States: {shown(folder.states)}")
    if as_json:
        print_json({"folders": [shown(folder.path) for folder in made]})


@click.command()
@RUN
@click.option("--rule", help="How the layers are chosen (dimscope list rules).  [as the run was configured]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def recommend(run: Path, rule: str | None, as_json: bool) -> None:
    """Choose layers again from the profile of RUN, and store the answer there.

    \b
    Examples:
      dimscope recommend runs/demo
      dimscope recommend runs/demo --rule middle --json
    """
    from dimscope.cli.output import print_answer, print_findings, print_json, shown
    from dimscope.cli.places import but_states, stand_in
    from dimscope.pipeline.finish import answer
    from dimscope.profile import Profile
    from dimscope.store.folder import open_folder, read_folder_config
    from dimscope.store.manifest import Manifest

    folder = open_folder(stand_in(run, wanted=but_states))
    config = resolve({"measure__rule": rule}, None, (), read_folder_config(folder))
    recommendation, findings = answer(config, folder, Profile.load(folder.profile))
    if rule is not None:
        Manifest(folder.path).note_later(typed_command())
    if as_json:
        print_json(recommendation.to_dict())
    else:
        print_answer(recommendation.to_dict())
        print_findings([finding.to_dict() for finding in findings])
    if rule is not None and folder.report.exists():
        place = shown(folder.path)
        click.echo(
            f"\n{shown(folder.report)} shows the answer from before; `dimscope report {place}` draws it again.", err=True
        )


@click.command()
@RUN
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--no-texts", is_flag=True, help="Leave texts and pictures of the examples out of the page; ids and labels stay.")
@click.option("--size", metavar="NAME", help="Of the files in figures/: column, half, page or screen.  [each its own]")
@click.option("--pdf", is_flag=True, help="Write the figures as PDF too, beside SVG and PNG.")
def report(run: Path, show: bool, no_texts: bool, size: str | None, pdf: bool) -> None:
    """Draw the figures and write report.html of RUN again.

    \b
    Examples:
      dimscope report runs/demo
      dimscope report runs/demo --no-texts --open
      dimscope report runs/demo --size column --pdf
    """
    from dimscope.cli.output import read_stored, shown
    from dimscope.cli.places import but_states, lasting, stand_in
    from dimscope.pipeline.finish import FIGURE_ENDINGS, answer, illustrate
    from dimscope.plots.theme import size_of
    from dimscope.profile import Profile
    from dimscope.store.folder import open_folder, read_folder_config

    if size is not None:
        size_of(size)  # refused before anything is written
    folder = open_folder(stand_in(run, wanted=but_states))
    profile = Profile.load(folder.profile)
    rule = (read_stored(folder.recommendation) or {}).get("rule")  # `dimscope recommend RUN --rule` may have chosen it
    config = resolve({"measure__rule": rule}, None, (), read_folder_config(folder))
    endings = (*FIGURE_ENDINGS, ".pdf") if pdf else FIGURE_ENDINGS
    illustrate(folder, profile, *answer(config, folder, profile), has_texts=not no_texts, size=size, endings=endings)
    click.echo(f"Report: {shown(folder.report)}")
    if no_texts:
        click.echo(f"The page holds no texts; {shown(folder.points)} still does.", err=True)
    if show:
        click.launch(str(lasting(folder.report)))
