"""Linear companions of the dimension, and the distance scale, as small multiples."""

from dimscope.plots.base import Panel, Plot, PlotKind, Profiles, as_runs, new_figure
from dimscope.plots.lines import add_legend, draw_runs, label_layer_axis, norm_entry, run_entries, start_at_zero
from dimscope.plots.theme import AXIS_LABELS, size_of, themed

QUANTITIES = ("effective_rank", "participation_ratio", "anisotropy", "r1_median")
UNITS = {
    "effective_rank": "directions",
    "participation_ratio": "directions",
    "anisotropy": "share of variance",
    "r1_median": "Euclidean, median",
}
WIDE = 6.0
"""From this width in inches on, all panels stand in one row."""


def plot_spectrum(profiles: Profiles, *, size: str = "column", ordered: bool = False) -> Plot:
    """Effective rank, participation ratio, anisotropy and median nearest distance, one small pair of axes each.

    Args:
        profiles: one profile, or name -> profile.
        size: `column`, `half` (two by two), `page` or `screen` (one row).
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, or a profile with none of these quantities.
    """
    runs = as_runs(profiles, ordered=ordered)
    runs.require(QUANTITIES, "measure it again with this version of dimscope.")
    present = [name for name in QUANTITIES if any(profile.has(name) for profile in runs.profiles.values())]
    columns = len(present) if size_of(size).width >= WIDE else min(2, len(present))
    n_rows = -(-len(present) // columns)
    with themed(size):
        figure, all_axes = new_figure(size, rows=n_rows, columns=columns, height=0.72 if n_rows == 1 else 1.25)
        panels = []
        for axes, name in zip(all_axes, present, strict=False):
            rows = runs.rows(name)
            draw_runs(axes, runs, rows)
            axes.set_title(AXIS_LABELS[name].capitalize(), loc="left")
            axes.set_ylabel(UNITS[name])
            start_at_zero(axes, rows["value"].to_numpy(dtype=float))
            label_layer_axis(axes, runs, size, share=1 / columns)
            panels.append(Panel(axes, rows))
        for axes in all_axes[len(present) :]:
            axes.set_axis_off()
        add_legend(figure, [*run_entries(runs), *norm_entry(runs)], size)
    return Plot(figure, tuple(panels), size)


SPECTRUM = PlotKind("effective rank, participation ratio, anisotropy, nearest distance", QUANTITIES, plot_spectrum)
