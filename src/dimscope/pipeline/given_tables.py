"""A run over neighbour tables that the user already has: what can be measured without the points."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from dimscope.config import RunConfig
from dimscope.engines import HERE, Engine
from dimscope.errors import InputError, UsageError
from dimscope.inputs.arrays import read_labels
from dimscope.inputs.tables import GivenTable
from dimscope.knn.base import Duplicates, Neighbors
from dimscope.pipeline.given_facts import given_key, given_name, open_given, write_given_facts
from dimscope.pipeline.run import RunResult, finish_run, note_origin, prepare_folder
from dimscope.pipeline.searching import table_key
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder, clear_results
from dimscope.store.manifest import Manifest
from dimscope.store.tables import write_table


def measure_tables(
    tables: Sequence[GivenTable],
    source_hash: str,
    config: RunConfig,
    out: Path,
    *,
    labels: Path | None,
    on_existing: str,
    with_report: bool,
    command: str,
    progress: Progress,
    engine: Engine = HERE,
) -> RunResult:
    """Measure, recommend and report for neighbour tables, which are copied into the run folder.

    There are dimensions, overlaps and label measures, but no spectrum and no norms: these need points. Every row counts as a
    point of its own, as in the policy `keep`. Tables narrower than `k` are read whole.

    Args:
        tables: one per layer, in the order of depth.
        source_hash: of their files.
        config: its measures, seed, `data.path` and `data.label` are used.
        out: the run folder.
        labels: .npy or .txt with one label per point.
        on_existing, with_report, command, progress, engine: as in `run_stages`.

    Raises:
        InputError: a table that is none (the layer is named), or a wrong number of labels.
        UsageError: measures that need points, or the folder holds another configuration.
    """
    k = min(config.measure.k, *(table.indices.shape[1] for table in tables))
    if k < config.measure.k:
        progress.message(f"the tables hold {k} neighbours of each point; --k {config.measure.k} is lowered to it")
    config = replace(config, measure=replace(config.measure, k=k, duplicates="keep"))
    _refuse_points(config)
    found = [(table.name, _checked(table, k)) for table in tables]
    values = read_labels(labels, found[0][1].n) if labels else None
    folder = prepare_folder(config, out, on_existing, ("data", "measure"))
    key = given_key(source_hash, values, k)
    if on_existing == "redo" or not Manifest(folder.path).is_stage_done("extract", key):
        if on_existing == "redo":
            clear_results(folder)
        _copy(config, folder, found, values, key, source_hash)
    note_origin(folder, command)
    return finish_run(config, folder, progress, with_report=with_report, engine=engine)


def _refuse_points(config: RunConfig) -> None:
    options = config.measure
    asked = {
        "--scale paper": options.scale == "paper",
        "--control gaussian": "gaussian" in options.control,
        f"--measure {', '.join(options.measures)}": bool(options.measures),
        f"--further-k {options.further_k}": bool(options.further_k),
    }
    needing = [name for name, is_asked in asked.items() if is_asked]
    if needing:
        raise UsageError(f"{needing[0]} reads points, but these are tables of neighbours; give the points, or leave it out.")


def _checked(table: GivenTable, k: int) -> Neighbors:
    n = len(table.indices)
    every = Duplicates(np.arange(n), np.ones(n, dtype=np.int64), "keep")
    try:
        return Neighbors(table.indices[:, :k], table.distances[:, :k], every, backend="given")
    except InputError as error:
        raise InputError(f'the table "{table.name}": {error}') from None


def _copy(
    config: RunConfig,
    folder: RunFolder,
    tables: Sequence[tuple[str, Neighbors]],
    labels: Sequence[str] | None,
    key: str,
    source_hash: str,
) -> None:
    started, n_rows = perf_counter(), tables[0][1].n
    manifest = open_given(config, folder, n_rows, labels)
    write_given_facts(manifest, config, [name for name, _ in tables], n_rows, labels, source_hash, has_points=False)
    for row, (_, table) in enumerate(tables):
        layer = given_name(row)
        write_table(folder.table_of(layer), table)
        manifest.finish_stage(f"neighbors/{layer}", table_key(key, config, table.k), 0.0, [folder.table_of(layer)])
    manifest.finish_stage("extract", key, perf_counter() - started, [folder.points])
