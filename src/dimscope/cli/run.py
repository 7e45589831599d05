"""`dimscope run`: the main job."""

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


@click.command(cls=GroupedCommand)
@click.argument("model")
@config_options("data", "model", "measure", without=("model.name",))
@preset_option
@engine_options
@output_options()
def run(
    model: str,
    preset: str | None,
    engine: str,
    address: str | None,
    workers: int | None,
    out: Path | None,
    on_existing: str,
    reports: bool,
    strict: bool,
    ignored: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    dry_run: int | None,
    config_file: Path | None,
    settings: tuple[str, ...],
    **given: Any,
) -> None:
    """Measure the geometry of every layer of MODEL and suggest layers to use.

    MODEL is a folder with a Hugging Face model, a GGUF file, a folder of checkpoints, or a name on the hub. The run folder
    keeps everything; an interrupted run goes on where it was when the same command is given again.

    \b
    Examples:
      dimscope run ./my-model --data texts.csv --label topic
      dimscope run gpt2 --data texts.jsonl --text body --pool last --layers 0:12:2 -o runs/mine
      dimscope run ./esm2 --data scope40.fa.gz --label superfamily --preset esm
      dimscope run ./dinov2 --data images/ --pool cls
      dimscope run ./igpt-small --data imagenet_trX.npy --preset igpt
      dimscope run EleutherAI/pythia-70m --data texts.csv --revision step1000,step143000
      dimscope run ./my-model --data texts.csv --points 1000000 --dry-run
      dimscope run ./my-model --data texts.csv --engine dask --workers 4 -o s3://bucket/mine
    """
    from dimscope.cli.output import finish, refuse_unknown_checks
    from dimscope.cli.places import stand_in
    from dimscope.cli.plans import plan_checkpoints
    from dimscope.cli.progress import choose_progress
    from dimscope.engines import open_engine
    from dimscope.pipeline.checkpoints import split_revisions
    from dimscope.pipeline.plan import Scope
    from dimscope.pipeline.run import default_folder, run_stages

    refuse_unknown_checks(ignored)
    config = resolve({**given, "model__name": model}, config_file, settings, preset_base(preset))
    if not config.data.path:
        raise UsageError(NO_DATA)
    progress, results = choose_progress(quiet), []
    if dry_run:
        plan_checkpoints(config, out, Scope(on_existing, workers=dry_run), progress, as_json=as_json)
        return
    with open_engine(engine, address, workers) as there:
        for own, place in split_revisions(config, out or default_folder(model, config.data.path)):
            options: dict[str, Any] = {"on_existing": on_existing, "with_report": reports, "command": typed_command()}
            results.append(run_stages(own, stand_in(place), progress=progress, engine=there, **options))
    finish(results, as_json=as_json, strict=strict, ignored=ignored)
