"""Stage 2: from states to neighbour tables and the profile."""

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.config import RunConfig
from dimscope.dimensions import Scale
from dimscope.engines import HERE, Engine
from dimscope.engines.shared import share
from dimscope.errors import InputError, StoreError
from dimscope.files import atomic_path
from dimscope.pipeline import layers as measures
from dimscope.pipeline import scale as scales
from dimscope.pipeline.columns import Setting, columns_of
from dimscope.pipeline.limits import refuse_few
from dimscope.pipeline.log import log_event
from dimscope.pipeline.prompts import has_whole_prompts
from dimscope.pipeline.searching import Job, find_tables
from dimscope.pipeline.tasks import LayerTask, Measured, ScaleTask, StepTask, longest_task, measured
from dimscope.profile import Layer, Profile
from dimscope.progress import Progress
from dimscope.registry import plugin_packages
from dimscope.store.folder import RunFolder, write_config
from dimscope.store.lending import Lender, LentTable, carried, each
from dimscope.store.manifest import Manifest
from dimscope.version import __version__

VERSIONED = ("numpy", "scipy", "torch", "transformers", "tokenizers", "xarray", "pandas")


def measure(config: RunConfig, folder: RunFolder, progress: Progress, engine: Engine = HERE) -> Profile:
    """Fill `neighbors/`, `profile.nc` and `profile.csv`; finished layers of an interrupted run are kept.

    The workers of the `engine` find the neighbours of one layer after another, then measure the layers side by side; all files
    are written here.

    Raises:
        StoreError: the folder has no states, or they are damaged.
        InputError: NaN or Inf in the states, too few points for k, all points of every layer equal, or groups that are asked
            for and missing.
    """
    started = perf_counter()
    manifest = Manifest(folder.path)
    layers = measured_layers(manifest)
    setting = Setting(config, share(folder.points), has_whole_prompts(config, manifest))
    columns_of(setting)  # groups that are asked for and missing are refused at once
    job = Job(setting, folder, manifest, engine, Lender(engine))
    key = measure_key(config, manifest)
    if manifest.is_stage_done("measure", key) and _has_all_tables(manifest):
        progress.message("measures are there already")
        return Profile.load(folder.profile)
    data = manifest.content["data"]
    refuse_few(int(data.get("n_tokens", data["n_examples"])), config.measure.k, "tokens" if "n_tokens" in data else "examples")
    log_event(folder.log, "measure", layers=len(layers), k=config.measure.k, engine=engine.facts)
    write_config(folder, config)
    profile = _measure_layers(job, layers, progress)
    store_profile(config, folder, profile, perf_counter() - started)
    return profile


def measure_key(config: RunConfig, manifest: Manifest) -> str:
    """What the profile depends on: the states, the measures of every run, the seed and the version; no columns added later."""
    alone = replace(config, measure=replace(config.measure, control=(), measures=(), further_k=""))
    states = manifest.content["stages"]["extract"]["key"]
    return f"{states}-{alone.key('measure')}-{config.data.seed}-{__version__}"


def store_profile(config: RunConfig, folder: RunFolder, profile: Profile, seconds: float) -> None:
    """Write `profile.nc` and `profile.csv`, and list the stage as finished."""
    manifest = Manifest(folder.path)
    profile.save(folder.profile)
    with atomic_path(folder.table) as temporary:
        profile.to_dataframe().to_csv(temporary, index=False)
    manifest.finish_stage("measure", measure_key(config, manifest), seconds, [folder.profile, folder.table])


def exchange_columns(
    config: RunConfig,
    folder: RunFolder,
    profile: Profile,
    stale: Sequence[str],
    columns: Mapping[str, FloatArray],
    seconds: float,
) -> Profile:
    """The measured profile with these columns in place of the stale ones; stored, with the options, when that changed it.

    Args:
        config: the options that asked for the columns.
        folder: the run.
        profile: as it was measured.
        stale: columns to take out, whether they are there or not.
        columns: columns to put in.
        seconds: how long they took.
    """
    found = profile.without(stale).with_columns(columns)
    if found.dataset.identical(profile.dataset):
        return profile
    write_config(folder, config)
    found = found.with_provenance(measure=config.to_dict()["measure"], config=config.to_dict())
    before = Manifest(folder.path).content["stages"]["measure"]["seconds"]
    store_profile(config, folder, found, before + seconds)
    return found


