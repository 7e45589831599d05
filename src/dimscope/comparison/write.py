"""A folder with everything about a comparison: figures, their numbers, the summary and the page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dimscope.comparison.maps import map_of, pairs_of
from dimscope.comparison.runs import ComparedRun
from dimscope.comparison.scaling import overlaps_at
from dimscope.comparison.settings import cautions_of, settings_table
from dimscope.comparison.summary import printed_table, summary_table
from dimscope.errors import StoreError, UsageError
from dimscope.files import write_text
from dimscope.plots import PLOTS, Plot, PlotKind
from dimscope.plots.overlap_map import plot_overlap_map
from dimscope.plots.theme import size_of
from dimscope.profile import Profile
from dimscope.progress import Progress, Silent, Task
from dimscope.reports.comparison import ComparisonPage, MapFigure, absent_maps, options_of, render_comparison

if TYPE_CHECKING:
    import pandas

ENDINGS = (".svg", ".pdf", ".png")
PAGE = "comparison.html"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison says in the terminal.

    Attributes:
        summary: one row of texts per run.
        cautions: what limits what the curves say about each other, one sentence each.
    """

    summary: "pandas.DataFrame"
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What a comparison shows.

    Attributes:
        k: neighbours compared in maps; None: the smallest `overlap_k` of the two runs.
        with_maps: also the overlap of every layer of each run with every layer of another; ordered runs are compared with
            the next and the first with the last, others all with all. Runs of other examples have no map but a reason.
        with_scaling: also the overlaps at several numbers of neighbours, read from the stored tables.
        ordered: the runs are steps of one thing, such as checkpoints: colours go from blue to orange.
        size: of the figures: `column`, `half`, `page` or `screen`.
        published: also the published curves of Valeriani et al. 2023 (arXiv 2302.00294), dotted, in the plots that take them.
    """

    k: int | None = None
    with_maps: bool = True
    with_scaling: bool = True
    ordered: bool = False
    size: str = "page"
    published: bool = False


def compare(
    runs: Sequence[ComparedRun], out: Path, wanted: Wanted | None = None, *, progress: Progress | None = None
) -> Comparison:
    """The summary, after page, figures and tables were written: `comparison.html`, `figures/`, and as CSV the summary, the
    settings that differ, every drawn number, and the cells of the maps.

    Args:
        runs: from `open_runs`.
        out: a folder that is new, empty, or holds an earlier comparison, which is replaced.
        wanted: what to show; default: everything.
        progress: told of every figure.

    Raises:
        UsageError: `out` holds something else, or the size is unknown.
        StoreError: the disk is full or the folder cannot be written.
    """
    wanted = wanted or Wanted()
    size_of(wanted.size)
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / PAGE).is_file())):
        raise UsageError(f"{out} exists and holds no comparison; choose another folder with -o.")
    shown, maps, plots = _draw(runs, wanted, progress or Silent())
    table, settings = summary_table(runs), settings_table(runs)
    found = Comparison(printed_table(table), (*cautions_of(runs), *_map_cautions(maps)))
    _write_figures(out, plots, maps, wanted.size)
    for name, frame in (("summary", table), ("settings", settings), ("numbers", _numbers(plots))):
        write_text(out / f"{name}.csv", frame.to_csv(index=False, lineterminator="\n"))
    names = [run.name for run in runs]
    profiles = {name: profiles_for(PLOTS.load(name), shown) for name in plots}
    shown_as = {"ordered": wanted.ordered, "published": wanted.published}
    page = ComparisonPage(names, found.summary, settings, found.cautions, profiles, maps, **shown_as)
    write_text(out / PAGE, render_comparison(page))
    return found


def _draw(
    runs: Sequence[ComparedRun], wanted: Wanted, told: Progress
) -> tuple[list[ComparedRun], list[MapFigure], dict[str, Plot]]:
    """The runs as they are drawn, the maps, and the plots by name."""
    pairs = pairs_of(runs, ordered=wanted.ordered) if wanted.with_maps else []
    with told.stage("compare", len(runs) * wanted.with_scaling + len(pairs) + len(PLOTS)) as task:
        shown = [_scaled(run, told, task) for run in runs] if wanted.with_scaling else list(runs)
        maps = [_map(pair, wanted, task) for pair in pairs]
        plots: dict[str, Plot] = {}
        for name, kind in drawn_kinds(shown).items():
            options = options_of(kind, ordered=wanted.ordered, published=wanted.published)
            plots[name] = kind(profiles_for(kind, shown), size=wanted.size, **options)
            task.advance()
    for reason, without in absent_maps(maps):
        told.message(f"no map of {'; '.join(f'{one} and {other}' for one, other in without)}: {reason}")
    return shown, maps, plots


def drawn_kinds(runs: Sequence[ComparedRun]) -> dict[str, PlotKind]:
    """The plots of which at least one run has the numbers."""
    return {name: kind for name, kind in PLOTS.items() if any(kind.is_drawable(run.profile) for run in runs)}


def profiles_for(kind: PlotKind, runs: Sequence[ComparedRun]) -> dict[str, Profile]:
    """Name -> profile as a plot takes them.

    A run that lacks what is drawn keeps its place, and so its colour, with values that are missing; where each run has axes
    of its own it is left out.
    """
    if kind.is_apart:
        return {run.name: run.profile for run in runs if kind.is_drawable(run.profile)}
    first = kind.needs[0]
    return {run.name: run.profile if kind.is_drawable(run.profile) else _without(run.profile, first) for run in runs}


def _without(profile: Profile, quantity: str) -> Profile:
    return profile.with_columns({quantity: np.full(len(profile.layers), np.nan)})


def _scaled(run: ComparedRun, told: Progress, task: Task) -> ComparedRun:
    """The run with its overlaps at several k; as it is, with a message, where its tables are gone."""
    task.advance()
    try:
        return ComparedRun(run.name, run.folder, overlaps_at(run.folder.path))
    except StoreError as error:
        told.message(f"no overlaps of {run.name} at several k: {error}")
        return run


def _map(pair: tuple[ComparedRun, ComparedRun], wanted: Wanted, task: Task) -> MapFigure:
    found = map_of(pair, wanted.k)
    task.advance()
    return found


def _map_cautions(maps: Sequence[MapFigure]) -> list[str]:
    return [
        f"Map of {entry.names[0]} and {entry.names[1]}: {entry.found.caution}"
        for entry in maps
        if entry.found is not None and entry.found.caution
    ]


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
    _remove_earlier(out)
    for name, plot in drawn.items():
        for ending in ENDINGS:
            plot.save(out / "figures" / f"{name}{ending}")
    if frames:
        write_text(out / "maps.csv", pandas.concat(frames, ignore_index=True).to_csv(index=False, lineterminator="\n"))


def _remove_earlier(out: Path) -> None:
    """Remove the figures and maps of an earlier comparison, perhaps of other runs, and nothing else."""
    (out / "maps.csv").unlink(missing_ok=True)
    for path in (out / "figures").glob("*"):
        if path.suffix in ENDINGS and (path.stem in PLOTS or path.stem.startswith("map-")):
            path.unlink(missing_ok=True)


def _file_name(number: int, entry: MapFigure) -> str:
    words = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:40] for name in entry.names)
    return f"map-{number}-{words}"
