"""The overlaps of a finished run at several numbers of neighbours, from its stored tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from dimscope.arrays import FloatArray, whole_number
from dimscope.errors import StoreError, UsageError
from dimscope.estimates import Estimate
from dimscope.knn.base import Neighbors
from dimscope.overlaps import label_overlap_scaling, overlap_scaling
from dimscope.profile import Profile
from dimscope.store.folder import RunFolder, open_folder, read_folder_config
from dimscope.store.tables import read_table

COUNTS = (1, 2, 5, 10, 20, 50)
"""Those of figure S5 of Valeriani et al. 2023 (arXiv 2302.00294)."""
Column = dict[str, list[Estimate | None]]


def overlaps_at(run: str | Path, k: Sequence[int] | None = None) -> Profile:
    """The profile of a finished run with its overlaps at several k: columns such as `overlap_next_k10`, `label_overlap_k10`.

    `overlap_next_k<k>` and, with labels, `label_overlap_k<k>` as `overlap` and `label_overlap` define them, each with `_err`
    and `_chance`, read from the stored neighbour tables; nothing is searched and nothing is stored. Columns of the run that
    have these names already are kept. A layer without a table, and the last layer for the overlap with the next, hold NaN.
    Cost O(layers n k) per number of neighbours; two tables are in memory at a time.

    Args:
        run: a run folder.
        k: numbers of neighbours; default: those of 1, 2, 5, 10, 20, 50 that every table holds.

    Raises:
        StoreError: no finished run, or no neighbour tables.
        UsageError: k below 1, or more than a table holds.

    Examples:
        >>> plot_overlap_scaling(overlaps_at("runs/mine", k=(5, 20)))  # doctest: +SKIP
    """
    folder = open_folder(Path(run))
    profile = Profile.load(folder.profile)
    names = [layer.name for layer in profile.layers]
    if k is not None and not isinstance(k, Iterable):
        raise UsageError(f"k={k!r} was asked for; give one or more numbers of neighbours, as in k=[{k!r}].")
    wanted = _checked(folder, profile, None if k is None else [whole_number(count, "k") for count in k])
    missing = {
        quantity: [count for count in wanted if not profile.has(f"{quantity}_k{count}")]
        for quantity in ("overlap_next", "label_overlap")
    }
    labels, groups = _labels(folder)
    columns: Column = {f"{quantity}_k{count}": [] for quantity, counts in missing.items() for count in counts}
    here = _table(folder, names[0])
    for place in range(len(names)):
        following = _table(folder, names[place + 1]) if place + 1 < len(names) else None
        _append(columns, "overlap_next", missing["overlap_next"], _steps(here, following, missing["overlap_next"]))
        found = _shares(here, labels, groups, missing["label_overlap"])
        _append(columns, "label_overlap", missing["label_overlap"], found)
        here = following
    return profile.with_columns(_numbers(columns))


def _checked(folder: RunFolder, profile: Profile, k: Sequence[int] | None) -> tuple[int, ...]:
    """The numbers of neighbours to read, ascending; the profile knows how many each table holds."""
    kept = profile.values("k") if profile.has("k") else np.full(len(profile.layers), np.nan)
    widths = {
        layer.name: int(width)
        for layer, width in zip(profile.layers, kept, strict=True)
        if np.isfinite(width) and folder.table_of(layer.name).is_file()
    }
    if not widths:
        raise StoreError(f"{folder.path} has no neighbour tables; run `dimscope measure {folder.path}` first.")
    narrow = min(widths, key=lambda name: widths[name])
    if k is None:
        return tuple(count for count in COUNTS if count <= widths[narrow])
    if not k or min(k) < 1 or max(k) > widths[narrow]:
        raise UsageError(
            f"k = {', '.join(map(str, k)) or 'nothing'} was asked for; the table of {narrow} holds {widths[narrow]}; "
            f"give numbers from 1 to {widths[narrow]}, or measure the run again with a larger --k."
        )
    return tuple(sorted(set(k)))


def _labels(folder: RunFolder) -> tuple[list[str] | None, list[str] | None]:
    """One label per example, and the groups that are left out where the run left them out; None where there are none."""
    from pyarrow import parquet

    stored = parquet.read_table(folder.points, columns=["label", "group"]).to_pydict()
    labels, groups = stored["label"], stored["group"]
    is_usable = None not in labels and len(set(labels)) > 1
    leaves_out = read_folder_config(folder).measure.exclude_group and None not in groups
    return (list(map(str, labels)) if is_usable else None), (list(map(str, groups)) if leaves_out else None)


def _table(folder: RunFolder, name: str) -> Neighbors | None:
    return read_table(folder.table_of(name)) if folder.table_of(name).is_file() else None


def _steps(here: Neighbors | None, following: Neighbors | None, counts: Sequence[int]) -> list[Estimate | None]:
    if here is None or following is None or not counts:
        return [None] * len(counts)
    return list(overlap_scaling(here, following, counts))


def _shares(
    table: Neighbors | None, labels: Sequence[str] | None, groups: Sequence[str] | None, counts: Sequence[int]
) -> list[Estimate | None]:
    if table is None or labels is None or not counts:
        return [None] * len(counts)
    return list(label_overlap_scaling(table, labels, counts, exclude=groups))


def _append(columns: Column, quantity: str, counts: Sequence[int], found: Sequence[Estimate | None]) -> None:
    for count, estimate in zip(counts, found, strict=True):
        columns[f"{quantity}_k{count}"].append(estimate)


def _numbers(columns: Column) -> dict[str, FloatArray]:
    """Value, error and chance of every column that has a number in some layer."""
    numbers: dict[str, FloatArray] = {}
    for name, estimates in columns.items():
        if any(estimate is not None for estimate in estimates):
            for ending, field in (("", "value"), ("_err", "stderr"), ("_chance", "chance")):
                cells = [np.nan if estimate is None else getattr(estimate, field) for estimate in estimates]
                numbers[f"{name}{ending}"] = np.array(cells, dtype=np.float64)
    return numbers
