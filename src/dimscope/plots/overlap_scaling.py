"""How the overlaps depend on the number of neighbours that are compared."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dimscope.errors import UsageError
from dimscope.plots.base import (
    FINAL_NORM,
    Panel,
    Plot,
    PlotKind,
    Profiles,
    Rows,
    Runs,
    as_runs,
    grid_shape,
    layer_rows,
    new_figure,
    title_length,
)
from dimscope.plots.lines import CHANCE, Entry, add_legend, draw_line, joined, label_layer_axis, norm_entry, note_absence
from dimscope.plots.theme import order_style, shorten, themed
from dimscope.profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTITIES = {"overlap_next": "Overlap with the next layer", "label_overlap": "Label overlap"}
"""What is read at several k, and the title of its axes."""
AXES = {"overlap_next": "overlap with next", "label_overlap": "label overlap"}
"""What it is called beside the axes of several runs."""
CHANCE_STYLE: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "alpha": 0.9}


class _Place(NamedTuple):
    """One pair of axes: a run and a quantity."""

    run: str
    profile: Profile
    quantity: str


def plot_overlap_scaling(profiles: Profiles, *, size: str = "page") -> Plot:
    """Overlap with the next layer and label overlap at several numbers of neighbours k, one line per k, blue to orange.

    Bands are one standard error. Thin dashes are chance: k / (n - 1) for the overlap with the next layer, which differs
    between k, and the share of the label for the label overlap, which does not. Where the lines have the same form, what
    they say does not hang on k (Valeriani et al. 2023, figure S5, arXiv 2302.00294). A dict gives axes of its own for each run.

    Args:
        profiles: one profile, or name -> profile; with columns such as `overlap_next_k10`, see `overlaps_at`.
        size: `column`, `half`, `page` or `screen`.

    Raises:
        UsageError: unknown size, or a profile without overlaps at several k.

    Examples:
        >>> plot_overlap_scaling(overlaps_at("runs/mine")).save("by-k.svg")  # doctest: +SKIP
    """
    runs = as_runs(profiles)
    _refuse_missing(runs)
    n_rows, n_columns, places = _grid(runs, size)
    counts = sorted({k for place in places if place for k in overlap_columns(place.profile, place.quantity)})
    with themed(size):
        figure, all_axes = new_figure(size, rows=n_rows, columns=n_columns, height=0.4 + 0.6 * n_rows)
        panels = []
        for at, (axes, place) in enumerate(zip(all_axes, places, strict=True)):
            if place is None:
                axes.set_axis_off()
                continue
            panels.append(Panel(axes, _draw(axes, place, counts, by_depth=runs.is_comparison)))
            words = QUANTITIES[place.quantity]
            axes.set_title(shorten(place.run, title_length(size, n_columns)) if runs.is_comparison else words, loc="left")
            if at % n_columns == 0:
                axes.set_ylabel(AXES[place.quantity] if runs.is_comparison else "share of k neighbours")
            axes.set_ylim(0, 1.03)
            label_layer_axis(axes, Runs({place.run: place.profile}, runs.is_comparison), size, share=1 / n_columns)
        has_chance = any(np.isfinite(panel.rows["chance"].to_numpy(dtype=float)).any() for panel in panels)
        entries = [Entry(f"k = {k}", order_style(at, len(counts))) for at, k in enumerate(counts)]
        add_legend(figure, [*entries, *([CHANCE] if has_chance else []), *norm_entry(runs)], size)
    return Plot(figure, tuple(panels), size)


def overlap_columns(profile: Profile, quantity: str) -> dict[int, str]:
    """Number of neighbours -> column, ascending, of the columns `<quantity>_k<number>`."""
    return profile.numbered(f"{quantity}_k")


def _refuse_missing(runs: Runs) -> None:
    for name, profile in runs.profiles.items():
        if not any(overlap_columns(profile, quantity) for quantity in QUANTITIES):
            raise UsageError(
                f"{runs.called(name)} holds no overlap at several k; read them with dimscope.overlaps_at(RUN), or measure with "
                "--further-k."
            )


def _grid(runs: Runs, size: str) -> tuple[int, int, list[_Place | None]]:
    """Rows, columns and what stands where: the quantities of one profile side by side; of several, each in rows of its own."""
    present = [name for name in QUANTITIES if any(overlap_columns(profile, name) for profile in runs.profiles.values())]
    n_columns = grid_shape(len(runs.profiles) if runs.is_comparison else len(present), size)[1]
    places: list[_Place | None] = []
    for quantity in present:
        for name, profile in runs.profiles.items():
            places.append(_Place(name, profile, quantity) if overlap_columns(profile, quantity) else None)
        if runs.is_comparison:
            places += [None] * (-len(places) % n_columns)
    places += [None] * (-len(places) % n_columns)
    return len(places) // n_columns, n_columns, places


def _draw(axes: "Axes", place: _Place, counts: list[int], *, by_depth: bool) -> Rows:
    parts: list[Rows] = []
    for k, column in overlap_columns(place.profile, place.quantity).items():
        rows = layer_rows(place.run, place.profile, column, by_depth=by_depth)
        style = order_style(counts.index(k), len(counts))
        draw_line(axes, rows, style)
        if place.quantity == "overlap_next" or not parts:
            _draw_chance(axes, rows, style["color"] if place.quantity == "overlap_next" else CHANCE.style["color"])
        parts.append(rows)
    drawn = joined(parts)
    note_absence(axes, drawn)
    return drawn


def _draw_chance(axes: "Axes", rows: Rows, color: str) -> None:
    path = rows[rows["site"] != FINAL_NORM]
    axes.plot(path["x"], path["chance"], color=color, **CHANCE_STYLE)


OVERLAP_SCALING = PlotKind(
    "overlap with the next layer and label overlap at several k, one line per k",
    tuple(f"{quantity}_k*" for quantity in QUANTITIES),
    plot_overlap_scaling,
    is_apart=True,
)
