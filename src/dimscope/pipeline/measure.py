"""Stage 2: from states to neighbour tables and the profile."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.arrays import refuse_non_finite
from dimscope.config import RunConfig
from dimscope.errors import InputError, StoreError
from dimscope.files import atomic_path
from dimscope.knn import search_distinct
from dimscope.knn.base import Neighbors
from dimscope.knn.duplicates import find_duplicates
from dimscope.overlaps import label_conflicts
from dimscope.pipeline import layers as measures
from dimscope.pipeline.log import log_event
from dimscope.profile import Layer, Profile
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder, write_config
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states
from dimscope.store.tables import read_table, write_table
from dimscope.version import __version__

VERSIONED = ("numpy", "scipy", "torch", "transformers", "tokenizers", "xarray", "pandas")


def measure(config: RunConfig, folder: RunFolder, progress: Progress) -> Profile:
    """Fill `neighbors/`, `profile.nc` and `profile.csv`; finished layers of an interrupted run are kept.

    Raises:
        StoreError: the folder has no states, or they are damaged.
        InputError: NaN or Inf in the states, or all points of every layer are equal.
    """
    started = perf_counter()
    manifest = Manifest(folder.path)
    layers = _layers(manifest)
    extract_key = manifest.content["stages"]["extract"]["key"]
    key = f"{extract_key}-{config.key('measure')}-{config.data.seed}"
    if manifest.is_stage_done("measure", key):
        progress.message("measures are there already")
        return Profile.load(folder.profile)
    log_event(folder.log, "measure", layers=len(layers), k=config.measure.k)
    write_config(folder, config)
    labels = _labels(folder)
    profile = _measure_layers(config, folder, manifest, layers, labels, progress)
    profile.save(folder.profile)
    with atomic_path(folder.table) as temporary:
        profile.to_dataframe().to_csv(temporary, index=False)
    manifest.finish_stage("measure", key, perf_counter() - started, [folder.profile, folder.table])
    return profile


def _measure_layers(
    config: RunConfig,
    folder: RunFolder,
    manifest: Manifest,
    layers: Sequence[Layer],
    labels: list[str] | None,
    progress: Progress,
) -> Profile:
    rows: list[measures.Row] = []
    replicates = []
    previous: Neighbors | None = None
    conflicts = 0
    with progress.stage("measure", len(layers)) as task:
        for layer in layers:
            table, row = _measure_layer(config, folder, manifest, layer, labels)
            if rows:
                rows[-1] |= measures.measure_step(previous, table, config.measure.overlap_k)
            rows.append(row)
            replicates.append(measures.replicate_dimension(table, config.measure, config.data.seed))
            if table is not None and labels is not None:
                conflicts = max(conflicts, label_conflicts(table, labels))
            previous = table
            task.advance()
    if all(int(row["n_unique"]) == 1 for row in rows):
        raise InputError(f"all {rows[0]['n']} points are equal in every layer; there is no geometry to measure.")
    provenance = _provenance(config, manifest, conflicts)
    return Profile.from_columns(layers, measures.fill_columns(rows), np.stack(replicates), provenance)


def _measure_layer(
    config: RunConfig, folder: RunFolder, manifest: Manifest, layer: Layer, labels: list[str] | None
) -> tuple[Neighbors | None, measures.Row]:
    points = open_states(folder.states / f"{layer.name}.npy")
    try:
        refuse_non_finite(points)
    except InputError as error:
        raise InputError(f"layer {layer.name}: {error}") from None
    duplicates = find_duplicates(points, "keep" if config.measure.duplicates == "keep" else "merge")
    n_points = len(duplicates.rows)
    if duplicates.n_unique < 3:
        return None, {**measures.measure_points(points, duplicates), **measures.no_table()}
    k = min(config.measure.k, n_points - 1)
    stage = f"neighbors/{layer.name}"
    key = f"{manifest.content['stages']['extract']['key']}-{k}-{config.measure.duplicates}"
    path = folder.table_of(layer.name)
    if manifest.is_stage_done(stage, key):
        table = read_table(path)
    else:
        started = perf_counter()
        table = search_distinct(points, k, duplicates)
        write_table(path, table)
        manifest.finish_stage(stage, key, perf_counter() - started, [path])
    row = measures.measure_points(points, table.duplicates) | measures.measure_table(table, config.measure, labels)
    return table, row


def _layers(manifest: Manifest) -> list[Layer]:
    found = manifest.content.get("layers")
    if not found or "extract" not in manifest.content.get("stages", {}):
        raise StoreError(f"{manifest.path.parent} has no finished states; run `dimscope extract` (or `run`) first.")
    return [Layer(entry["name"], entry["site"], entry["index"], entry["depth"], entry.get("module", "")) for entry in found]


def _labels(folder: RunFolder) -> list[str] | None:
    from pyarrow import parquet

    labels: list[Any] = parquet.read_table(folder.points, columns=["label"])["label"].to_pylist()
    return None if any(label is None for label in labels) else labels


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
    """Versions of what computes, and the platform."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
