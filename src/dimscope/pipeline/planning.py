"""`--dry-run`: the plan of a run, from a short trial of its parts. Nothing is written."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from dimscope.config import RunConfig
from dimscope.files import free_space
from dimscope.inputs.base import Examples
from dimscope.inputs.examples import read_examples, with_own_labels
from dimscope.pipeline import extract as extraction
from dimscope.pipeline.controls import NEED_A_MODEL
from dimscope.pipeline.memory import peak_memory
from dimscope.pipeline.plan import Plan, PlannedLayer, PlannedStage, Scope
from dimscope.pipeline.planning_measures import OWN_STATES, disk_notes, measuring_memory, with_measures
from dimscope.pipeline.pools import split_pools, with_pool
from dimscope.pipeline.reading import Reading, open_reading
from dimscope.pipeline.run import check_folder
from dimscope.pipeline.trial_measures import Sample, try_measures
from dimscope.pipeline.trial_reading import ReadingTrial, try_reading
from dimscope.progress import Progress, Silent
from dimscope.store.folder import RunFolder

THERE = "states are there already"


def plan_run(config: RunConfig, out: Path, scope: Scope | None = None, progress: Progress | None = None) -> Plan:
    """The plan of `run_stages`, or of its extraction alone, after the same checks of model, data, options and folder.

    The model is loaded and reads three batches; neighbours and measures are tried on a few thousand points like the vectors
    that it gave (see `try_reading`, `try_measures`).

    Raises:
        DimscopeError: what the run itself would raise before it writes.
    """
    started, scope, progress = perf_counter(), scope or Scope(), progress or Silent()
    config = replace(config, data=with_own_labels(config.data))
    folders = _checked_folders(config, out, scope)
    examples = read_examples(config.data)
    missing = _missing_pools(config, out, examples, scope)
    asked = with_pool(config, ",".join(missing)) if missing else config
    reading = open_reading(asked, examples, progress, block_rows=extraction.BLOCK_ROWS)
    opened = PlannedStage("load", perf_counter() - started, "done just now") if missing else PlannedStage("load", 0.0, THERE)
    trial = try_reading(reading, progress)
    plan = _reading_plan(config, folders, reading, trial, missing, scope)
    plan = replace(plan, stages=[opened, *plan.stages], memory={"reading": peak_memory() + _block_bytes(reading)})
    sample = _sample(reading, trial)
    del reading  # as a run does before it measures
    if not scope.measures:
        return plan
    plan = replace(plan, memory={**plan.memory, **measuring_memory(config, sample)})
    return with_measures(plan, config, sample, try_measures(config, sample, progress), n_pools=len(folders))


def _checked_folders(config: RunConfig, out: Path, scope: Scope) -> list[RunFolder]:
    parts = ("data", "model", "measure") if scope.measures else ("data", "model")
    places = split_pools(config, RunFolder(out))
    return [check_folder(own, folder.path, scope.on_existing, parts) for own, folder in places]


def _missing_pools(config: RunConfig, out: Path, examples: Examples, scope: Scope) -> list[str]:
    """The poolings whose states are not there yet."""
    return [
        own.model.pool
        for own, folder in split_pools(config, RunFolder(out))
        if scope.on_existing == "redo"
        or not extraction.is_extracted(folder, extraction.extraction_key(own, examples.source_hash))
    ]


def _block_bytes(reading: Reading) -> int:
    """The vectors of the largest row block, and once more those of one layer."""
    edges = [0, *reading.plan.store_block] if isinstance(reading.plan.store_block, list) else [0, reading.plan.store_block]
    rows = max(np.diff(edges).tolist())
    return 4 * rows * (sum(reading.widths.values()) * len(reading.reader.pools) + max(reading.widths.values()))


def _sample(reading: Reading, trial: ReadingTrial) -> Sample:
    """Vectors of the layer in the middle, and how many there will be."""
    names = list(reading.widths)
    by_token, examples = reading.plan.by_token, reading.examples
    n = reading.plan.n_rows if by_token else len(np.unique(reading.tokens.duplicate_of))
    points = trial.vectors[names[len(names) // 2]]
    return Sample(n, list(reading.widths.values()), points, examples.labels, examples.groups)


def _reading_plan(
    config: RunConfig, folders: Sequence[RunFolder], reading: Reading, trial: ReadingTrial, missing: Sequence[str], scope: Scope
) -> Plan:
    """The plan as far as the extraction goes."""
    layers = [PlannedLayer(name, reading.widths[name], size) for name, size in reading.state_bytes.items()]
    own_states = [name for name in OWN_STATES if name in config.measure.control] if scope.measures else []
    states = sum(reading.state_bytes.values())
    return Plan(
        folder=str(folders[0].path),
        model={**reading.loaded.facts, **reading.reader.found, "n_layers": reading.reader.n_layers},
        examples=_counts(reading),
        layers=layers,
        disk={"states": states * len(folders) * (1 + len(own_states)), "free": free_space(folders[0].path)[1]},
        memory={},
        operations={"model": _operations(reading, trial)},
        workers=scope.workers,
        stages=_reading_stages(config, reading, trial, missing, scope),
        notes=disk_notes(folders, states * len(missing), reading.size),
    )


def _counts(reading: Reading) -> dict[str, int]:
    tokens, lengths = reading.tokens, reading.tokens.lengths
    return {
        "examples": len(reading.examples),
        "distinct": len(np.unique(tokens.duplicate_of)),
        "dropped": reading.examples.n_dropped,
        "labels": len(set(reading.examples.labels)) if reading.examples.labels is not None else 0,
        "rows": reading.plan.n_rows,
        "tokens": int(lengths.sum()),
        "median_tokens": int(np.median(lengths)),
        "longest": int(lengths.max()),
        "truncated": int(tokens.truncated.sum()),
    }


def _operations(reading: Reading, trial: ReadingTrial) -> float:
    """2 per parameter outside the embeddings and position; 4 per feature, block and pair of positions that attend."""
    model = reading.loaded.model
    inside = sum(int(parameter.numel()) for parameter in model.parameters())
    with suppress(AttributeError, NotImplementedError):  # a model of images or sound may name none
        inside -= sum(int(parameter.numel()) for parameter in model.get_input_embeddings().parameters())
    width = max(reading.widths.values())
    return 2.0 * inside * trial.n_positions + 4.0 * width * reading.reader.n_layers * trial.n_squares


def _reading_stages(
    config: RunConfig, reading: Reading, trial: ReadingTrial, missing: Sequence[str], scope: Scope
) -> list[PlannedStage]:
    again = [name for name in NEED_A_MODEL if name in config.measure.control] if scope.measures else []
    blocks = len(reading.plan.blocks)
    share = -(-blocks // scope.workers) / blocks
    tried = ", ".join(f"{size} x {length}" for size, length in trial.tried)
    basis = f"{len(trial.tried)} of {trial.n_batches} batches read (examples x length: {tried})"
    first = PlannedStage("read", trial.seconds * share, basis) if missing else PlannedStage("read", 0.0, THERE)
    return [first, *(PlannedStage(f"read, {name}", trial.seconds * share, "as above") for name in again)]
