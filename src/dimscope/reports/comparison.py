"""The page of a comparison: one HTML file without script, so that it follows the reader's theme by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from dimscope.overlaps.runs import RunOverlap
from dimscope.plots import PLOTS, Plot
from dimscope.plots.base import FINAL_NORM, PlotKind
from dimscope.plots.overlap_map import plot_overlap_map
from dimscope.plots.theme import shorten
from dimscope.profile import Profile, format_number
from dimscope.reports.figures import plain_svg
from dimscope.reports.render import TEMPLATES, page_environment
from dimscope.reports.sections import SECTIONS, Drawn, Section
from dimscope.version import __version__

if TYPE_CHECKING:
    import pandas

LONGEST_NAME = 60
MEANINGS = {
    "plateau": "longest stretch of nearly constant dimension below the peak",
    "recommended": "the stored answer of the run",
    "peak depth": "layer / number of blocks, from 0 to 1",
}


@dataclass(frozen=True, eq=False)
class MapFigure:
    """The overlap of the layers of two runs, or the reason why there is none."""

    names: tuple[str, str]
    found: RunOverlap | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class ComparisonPage:
    """What the page shows.

    Attributes:
        names: of the runs, in their order.
        summary: printed table, first column `run`.
        settings: what the runs were made with, as far as it differs; first column `run`.
        cautions: what limits the comparison, one sentence each.
        profiles: name of each plot -> the profiles to draw.
        maps: one entry per pair of runs.
        ordered: the runs are steps of one thing.
        published: the published curves are drawn, too.
    """

    names: Sequence[str]
    summary: "pandas.DataFrame"
    settings: "pandas.DataFrame"
    cautions: Sequence[str]
    profiles: Mapping[str, Mapping[str, Profile]]
    maps: Sequence[MapFigure]
    ordered: bool = False
    published: bool = False


def render_comparison(page: ComparisonPage) -> str:
    """The whole page: no request to any host, no script, safe for any text in names."""
    return page_environment().get_template("comparison.html.j2").render(
        title=", ".join(shorten(name, LONGEST_NAME) for name in page.names),
        names=page.names,
        headings=[(name.strip(), MEANINGS.get(name, "")) for name in page.summary.columns],
        rows=page.summary.to_numpy().tolist(),
        cautions=page.cautions,
        settings=page.settings.columns.tolist(),
        setting_rows=page.settings.to_numpy().tolist(),
        figures=[_drawn(section, page) for section in SECTIONS if section.plot in page.profiles],
        maps=[_map(number, entry) for number, entry in enumerate(page.maps) if entry.found is not None],
        absent=absent_maps(page.maps),
        version=__version__,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
    )  # fmt: skip


def _drawn(section: Section, page: ComparisonPage) -> Drawn:
    profiles, kind = page.profiles[section.plot], PLOTS.load(section.plot)
    options = options_of(kind, ordered=page.ordered, published=page.published)

    def draw(size: str, suffix: str) -> str:
        plot: Plot = kind(profiles, size=size, **options)
        return plain_svg(plot, f"{section.plot}-{suffix}", f"{section.heading}. {describe_runs(plot)}")

    caption = section.caption
    if page.published and kind.has_published:
        caption += " Dotted: published curves (arXiv 2302.00294), read off figures, of other models and data."
    if section.plot == "dimension":
        has_norm = any(layer.site == FINAL_NORM for profile in profiles.values() for layer in profile.layers)
        caption += " Open diamond: the output of the final norm, a site of its own." * has_norm
    return Drawn(section.plot, section.heading, section.lead, caption, True, draw("screen", "a"), draw("column", "b"))


def options_of(kind: PlotKind, *, ordered: bool, published: bool) -> dict[str, bool]:
    """The options of a plot in a comparison, as far as it takes them."""
    options = {} if kind.is_apart else {"ordered": ordered}
    return options | ({"show_published": True} if published and kind.has_published else {})


def _map(number: int, entry: MapFigure) -> dict[str, Any]:
    assert entry.found is not None
    words = _extremes(entry.found)
    plot = plot_overlap_map(entry.found, entry.names, size="half")
    svg = plain_svg(plot, f"map-{number}", f"Overlap of {entry.names[0]} and {entry.names[1]}. {words}")
    words = f"{words} {entry.found.caution}".strip()
    return {"names": entry.names, "svg": svg, "n_items": entry.found.n_items, "words": words}


def absent_maps(maps: Sequence[MapFigure]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each reason why there is no map, with the pairs of runs that it holds for."""
    reasons: dict[str, list[tuple[str, str]]] = {}
    for entry in maps:
        if entry.found is None:
            reasons.setdefault(entry.reason, []).append(entry.names)
    return list(reasons.items())


def describe_runs(plot: Plot) -> str:
    """The curves in words: the highest value of each run and quantity; the files beside the page hold all."""
    sentences = []
    for (run, quantity), part in plot.frame().groupby(["run", "quantity"], sort=False):
        known = part[np.isfinite(part["value"].to_numpy(dtype=float))]
        if len(known):
            top = known.loc[known["value"].idxmax()]
            sentences.append(f"{run}, {quantity}: highest {format_number(float(top['value']))} at {top['name']}.")
    return " ".join([*sentences[:12], "All values are in numbers.csv."])


def _extremes(found: RunOverlap) -> str:
    values = found.matrix.values
    if not np.isfinite(values).any():
        return "No layer pair has enough common examples."
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return f"Most alike: {found.layers_a[row]} and {found.layers_b[column]}, {values[row, column]:.3f}."
