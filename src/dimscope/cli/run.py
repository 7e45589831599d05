"""`dimscope run`: the main job."""

from pathlib import Path
from typing import Any

import click

from dimscope.cli.options import GroupedCommand, config_options, output_options, resolve, typed_command
from dimscope.errors import UsageError


@click.command(cls=GroupedCommand)
@click.argument("model")
@config_options("data", "model", "measure", without=("model.name",))
@output_options()
def run(
    model: str,
    out: Path | None,
    on_existing: str,
    reports: bool,
    strict: bool,
    as_json: bool,
    quiet: bool,
    config_file: Path | None,
    settings: tuple[str, ...],
    **given: Any,
) -> None:
    """Measure the geometry of every layer of MODEL and suggest layers to use.

    MODEL is a folder with a Hugging Face model, or a name on the hub. The run folder keeps everything; an interrupted run
    goes on where it was when the same command is given again.

    \b
    Examples:
      dimscope run ./my-model --data texts.csv --label topic
      dimscope run gpt2 --data texts.jsonl --pool last --points 5000
      dimscope run ./my-model --data texts.parquet --text body --layers 0:24:2 -o runs/mine
    """
    from dimscope.cli.output import finish
    from dimscope.cli.progress import choose_progress
    from dimscope.pipeline.run import default_folder, run_stages

    config = resolve({**given, "model__name": model}, config_file, settings)
    if not config.data.path:
        raise UsageError("no data were named; add --data FILE (.txt .csv .tsv .jsonl .parquet .fasta, or a saved data set).")
    result = run_stages(
        config,
        out or default_folder(model, config.data.path),
        on_existing=on_existing,
        with_report=reports,
        command=typed_command(),
        progress=choose_progress(quiet),
    )
    finish(result, as_json=as_json, strict=strict)
