"""A run over points, or neighbour tables, that the user already has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

from dimscope.arrays import Points, refuse_non_finite
from dimscope.config import RunConfig, config_from
from dimscope.engines import HERE, Engine
from dimscope.errors import InputError
from dimscope.inputs.arrays import numbered_series, read_labels, read_layers
from dimscope.inputs.tables import read_tables
from dimscope.pipeline.extract import BLOCK_ROWS, is_extracted
from dimscope.pipeline.given_facts import given_key, given_name, open_given, write_given_facts
from dimscope.pipeline.given_tables import measure_tables
from dimscope.pipeline.limits import check_disk, refuse_few
from dimscope.pipeline.run import RunResult, finish_run, note_origin, prepare_folder
from dimscope.progress import Progress, Silent
from dimscope.store.folder import RunFolder, clear_results
from dimscope.store.states import import_states, stored_dtype

Layers: TypeAlias = Sequence[tuple[str, Points]]
"""Names and points (n, d), in the order of depth."""


def measure_arrays(
    source: Path,
    config: RunConfig,
    out: Path,
    *,
    labels: Path | None = None,
    on_existing: str = "missing",
    with_report: bool = True,
    command: str = "",
    progress: Progress | None = None,
    engine: Engine = HERE,
) -> RunResult:
    """Measure, recommend and report for arrays from disk, which are copied into the run folder.

    float16, float32 and float64 are kept as they are, integers become float64: distances are exact for the numbers as given.

    Args:
        source: .npy, .npz, .safetensors, or a folder of .npy files; every layer (n, d), natural order of names is order of
            depth; or neighbour tables (`dimscope.inputs.tables`).
        config: only its measures and seed are used.
        out: the run folder.
        labels: .npy or .txt with one label per example.
        on_existing, with_report, command, progress, engine: as in `run_stages`.

    Raises:
        InputError: unreadable arrays, NaN or Inf, too few or all equal points, or a wrong number of labels.
        UsageError: the folder holds another configuration.
    """
    tables = read_tables(source)
    if tables is not None:
        _tell_series(source, [table.name for table in tables[0]], progress)
        return measure_tables(
            *tables,
            _of_source(config, source, labels),
            out,
            labels=labels,
            on_existing=on_existing,
            with_report=with_report,
            command=command,
            progress=progress or Silent(),
            engine=engine,
        )
    given = read_given(source, config, labels)
    _tell_series(source, [name for name, _ in given.layers], progress)
    folder = prepare_folder(given.config, out, on_existing, ("data", "measure"))
    redo = on_existing == "redo"
    if redo or not is_extracted(folder, given.key):
        _check_disk(folder, given.layers)
        if redo:
            clear_results(folder)
        _copy(given, folder)
    note_origin(folder, command)
    return finish_run(given.config, folder, progress or Silent(), with_report=with_report, engine=engine)


@dataclass(frozen=True, eq=False)
class Given:
    """Points that the user has: the configuration with their source in it, layers, labels, and the hash of the source."""

    config: RunConfig
    layers: Layers
    labels: Sequence[str] | None
    source_hash: str

    @property
    def key(self) -> str:
        """What the states depend on."""
        return given_key(self.source_hash, self.labels)


def read_given(source: Path, config: RunConfig, labels: Path | None) -> Given:
    """The points at `source` and their labels, checked; nothing is written.

    Raises:
        InputError: see `measure_arrays`.
    """
    layers, source_hash = read_layers(source)
    _validate(layers, config.measure.k)
    values = read_labels(labels, len(layers[0][1])) if labels else None
    return Given(_of_source(config, source, labels), layers, values, source_hash)


def _tell_series(source: Path, names: Sequence[str], progress: Progress | None) -> None:
    """Say so where the names look like those of several models or data sets."""
    series = numbered_series(names)
    if len(series) > 1 and progress is not None:
        found = ", ".join(f"{kind} ({count})" for kind, count in series.items())
        progress.message(
            f"{source} holds {len(series)} series of arrays: {found}. They are taken as the {len(names)} layers of one model "
            "on the same examples, one series after the other; if they are not, give each a folder of its own."
        )


def _of_source(config: RunConfig, source: Path, labels: Path | None) -> RunConfig:
    own: dict[str, dict[str, str | None]] = {
        "data": {"path": str(source), "label": str(labels) if labels else None},
        "model": {"name": ""},
    }
    return config_from(own, config)


def _check_disk(folder: RunFolder, layers: Layers) -> None:
    n_bytes = sum(stored_dtype(points.dtype).itemsize * points.size for _, points in layers)
    check_disk([folder], n_bytes, f"{len(layers[0][1])} points, {len(layers)} layers")


def _copy(given: Given, folder: RunFolder) -> None:
    started, n_rows = perf_counter(), len(given.layers[0][1])
    named = [(given_name(row), points) for row, (_, points) in enumerate(given.layers)]
    manifest = open_given(given.config, folder, n_rows, given.labels)
    store = import_states(folder.states, named, given.key, BLOCK_ROWS)
    write_given_facts(manifest, given.config, [name for name, _ in given.layers], n_rows, given.labels, given.source_hash)
    files = [folder.points, *(store.path(name) for name, _ in named)]
    manifest.finish_stage("extract", given.key, perf_counter() - started, files)


def _validate(layers: Layers, k: int) -> None:
    n_rows = len(layers[0][1])
    refuse_few(n_rows, k, "points")
    for name, points in layers:
        try:
            refuse_non_finite(points)
        except InputError as error:
            raise InputError(f'layer "{name}": {error}') from None
    if all(_is_constant(points) for _, points in layers):
        raise InputError(f"all {n_rows} points are equal in every layer; there is no geometry to measure.")


def _is_constant(points: Points) -> bool:
    return all((points[start : start + BLOCK_ROWS] == points[:1]).all() for start in range(0, len(points), BLOCK_ROWS))
