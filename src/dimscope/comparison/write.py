"""A folder with everything about a comparison: figures, their numbers, the summary and the page."""

import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dimscope.comparison.runs import ComparedRun
from dimscope.comparison.summary import printed_table, summary_table
from dimscope.errors import DimscopeError, UsageError
from dimscope.files import write_text
from dimscope.overlaps.runs import RunOverlap, run_overlap
from dimscope.plots import PLOTS, Plot, PlotKind
from dimscope.plots.overlap_map import plot_overlap_map
from dimscope.profile import Profile
from dimscope.progress import Progress, Silent
from dimscope.reports.comparison import ComparisonPage, MapFigure, render_comparison

if TYPE_CHECKING:
    import pandas

ENDINGS = (".svg", ".pdf", ".png")
PAGE = "comparison.html"
APART = ("scale",)
"""Plots with axes of their own for each run: those that have nothing to show are left out."""


def compare(
    runs: Sequence[ComparedRun],
    out: Path,
    *,
    k: int | None = None,
    with_maps: bool = True,
    size: str = "page",
    progress: Progress | None = None,
) -> "pandas.DataFrame":
    """The printed summary, after `comparison.html`, `summary.csv`, `numbers.csv`, `maps.csv` and `figures/` were written.

    Args:
        runs: from `open_runs`.
        out: a folder that is new, empty, or holds an earlier comparison, which is replaced.
        k: neighbours compared in maps; default: the smallest `overlap_k` of the two runs.
        with_maps: also the overlap of every layer of each run with every layer of each other run; two runs of other
            examples have none, and the page says why.
        size: of the figures: `column`, `half`, `page` or `screen`.
        progress: told of every figure.

    Raises:
        UsageError: `out` holds something else, or the size is unknown.
        StoreError: the disk is full or the folder cannot be written.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / PAGE).is_file())):
        raise UsageError(f"{out} exists and holds no comparison; choose another folder with -o.")
    kinds = drawn_kinds(runs)
    pairs = list(combinations(runs, 2)) if with_maps else []
    maps: list[MapFigure] = []
    plots: dict[str, Plot] = {}
    told = progress or Silent()
    with told.stage("compare", len(kinds) + len(pairs)) as task:
        for name, kind in kinds.items():
            plots[name] = kind(profiles_for(name, kind, runs), size=size)
            task.advance()
        for pair in pairs:
            maps.append(_map_of(pair, k))
            task.advance()
    for entry in maps:
        if entry.reason:
            told.message(f"no map of {entry.names[0]} and {entry.names[1]}: {entry.reason}")
    table = summary_table(runs)
    _write_figures(out, plots, maps, size)
    write_text(out / "summary.csv", table.to_csv(index=False, lineterminator="\n"))
    write_text(out / "numbers.csv", _numbers(plots).to_csv(index=False, lineterminator="\n"))
    printed = printed_table(table)
    draw = {name: profiles_for(name, kind, runs) for name, kind in kinds.items()}
    write_text(out / PAGE, render_comparison(ComparisonPage([run.name for run in runs], printed, draw, maps)))
    return printed


def drawn_kinds(runs: Sequence[ComparedRun]) -> dict[str, PlotKind]:
    """The plots of which at least one run has the numbers."""
    return {name: kind for name, kind in PLOTS.items() if any(kind.is_drawable(run.profile) for run in runs)}


def profiles_for(name: str, kind: PlotKind, runs: Sequence[ComparedRun]) -> dict[str, Profile]:
    """Name -> profile as a plot takes them.

    A run that lacks what is drawn keeps its place, and so its colour, with values that are missing.
    """
    if name in APART:
        return {run.name: run.profile for run in runs if kind.is_drawable(run.profile)}
    first = kind.needs[0]
    return {run.name: run.profile if kind.is_drawable(run.profile) else _without(run.profile, first) for run in runs}


def _without(profile: Profile, quantity: str) -> Profile:
    return profile.with_columns({quantity: np.full(len(profile.layers), np.nan)})


def _map_of(pair: tuple[ComparedRun, ComparedRun], k: int | None) -> MapFigure:
    names = (pair[0].name, pair[1].name)
    ranks = [run.profile.provenance.get("measure", {}).get("overlap_k") or 30 for run in pair]
    found: RunOverlap | None = None
    reason = ""
    try:
        found = run_overlap(pair[0].folder.path, pair[1].folder.path, k or min(map(int, ranks)))
    except DimscopeError as error:
        reason = str(error)
    return MapFigure(names, found, reason)


def _numbers(plots: dict[str, Plot]) -> "pandas.DataFrame":
    import pandas

    parts = [plot.frame().assign(figure=name) for name, plot in plots.items()]
    joined = pandas.concat(parts, ignore_index=True).dropna(subset=["value"])
    return joined[["figure", *(column for column in joined if column != "figure")]]


def _write_figures(out: Path, plots: dict[str, Plot], maps: Sequence[MapFigure], size: str) -> None:
    import pandas

    drawn = dict(plots)
    frames = []
    for number, entry in enumerate(maps, start=1):
        if entry.found is not None:
            drawn[_file_name(number, entry)] = plot = plot_overlap_map(entry.found, entry.names, size=size)
            frames.append(plot.frame())
    for name, plot in drawn.items():
        for ending in ENDINGS:
            plot.save(out / "figures" / f"{name}{ending}")
    if frames:
        write_text(out / "maps.csv", pandas.concat(frames, ignore_index=True).to_csv(index=False, lineterminator="\n"))


def _file_name(number: int, entry: MapFigure) -> str:
    words = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:40] for name in entry.names)
    return f"map-{number}-{words}"
