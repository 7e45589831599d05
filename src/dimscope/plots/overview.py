"""The profile at a glance: dimension, overlap with the next layer and label overlap beside each other."""

from typing import TYPE_CHECKING

from dimscope.plots.base import Panel, Plot, PlotKind, Profiles, Rows, Runs, as_runs, new_figure
from dimscope.plots.dimension import draw_range
from dimscope.plots.lines import (
    CHANCE,
    Entry,
    add_legend,
    draw_chance,
    draw_controls,
    draw_runs,
    joined,
    label_layer_axis,
    norm_entry,
    run_entries,
    start_at_zero,
)
from dimscope.plots.theme import size_of, themed
from dimscope.rules.base import Recommendation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "dimension": "Intrinsic dimension",
    "overlap_next": "Overlap with the next layer",
    "label_overlap": "Label overlap",
}
WIDE = 6.0
"""From this width in inches on, the panels stand in one row; otherwise one below the other."""


def plot_overview(
    profiles: Profiles,
    *,
    recommendation: Recommendation | None = None,
    size: str = "page",
    ordered: bool = False,
) -> Plot:
    """Dimension, overlap with the next layer and label overlap in one figure, as far as they were measured.

    Bands are one standard error, thin dashes the chance level, grey dashes controls, the final norm an open diamond.

    Args:
        profiles: one profile, or name -> profile.
        recommendation: its range is shaded and its best layer ringed; for one profile only.
        size: `column`, `half` (one panel below the other), `page` or `screen` (side by side).
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, or a recommendation with a dict or for other layers.
    """
    runs = as_runs(profiles, ordered=ordered)
    present = [name for name in TITLES if any(profile.has(name) for profile in runs.profiles.values())]
    columns = len(present) if size_of(size).width >= WIDE else 1
    with themed(size):
        figure, all_axes = new_figure(
            size, rows=len(present) // columns, columns=columns, height=0.78 if columns > 1 else 0.9 * len(present)
        )
        panels, has_chance = [], False
        entries: dict[str, Entry] = {}
        for name, axes in zip(present, all_axes, strict=True):
            rows = runs.rows(name)
            if name == "dimension" and recommendation is not None and recommendation.is_clear:
                draw_range(axes, runs, rows, recommendation)
            has_chance |= draw_chance(axes, rows, runs=runs)
            controls, found = draw_controls(axes, runs, name)
            entries |= {entry.label: entry for entry in found}
            draw_runs(axes, runs, rows)
            axes.set_title(TITLES[name], loc="left")
            rows = joined([rows, *controls])
            _label_axes(axes, runs, rows, name)
            label_layer_axis(axes, runs, size, share=1 / columns)
            panels.append(Panel(axes, rows))
        known = [*entries.values(), *([CHANCE] if has_chance else [])]
        add_legend(figure, [*run_entries(runs), *known, *norm_entry(runs)], size)
    return Plot(figure, tuple(panels), size)


def _label_axes(axes: "Axes", runs: Runs, rows: Rows, name: str) -> None:
    start_at_zero(axes, rows["value"].to_numpy(dtype=float), rows["error"].to_numpy(dtype=float))
    if name == "dimension":
        axes.set_ylabel("dimension")
        return
    axes.set_ylim(0, 1.03)
    k = runs.setting("overlap_k")
    axes.set_ylabel(f"share of {k} neighbours" if k else "share of neighbours")


OVERVIEW = PlotKind("dimension, overlap with the next layer and label overlap side by side", ("dimension",), plot_overview)
