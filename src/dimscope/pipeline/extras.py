"""Measures that are computed when they are asked for, added to the columns of a finished profile.

Their values are kept in `measures.json` as they are found, so that an interrupted run goes on, and measures that are asked for
later, or no longer, touch nothing else.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from dimscope.config import RunConfig
from dimscope.engines import HERE, Engine
from dimscope.engines.shared import share
from dimscope.errors import InputError, UsageError
from dimscope.files import write_text
from dimscope.pipeline.columns import Setting, columns_of
from dimscope.pipeline.extra_tasks import ExtraTask, LentPlace, extra_bytes, measured_extras, place_of
from dimscope.pipeline.layers import Row, fill_columns
from dimscope.pipeline.log import log_event
from dimscope.pipeline.measure import exchange_columns, measure_key, measured_layers
from dimscope.pipeline.requested import REQUESTS, Place, requests
from dimscope.pipeline.tasks import longest_extra
from dimscope.profile import Layer, Profile
from dimscope.progress import Progress
from dimscope.store.folder import RunFolder
from dimscope.store.lending import Lender, each
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states

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


def add_extras(config: RunConfig, folder: RunFolder, profile: Profile, progress: Progress, engine: Engine = HERE) -> Profile:
    """The profile with the columns of the measures that are asked for, and of no others; stored when they changed.

    A measure that a layer does not allow (too few distinct examples of a label, a row of zeros) leaves a gap, and the reason is
    told and logged. The workers of the `engine` measure the layers side by side.
    """
    started = perf_counter()
    rows = _rows(config, folder, progress, engine) if requests(config.measure) else []
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
        content = {"key": self.key, "values": {name: dict(sorted(values[name].items())) for name in sorted(values)}}
        write_text(self.path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _each(rows: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    return {layer: change(row) for layer, row in rows.items()}


def _as_json(row: Row) -> dict[str, float | int | str | None]:
    return {name: None if value != value else value for name, value in row.items()}


def _from_json(row: Row) -> Row:
    return {name: float("nan") if value is None else value for name, value in row.items()}


def _rows(config: RunConfig, folder: RunFolder, progress: Progress, engine: Engine) -> list[Row]:
    """One row per layer with the columns of all measures that are asked for."""
    manifest = Manifest(folder.path)
    layers, asked = measured_layers(manifest), tuple(requests(config.measure))
    kept = _Kept(folder.measures, measure_key(config, manifest))
    places = _Places(config, folder, engine)
    missing = [tuple(name for name in asked if kept.row(name, layer.name) is None) for layer in layers]
    tasks = (
        ExtraTask(place, config.measure, missing[place], *places.pair(layer, following))
        for place, (layer, following) in enumerate(zip(layers, [*layers[1:], None], strict=True))
        if missing[place]
    )
    with progress.stage("measures asked for", len(layers)) as stage:
        stage.advance(missing.count(()))
        shapes = [open_states(folder.states / f"{layer.name}.npy").shape for layer in layers]
        patience = max(longest_extra(n, d, config.measure.k) for n, d in shapes)
        for task, answer in each(engine, measured_extras, tasks, extra_bytes, patience):
            for name, (row, problem) in answer.items():
                layer = layers[task.place].name
                if problem:
                    progress.message(f"{name} has no value at {layer}: {problem}")
                    log_event(folder.log, "no value", measure=name, layer=layer, reason=problem)
                kept.add(name, layer, row)
            stage.advance()
    return [_joined(kept.row(name, layer.name) for name in asked) for layer in layers]


def _joined(rows: Iterable[Row | None]) -> Row:
    return {name: value for row in rows for name, value in (row or {}).items()}


class _Places:
    """The layers for the tasks of an engine; in this process they are opened when they are needed, and the last two are kept.

    Raises:
        InputError: labels or groups that are needed are missing.
    """

    def __init__(self, config: RunConfig, folder: RunFolder, engine: Engine) -> None:
        self._folder, self._engine, self._lender = folder, engine, Lender(engine)
        self._setting = Setting(config, share(folder.points), by_prompt=False)
        needing = [name for name in config.measure.measures if REQUESTS[name].needs_labels]
        if columns_of(self._setting).labels is None and needing:
            raise InputError(f"--measure {needing[0]} reads labels, and some examples of {folder.path} have none.")
        self._open: dict[str, Place | LentPlace | None] = {}

    def pair(self, layer: Layer, following: Layer | None) -> tuple[Place | LentPlace | None, Place | LentPlace | None]:
        """A layer and the next one; None for a layer without a table."""
        names = [layer.name] if following is None else [layer.name, following.name]
        self._open = {name: self._open[name] if name in self._open else self._lent(name) for name in names}
        return self._open[layer.name], None if following is None else self._open[following.name]

    def _lent(self, name: str) -> Place | LentPlace | None:
        path = self._folder.table_of(name)
        if not path.is_file():
            return None
        points = self._lender.points(self._folder.states / f"{name}.npy")
        lent = LentPlace(self._setting, points, self._lender.table(path))
        return lent if self._engine.is_remote else place_of(lent)
