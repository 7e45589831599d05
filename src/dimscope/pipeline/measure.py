"""Stage 2: from states to neighbour tables and the profile."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.arrays import FloatArray, IntArray, Points, refuse_non_finite
from dimscope.config import RunConfig
from dimscope.dimensions import Scale
from dimscope.engines import HERE, Engine
from dimscope.errors import InputError, StoreError
from dimscope.files import atomic_path
from dimscope.knn import search_distinct
from dimscope.knn.base import Backend, Duplicates, Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps import label_conflicts
from dimscope.pipeline import layers as measures
from dimscope.pipeline import scale as scales
from dimscope.pipeline.limits import refuse_few
from dimscope.pipeline.log import log_event
from dimscope.pipeline.prompts import measure_prompts, prompt_rows
from dimscope.profile import Layer, Profile
from dimscope.progress import Progress
from dimscope.registry import plugin_packages
from dimscope.store.folder import RunFolder, write_config
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states
from dimscope.store.tables import read_table, write_table
from dimscope.version import __version__

VERSIONED = ("numpy", "scipy", "torch", "transformers", "tokenizers", "xarray", "pandas")


@dataclass(frozen=True, eq=False)
class _Job:
    """What every layer of one measuring needs."""

    config: RunConfig
    folder: RunFolder
    manifest: Manifest
    labels: list[str] | None
    groups: list[str] | None
    prompts: list[IntArray] | None = None
    engine: Engine = HERE

    @property
    def states_key(self) -> str:
        return str(self.manifest.content["stages"]["extract"]["key"])


def measure(config: RunConfig, folder: RunFolder, progress: Progress, engine: Engine = HERE) -> Profile:
    """Fill `neighbors/`, `profile.nc` and `profile.csv`; finished layers of an interrupted run are kept.

    The neighbours of many points are found by the workers of the `engine`; those of few take no longer than the way there.

    Raises:
        StoreError: the folder has no states, or they are damaged.
        InputError: NaN or Inf in the states, too few points for k, all points of every layer equal, or groups that are asked
            for and missing.
    """
    started = perf_counter()
    manifest = Manifest(folder.path)
    layers = measured_layers(manifest)
    job = _Job(
        config, folder, manifest, point_column(folder, "label"), groups_of(config, folder), prompt_rows(config, folder), engine
    )
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


def _measure_layers(job: _Job, layers: Sequence[Layer], progress: Progress) -> Profile:
    config = job.config
    rows: list[measures.Row] = []
    replicates = []
    previous: Neighbors | None = None
    conflicts = 0
    with progress.stage("measure", len(layers)) as task:
        for layer in layers:
            table, row = _measure_layer(job, layer)
            if rows:
                rows[-1] |= measures.measure_step(previous, table, config.measure.overlap_k)
            rows.append(row)
            replicates.append(_replicates(job, layer, table, row))
            if table is not None and job.labels is not None:
                conflicts = max(conflicts, label_conflicts(table, job.labels))
            previous = table
            task.advance()
    if all(int(row["n_unique"]) == 1 for row in rows):
        raise InputError(f"all {rows[0]['n']} points are equal in every layer; there is no geometry to measure.")
    scale = scales.find_scale(rows)
    if config.measure.scale == "auto":
        replicates = _read_again(job, layers, rows, scales.require_scale(scale))
    provenance = _provenance(config, job.manifest, conflicts)
    provenance["scale"] = scales.scale_facts(scale, config.measure.scale)
    return Profile.from_columns(layers, measures.fill_columns(rows), np.stack(replicates), provenance)


def _replicates(job: _Job, layer: Layer, table: Neighbors | None, row: measures.Row) -> FloatArray:
    """Bootstrap values of the profile; with scale=paper the layer is read for it here, with scale=auto after all layers."""
    options, seed = job.config.measure, job.config.data.seed
    if options.scale != "paper" or table is None:
        return measures.replicate_dimension(table, options, seed)
    points = open_states(job.folder.states / f"{layer.name}.npy")
    columns, replicates = scales.read_as_paper(points, table.duplicates, options.replicates, seed)
    row |= columns
    return replicates


def _read_again(job: _Job, layers: Sequence[Layer], rows: list[measures.Row], scale: Scale) -> list[FloatArray]:
    """The profile at the common scale, from the tables that were just written."""
    options, seed = job.config.measure, job.config.data.seed
    replicates = []
    for layer, row in zip(layers, rows, strict=True):
        if "k" not in row:
            replicates.append(np.full(options.replicates, np.nan))
            continue
        columns, found = scales.read_common(read_table(job.folder.table_of(layer.name)), scale, options.replicates, seed)
        row |= columns
        replicates.append(found)
    return replicates


def _measure_layer(job: _Job, layer: Layer) -> tuple[Neighbors | None, measures.Row]:
    options = job.config.measure
    if not job.manifest.content["data"].get("has_points", True):  # the tables were given
        table = read_table(job.folder.table_of(layer.name))
        return table, measures.no_points(table.n) | measures.measure_table(table, options, job.labels, job.groups)
    points = open_states(job.folder.states / f"{layer.name}.npy")
    try:
        refuse_non_finite(points)
    except InputError as error:
        raise InputError(f"layer {layer.name}: {error}") from None
    duplicates = find_duplicates(points, "keep" if options.duplicates == "keep" else "merge")
    if duplicates.n_unique < 3:
        return None, {**measures.measure_points(points, duplicates), **measures.no_table()}
    # Where many rows are equal fewer neighbours exist than were asked for; the column `k` says how many were kept.
    table = _table(job, layer, points, duplicates, min(options.k, len(duplicates.rows) - 1))
    row = measures.measure_points(points, table.duplicates)
    if job.prompts is not None:
        row |= measure_prompts(points, job.prompts, options)
    return table, row | measures.measure_table(table, options, job.labels, job.groups)


def _table(job: _Job, layer: Layer, points: Points, duplicates: Duplicates, k: int) -> Neighbors:
    stage, path = f"neighbors/{layer.name}", job.folder.table_of(layer.name)
    key = table_key(job.states_key, job.config, k)
    if job.manifest.is_stage_done(stage, key):
        return read_table(path)
    started = perf_counter()
    device, states = job.config.model.device, job.folder.states / f"{layer.name}.npy"
    tiles = _by_workers(job.engine, states)
    device = "cpu" if tiles and device == "auto" else search_device(device)
    table = search_distinct(points, k, duplicates, device=device, tiles=tiles)
    write_table(path, table)
    job.manifest.finish_stage(stage, key, perf_counter() - started, [path])
    return table


def search_device(device: str) -> str:
    """Where the neighbours of a model on this device are searched: mps has no float64."""
    return "cpu" if device == "mps" else device


def _by_workers(engine: Engine, states: Path) -> Backend | None:
    """The search by the workers of an engine, where it has some."""
    if not engine.is_remote:
        return None
    from dimscope.knn.spread import search  # compiles: only where it is used

    return partial(search, path=states, engine=engine)


def table_key(states_key: str, config: RunConfig, k: int) -> str:
    """What the neighbour table of a layer depends on."""
    return f"{states_key}-{k}-{config.measure.duplicates}"


def _has_all_tables(manifest: Manifest) -> bool:
    stages = manifest.content.get("stages", {})
    return all(manifest.is_stage_done(name, record["key"]) for name, record in stages.items() if name.startswith("neighbors/"))


def measured_layers(manifest: Manifest) -> list[Layer]:
    """The layers whose states are in the folder."""
    found = manifest.content.get("layers")
    if not found or "extract" not in manifest.content.get("stages", {}):
        raise StoreError(f"{manifest.path.parent} has no finished states; run `dimscope extract` (or `run`) first.")
    return [Layer(entry["name"], entry["site"], entry["index"], entry["depth"], entry.get("module", "")) for entry in found]


def point_column(folder: RunFolder, name: str) -> list[str] | None:
    """A column of points.parquet, or None when it has gaps."""
    from pyarrow import parquet

    cells: list[Any] = parquet.read_table(folder.points, columns=[name])[name].to_pylist()
    return None if any(cell is None for cell in cells) else cells


def groups_of(config: RunConfig, folder: RunFolder) -> list[str] | None:
    """The groups whose members do not count, or None when none are left out."""
    if not config.measure.exclude_group:
        return None
    groups = point_column(folder, "group")
    if groups is None:
        raise InputError("--exclude-group was asked for, but the examples have no groups; name their column with --group.")
    return groups


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