def _measure_layers(job: Job, layers: Sequence[Layer], progress: Progress) -> Profile:
    found: dict[int, Measured] = {}
    steps: dict[int, measures.Row] = {}
    tables, patience = find_tables(job, layers, progress), max(longest_task(*job.size_of(layer)) for layer in layers)
    with progress.stage("measure", len(layers)) as task:
        for one, answer in each(job.engine, measured, _tasks(job, layers, tables), carried, patience):
            if isinstance(one, StepTask):
                steps[one.place] = answer.row
            else:
                found[one.place] = answer
                task.advance()
    rows = [{**found[place].row, **steps.get(place, {})} for place in range(len(layers))]
    replicates = [found[place].replicates for place in range(len(layers))]
    if all(int(row["n_unique"]) == 1 for row in rows):
        raise InputError(f"all {rows[0]['n']} points are equal in every layer; there is no geometry to measure.")
    scale = scales.find_scale(rows)
    if job.options.scale == "auto":
        _read_again(job, layers, rows, replicates, scales.require_scale(scale))
    provenance = _provenance(job.setting.config, job.manifest, max(answer.conflicts for answer in found.values()))
    provenance["scale"] = scales.scale_facts(scale, job.options.scale)
    return Profile.from_columns(layers, measures.fill_columns(rows), np.stack(replicates), provenance)


def _tasks(job: Job, layers: Sequence[Layer], tables: Iterable[LentTable | None]) -> Iterator[LayerTask | StepTask]:
    """Each layer, after the step that leads to it: so two tables are enough in memory."""
    before: LentTable | None = None
    for place, (layer, table) in enumerate(zip(layers, tables, strict=True)):
        if before is not None and table is not None:
            yield StepTask(job.setting, place - 1, before, table)
        points = job.lender.points(job.states_of(layer)) if job.has_points else None
        yield LayerTask(job.setting, place, points, table)
        before = table


def _read_again(
    job: Job, layers: Sequence[Layer], rows: list[measures.Row], replicates: list[FloatArray], scale: Scale
) -> None:
    """Put the profile at the common scale in place of the one that was found, from the tables that are stored now."""
    tasks = (
        ScaleTask(job.setting, place, job.lender.table(job.folder.table_of(layer.name)), scale)
        for place, layer in enumerate(layers)
        if "k" in rows[place]
    )
    for task, answer in each(job.engine, measured, tasks, carried):
        rows[task.place] |= answer.row
        replicates[task.place] = answer.replicates


def _has_all_tables(manifest: Manifest) -> bool:
    stages = manifest.content.get("stages", {})
    return all(manifest.is_stage_done(name, record["key"]) for name, record in stages.items() if name.startswith("neighbors/"))


def measured_layers(manifest: Manifest) -> list[Layer]:
    """The layers whose states are in the folder."""
    found = manifest.content.get("layers")
    if not found or "extract" not in manifest.content.get("stages", {}):
        raise StoreError(f"{manifest.path.parent} has no finished states; run `dimscope extract` (or `run`) first.")
    return [Layer(entry["name"], entry["site"], entry["index"], entry["depth"], entry.get("module", "")) for entry in found]


def _provenance(config: RunConfig, manifest: Manifest, conflicts: int) -> dict[str, Any]:
    content = manifest.content
    return {
        "dimscope": __version__,
        "seed": config.data.seed,
        "model": content.get("model", {}),
        "data": {**content.get("data", {}), "n_label_conflicts": conflicts},
        "measure": config.to_dict()["measure"],
        "config": config.to_dict(),
        "environment": environment(),
    }


def environment() -> dict[str, str]:
    """Versions of what computes, of packages that add entries to its tables, and the platform."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | plugin_packages()
