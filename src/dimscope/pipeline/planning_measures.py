"""The plan of what follows an extraction, for a run, for a run folder and for arrays."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dimscope.arrays import Points
from dimscope.config import RunConfig
from dimscope.errors import StoreError, UsageError
from dimscope.files import free_space
from dimscope.inputs.tables import read_tables
from dimscope.pipeline.columns import point_column
from dimscope.pipeline.extract import is_extracted
from dimscope.pipeline.given import read_given
from dimscope.pipeline.given_facts import given_name
from dimscope.pipeline.limits import check_disk
from dimscope.pipeline.measure import measured_layers
from dimscope.pipeline.memory import process_memory, search_memory
from dimscope.pipeline.plan import Plan, PlannedLayer, PlannedStage, Scope
from dimscope.pipeline.run import check_folder, refuse_impossible_measures
from dimscope.pipeline.trial_measures import TRIED, MeasureTrial, Sample, try_measures
from dimscope.progress import Progress, Silent
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states, stored_dtype, stored_size

TABLE_HEADERS = 2000
"""Bytes of a neighbour table beside its numbers, about."""
REST = (
    "Figures and report come on top (4 s and 0.1 GB for 3 000 examples and 7 layers on two processors), and the time that the "
    "disk takes."
)
OWN_STATES = ("untrained", "shuffled", "gaussian")
"""Controls that keep states and tables of their own."""


def plan_folder(config: RunConfig, folder: RunFolder, scope: Scope | None = None, progress: Progress | None = None) -> Plan:
    """The plan of measuring a run folder again.

    Raises:
        DimscopeError: what the measuring itself would raise before it writes.
    """
    refuse_impossible_measures(config)
    manifest = Manifest(folder.path)
    names = [layer.name for layer in measured_layers(manifest)]
    if not manifest.content["data"].get("has_points", True):
        raise UsageError(f"--dry-run tries measures on points, but {folder.path} was made from neighbour tables.")
    states = [(name, open_states(folder.states / f"{name}.npy")) for name in names]
    columns = point_column(folder.points, "label"), point_column(folder.points, "group")
    return _plan_points(config, folder, states, columns, scope or Scope(), progress or Silent(), are_there=True)


def plan_arrays(
    source: Path, config: RunConfig, out: Path, *, labels: Path | None = None, scope: Scope | None = None,
    progress: Progress | None = None,
) -> Plan:  # fmt: skip
    """The plan of `dimscope.pipeline.given.measure_arrays`.

    Raises:
        UsageError: neighbour tables, whose cost nobody asks for.
        DimscopeError: what the run itself would raise before it writes.
    """
    scope = scope or Scope()
    if read_tables(source) is not None:
        raise UsageError(
            f"--dry-run tries measures on points, but {source} holds neighbour tables, which are quickly measured."
        )
    given = read_given(source, config, labels)
    folder = check_folder(given.config, out, scope.on_existing, ("data", "measure"))
    named = [(given_name(row), points) for row, (_, points) in enumerate(given.layers)]
    are_there = scope.on_existing != "redo" and is_extracted(folder, given.key)
    return _plan_points(given.config, folder, named, (given.labels, None), scope, progress or Silent(), are_there=are_there)


def _plan_points(
    config: RunConfig, folder: RunFolder, layers: Sequence[tuple[str, Points]],
    columns: tuple[Sequence[str] | None, Sequence[str] | None], scope: Scope, progress: Progress, *, are_there: bool,
) -> Plan:  # fmt: skip
    """The plan of points that are there, in the order of depth; labels and groups are the columns."""
    n_rows = len(layers[0][1])
    planned = [
        PlannedLayer(name, points.shape[1], stored_size((n_rows, points.shape[1]), stored_dtype(points.dtype)))
        for name, points in layers
    ]
    middle = layers[len(layers) // 2][1]
    chosen = np.unique(np.linspace(0, n_rows - 1, min(n_rows, TRIED[-1])).astype(np.int64))
    sample = Sample(n_rows, [layer.width for layer in planned], np.asarray(middle[chosen]), *columns)
    states = sum(layer.bytes for layer in planned)
    own_states = [name for name in OWN_STATES if name in config.measure.control]
    plan = Plan(
        folder=str(folder.path), model={}, examples={"examples": n_rows, "rows": n_rows}, layers=planned,
        disk={"states": states * (1 + len(own_states)), "free": free_space(folder.path)[1]},
        memory=measuring_memory(config, sample), operations={}, workers=scope.workers, stages=[],
        notes=[] if are_there else disk_notes([folder], states, f"{n_rows} points, {len(layers)} layers"),
    )  # fmt: skip
    return with_measures(plan, config, sample, try_measures(config, sample, progress))


def disk_notes(folders: Sequence[RunFolder], needed: int, what: str) -> list[str]:
    """What stands against the run: too little space."""
    try:
        check_disk(folders, needed, what)
    except StoreError as error:
        return [str(error)]
    return []


def with_measures(plan: Plan, config: RunConfig, sample: Sample, trial: MeasureTrial, *, n_pools: int = 1) -> Plan:
    """The plan with what follows the extraction."""
    options = config.measure
    own_states = [name for name in OWN_STATES if name in options.control]
    times = n_pools * (1 + len(own_states))
    k = min(options.k, sample.n - 1)
    table = 12 * sample.n * k + 8 * sample.n + 16 * plan.examples["rows"] + TABLE_HEADERS
    searched = 2.0 * sample.n**2 / 2 * sum(sample.widths)
    return replace(
        plan,
        disk={**plan.disk, "neighbors": table * len(sample.widths) * times},
        operations={**plan.operations, "neighbors": searched * times},
        stages=[*plan.stages, *_measure_stages(trial, sample, times, n_pools, plan.workers)],
        notes=[*plan.notes, *_measure_notes(own_states, plan.workers)],
    )


def _measure_stages(trial: MeasureTrial, sample: Sample, times: int, n_pools: int, workers: int) -> list[PlannedStage]:
    n_layers = len(sample.widths)
    share = -(-n_layers // workers) / n_layers
    sizes = " and ".join(map(str, trial.tried))
    basis = f"one layer of width {trial.width} tried on {sizes} of {sample.n} points"
    stages = [
        PlannedStage("neighbors", trial.neighbors * times / workers, basis),
        PlannedStage("measures", trial.measures * times * share, "as above"),
    ]
    return stages + [PlannedStage("measures asked for", trial.extras * n_pools, "as above")] * bool(trial.extras)


def _measure_notes(own_states: Sequence[str], workers: int) -> list[str]:
    notes = [REST]
    if own_states:
        notes.append(f"Controls ({', '.join(own_states)}) are counted as the run itself, once more each.")
    if workers > 1:
        notes.append(f"{workers} workers, each like this machine; moving data between them is not counted.")
    return notes


def measuring_memory(config: RunConfig, sample: Sample) -> dict[str, int]:
    """`memory` of the plan for what follows the extraction."""
    width = max(sample.widths)
    need = search_memory(sample.n, width, min(config.measure.k, sample.n - 1))
    return {"measuring": process_memory() + need.allocated, "mapped": need.mapped}
