"""What the runs of a comparison were made with, and what that forbids to compare."""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.comparison.runs import ComparedRun

if TYPE_CHECKING:
    import pandas

MOST_FACTOR = 1.2
"""From this ratio of the numbers of examples on, a caution is due. A nearest-neighbour dimension reads the scale n^(-1/d):
at d = 10 a ratio of 1.2 moves it by 2 %."""


def settings_table(runs: Sequence[ComparedRun]) -> "pandas.DataFrame":
    """One row per run and one column per setting that differs between the runs, as text; first column `run`."""
    import pandas

    table = {"run": [run.name for run in runs]}
    for name, read in SETTINGS.items():
        values = [read(run) for run in runs]
        if len(set(values)) > 1:
            table[name] = values
    return pandas.DataFrame(table)


def cautions_of(runs: Sequence[ComparedRun]) -> tuple[str, ...]:
    """One sentence for each difference between the runs that limits what their curves say about each other."""
    found = []
    estimators = {run.name: _estimator(run) for run in runs}
    if len(set(estimators.values())) > 1:
        found.append(
            f"Dimensions come from different estimators ({_grouped(estimators)}): compare their form, not their height."
        )
    counts = {run.name: str(_measured(run, "overlap_k")) for run in runs}
    if len(set(counts.values())) > 1:
        found.append(f"Overlaps compare different numbers of neighbours ({_grouped(counts)}): their height depends on it.")
    sizes = {run.name: int(run.profile.values("n_unique").max()) for run in runs if run.profile.has("n_unique")}
    if sizes and max(sizes.values()) > MOST_FACTOR * min(sizes.values()):
        found.append(
            f"The runs have {min(sizes.values())} to {max(sizes.values())} distinct examples: with more of them dimensions are "
            "read at a finer scale and overlaps at the same number of neighbours fall. Measure equal numbers (--points) to "
            "compare heights."
        )
    data = {str(run.profile.provenance.get("data", {}).get("hash")) for run in runs}
    if len(data) > 1 and not all(_is_arrays(run) for run in runs):
        found.append(
            "The runs read different data: heights belong to the data as much as to the model, and chance levels of label "
            "overlaps differ."
        )
    return tuple(found)


def _grouped(values: dict[str, str]) -> str:
    """The values with the runs that have them, as `twonn: a, b; gride: c`."""
    groups: dict[str, list[str]] = {}
    for run, value in values.items():
        groups.setdefault(value, []).append(run)
    return "; ".join(f"{value}: {', '.join(names)}" for value, names in groups.items())


def _measured(run: ComparedRun, name: str) -> Any:
    return run.profile.provenance.get("measure", {}).get(name)


def _estimator(run: ComparedRun) -> str:
    """The estimator that gave `dimension`, with the rank that it read where that was chosen from the data."""
    names = _measured(run, "estimators") or ["unknown"]
    if _measured(run, "scale") in (None, "first"):
        return str(names[0])
    ranks = run.profile.values("dimension_scale") if run.profile.has("dimension_scale") else np.array([])
    known = ranks[np.isfinite(ranks)]
    return f"{names[0]} at rank {int(known.max())}" if len(known) else str(names[0])


def _is_arrays(run: ComparedRun) -> bool:
    return not run.profile.provenance.get("model")


def _model(run: ComparedRun) -> str:
    return PurePath(str(run.profile.provenance.get("model", {}).get("name") or "arrays")).name


def _data(run: ComparedRun) -> str:
    return PurePath(str(run.profile.provenance.get("data", {}).get("path") or "unknown")).name


def _fact(part: str, name: str) -> Callable[[ComparedRun], str]:
    def read(run: ComparedRun) -> str:
        value = run.profile.provenance.get(part, {}).get(name)
        return WORDS.get(str(value), str(value))

    return read


def _examples(run: ComparedRun) -> str:
    return str(int(run.profile.values("n").max())) if run.profile.has("n") else "-"


WORDS = {"None": "-", "True": "yes", "False": "no"}
SETTINGS: dict[str, Callable[[ComparedRun], str]] = {
    "model": _model,
    "data": _data,
    "examples": _examples,
    "labels": _fact("data", "n_labels"),
    "pool": _fact("model", "pool"),
    "site": _fact("model", "site"),
    "dtype": _fact("model", "dtype"),
    "special tokens": _fact("model", "special_tokens"),
    "estimator": _estimator,
    "k": _fact("measure", "k"),
    "overlap k": _fact("measure", "overlap_k"),
    "duplicates": _fact("measure", "duplicates"),
    "exclude group": _fact("measure", "exclude_group"),
    "rule": _fact("measure", "rule"),
    "dimscope": lambda run: str(run.profile.provenance.get("dimscope") or "-"),
}
"""Heading -> how it is read; in the order of the table."""
