"""`dimscope measure`: a run folder again, or arrays that the user has."""

from pathlib import Path
from typing import Any

import click

from dimscope.cli.options import GroupedCommand, config_options, engine_options, output_options, resolve, typed_command
from dimscope.errors import UsageError


@click.command(cls=GroupedCommand)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="FILE", help="Labels of arrays: .npy, or .txt with a label per line."
)
@click.option("--seed", "data__seed", type=click.INT, default=None, metavar="N", help="Seed of the bootstrap.  [0]")
@config_options("measure")
@engine_options
@output_options(default_out="runs/arrays-<name>")
def measure(
    source: Path,
    labels: Path | None,
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
    """Measure SOURCE: a run folder with its states, or arrays from anywhere.

    A run folder is measured again in place; only what the changed options touch is computed. Arrays are one layer per array:
    a .npy file of shape (n, d) or (layers, n, d), a .npz or .safetensors file, or a folder of .npy files. Neighbour tables are
    read too: a .npz with `distances` and `indices`, or a folder of pairs *_dist.npy and *_index.npy.

    \b
    Examples:
      dimscope measure runs/demo --measure linear_probe --measure cka --further-k 5,10,60
      dimscope measure layers.npz --labels labels.txt -o runs/mine
      dimscope measure embeddings.npy --k 50
      dimscope measure distance_matrices/ --labels imagenet_labels.npy -o runs/paper
    """
    from dimscope.cli.output import finish, refuse_unknown_checks
    from dimscope.cli.places import stand_in
    from dimscope.cli.plans import print_plan
    from dimscope.cli.progress import choose_progress
    from dimscope.engines import open_engine
    from dimscope.pipeline.given import measure_arrays
    from dimscope.pipeline.plan import Scope
    from dimscope.pipeline.planning_measures import plan_arrays, plan_folder
    from dimscope.pipeline.run import default_folder, finish_run
    from dimscope.store.folder import RunFolder, read_folder_config

    refuse_unknown_checks(ignored)
    progress = choose_progress(quiet)
    source = stand_in(source)
    folder = RunFolder(source)
    if folder.config.is_file():
        if out is not None or labels is not None or on_existing != "missing":
            raise UsageError(
                f"{source} is a run folder and is measured in place; -o, --on-existing and --labels are for arrays."
            )
        config = resolve(given, config_file, settings, read_folder_config(folder))
        if dry_run:
            print_plan(plan_folder(config, folder, Scope(workers=dry_run), progress), as_json=as_json)
            return
        with open_engine(engine, address, workers) as there:
            options: dict[str, Any] = {"with_report": reports, "command": typed_command()}
            result = finish_run(config, folder, progress, engine=there, **options)
    else:
        config, out = resolve(given, config_file, settings), out or default_folder("arrays", str(source))
        if dry_run:
            plan = plan_arrays(source, config, out, labels=labels, scope=Scope(on_existing, workers=dry_run), progress=progress)
            print_plan(plan, as_json=as_json)
            return
        with open_engine(engine, address, workers) as there:
            result = measure_arrays(
                source,
                config,
                stand_in(out),
                labels=labels,
                on_existing=on_existing,
                with_report=reports,
                command=typed_command(),
                progress=progress,
                engine=there,
            )
    finish([result], as_json=as_json, strict=strict, ignored=ignored)
