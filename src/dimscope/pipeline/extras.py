"""Measures that are computed when they are asked for, added to the columns of a finished profile.

Their values are kept in `measures.json` as they are found, so that an interrupted run goes on, and measures that are asked for
later, or no longer, touch nothing else.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.config import RunConfig
from dimscope.errors import InputError, UsageError
from dimscope.files import write_text
from dimscope.pipeline.layers import Row, fill_columns
from dimscope.pipeline.log import log_event
from dimscope.pipeline.measure import exchange_columns, groups_of, measure_key, measured_layers, point_column
from dimscope.pipeline.requested import REQUESTS, Place, Request, requests
from dimscope.profile import Layer, Profile
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states
from dimscope.store.tables import read_table

COLUMN = re.compile(
    r"(overlap_next_k\d+|label_overlap_k\d+|class_fraction_overlap|retrieval_accuracy_k\d+|linear_probe|clusters|cluster_core"
    r"|cluster_ari|cluster_nmi|mutual_knn_next|cka_next|imbalance_next|imbalance_back)(_err|_chance)?"
)
"""The columns that stand here and nowhere else."""
FEWEST_NEIGHBORS = 5
"""Neighbours that density peaks read at least."""


def refuse_impossible_extras(config: RunConfig) -> None:
    """Nothing when every measure that is asked for can be computed.

    Raises:
        UsageError: a measure of labels without labels, the linear probe without scikit-learn, or density peaks of a table that
            is too narrow or holds equal rows.
    """
    asked, options = config.measure.measures, config.measure
    needing = [name for name in asked if REQUESTS[name].needs_labels]
    if needing and config.data.label is None:
        raise UsageError(f"--measure {needing[0]} reads labels, but there are none; name their column with --label.")
    if "linear_probe" in asked and find_spec("sklearn") is None:
        raise UsageError(
            "--measure linear_probe needs scikit-learn, which is not installed; install it with "
            "`pip install 'dimscope[probe]'`."
        )
    if "density_peaks" in asked and options.k < FEWEST_NEIGHBORS:
        raise UsageError(
            f"--measure density_peaks reads at least {FEWEST_NEIGHBORS} neighbours; --k {options.k} was asked for."
        )
    if "density_peaks" in asked and options.duplicates == "keep":
        raise UsageError("--measure density_peaks has no density at distance 0; it needs --duplicates merge.")


def add_extras(config: RunConfig, folder: RunFolder, profile: Profile, progress: Progress) -> Profile:
    """The profile with the columns of the measures that are asked for, and of no others; stored when they changed.

    A measure that a layer does not allow (too few distinct examples of a label, a row of zeros) leaves a gap, and the reason is
    told and logged.
    """
    started = perf_counter()
    rows = _rows(config, folder, progress) if requests(config.measure) else []
    columns = {name: np.array(values, dtype=np.float64) for name, values in fill_columns(rows).items()}
    stale = [name for name in profile.quantities if COLUMN.fullmatch(name)]
    return exchange_columns(config, folder, profile, stale, columns, perf_counter() - started)


@dataclass
class _Kept:
    """`measures.json`: measure -> layer -> columns, as far as they were found under this key."""

    path: Path
    key: str
    values: dict[str, dict[str, Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["key"] == self.key:
                self.values = {name: _each(rows, _from_json) for name, rows in stored["values"].items()}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            self.values = {}  # absent or damaged: it is a copy of what can be measured again

    def row(self, name: str, layer: str) -> Row | None:
        return self.values.get(name, {}).get(layer)

    def add(self, name: str, layer: str, row: Row) -> None:
        self.values.setdefault(name, {})[layer] = row
        values = {name: _each(rows, _as_json) for name, rows in self.values.items()}
        write_text(self.path, json.dumps({"key": self.key, "values": values}, indent=1, allow_nan=False) + "\n")


def _each(rows: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    return {layer: change(row) for layer, row in rows.items()}


def _as_json(row: Row) -> dict[str, float | int | str | None]:
    return {name: None if value != value else value for name, value in row.items()}


def _from_json(row: Row) -> Row:
    return {name: float("nan") if value is None else value for name, value in row.items()}


def _rows(config: RunConfig, folder: RunFolder, progress: Progress) -> list[Row]:
    """One row per layer with the columns of all measures that are asked for."""
    manifest = Manifest(folder.path)
    layers, key = measured_layers(manifest), measure_key(config, manifest)
    kept, places, asked = _Kept(folder.measures, key), _Places(config, folder), requests(config.measure)
    rows: list[Row] = []
    with progress.stage("measures asked for", len(layers)) as task:
        for layer, following in zip(layers, [*layers[1:], None], strict=True):
            row: Row = {}
            for name, request in asked.items():
                found = kept.row(name, layer.name)
                if found is None:
                    here, after = places.pair(layer, following)
                    found, problem = _measured(request, here, after)
                    if problem:
                        progress.message(f"{name} has no value at {layer.name}: {problem}")
                        log_event(folder.log, "no value", measure=name, layer=layer.name, reason=problem)
                    kept.add(name, layer.name, found)
                row |= found
            rows.append(row)
            task.advance()
    return rows


def _measured(request: Request, here: Place | None, following: Place | None) -> tuple[Row, str]:
    """The columns of one measure at one layer, and why there are none."""
    if here is None:
        return {}, ""
    row: Row = {}
    try:
        if request.of_layer is not None:
            row |= request.of_layer(here)
        if request.of_step is not None and following is not None:
            row |= request.of_step(here, following)
    except InputError as error:
        return row, str(error)
    return row, ""


class _Places:
    """The layers, opened when they are first needed; the last two are kept.

    Raises:
        InputError: labels or groups that are needed are missing.
    """

    def __init__(self, config: RunConfig, folder: RunFolder) -> None:
        self._config, self._folder = config, folder
        self._labels, self._groups = point_column(folder, "label"), groups_of(config, folder)
        needing = [name for name in config.measure.measures if REQUESTS[name].needs_labels]
        if needing and self._labels is None:
            raise InputError(f"--measure {needing[0]} reads labels, and some examples of {folder.path} have none.")
        self._open: dict[str, Place | None] = {}

    def pair(self, layer: Layer, following: Layer | None) -> tuple[Place | None, Place | None]:
        """A layer and the next one; None for a layer without a table."""
        names = [layer.name] if following is None else [layer.name, following.name]
        self._open = {name: self._open[name] if name in self._open else self._read(name) for name in names}
        return self._open[layer.name], None if following is None else self._open[following.name]

    def _read(self, name: str) -> Place | None:
        path = self._folder.table_of(name)
        if not path.is_file():
            return None
        points = open_states(self._folder.states / f"{name}.npy")
        options = self._config.measure
        return Place(read_table(path), points, self._labels, self._groups, options.overlap_k, self._config.data.seed)
