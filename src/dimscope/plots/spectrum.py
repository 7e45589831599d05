"""Linear companions of the dimension, and the distance scale, as small multiples."""

from dimscope.plots.base import Panel, Plot, PlotKind, Profiles, as_runs, new_figure
from dimscope.plots.lines import add_legend, draw_runs, label_layer_axis, norm_entry, run_entries, start_at_zero
from dimscope.plots.theme import AXIS_LABELS, size_of, themed

QUANTITIES = ("effective_rank", "participation_ratio", "pca_99", "anisotropy", "norm_median", "r1_median")
UNITS = {
    "effective_rank": "directions",
    "participation_ratio": "directions",
    "pca_99": "directions",
    "anisotropy": "share of variance",
    "norm_median": "Euclidean, median",
    "r1_median": "Euclidean, median",
}
WIDE = 6.0
"""From this width in inches on, three panels stand beside each other, or up to four in one row; below it two."""
HEIGHTS = {1: 0.72, 2: 1.25, 3: 1.8}
"""Rows -> height of the figure, in heights of one plot."""


def plot_spectrum(profiles: Profiles, *, size: str = "column", ordered: bool = False) -> Plot:
    """Effective rank, participation ratio, PCA 99 %, anisotropy, median norm and nearest distance, one small pair of axes each.

    Args:
        profiles: one profile, or name -> profile.
        size: `column`, `half` (two beside each other), `page` or `screen` (three, or four in one row).
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, or a profile with none of these quantities.
    """
    runs = as_runs(profiles, ordered=ordered)
    runs.require(QUANTITIES, "measure it again with this version of dimscope.")
    present = [name for name in QUANTITIES if any(profile.has(name) for profile in runs.profiles.values())]
    most = 2 if size_of(size).width < WIDE else 3 if len(present) > 4 else 4
    columns = min(most, len(present))
    n_rows = -(-len(present) // columns)
    with themed(size):
        figure, all_axes = new_figure(size, rows=n_rows, columns=columns, height=HEIGHTS[n_rows])
        panels = []
        for axes, name in zip(all_axes, present, strict=False):
            rows = runs.rows(name)
            draw_runs(axes, runs, rows)
            axes.set_title(AXIS_LABELS[name][0].upper() + AXIS_LABELS[name][1:], loc="left")
            axes.set_ylabel(UNITS[name])
            start_at_zero(axes, rows["value"].to_numpy(dtype=float))
            label_layer_axis(axes, runs, size, share=1 / columns)
            panels.append(Panel(axes, rows))
        for axes in all_axes[len(present) :]:
            axes.set_axis_off()
        add_legend(figure, [*run_entries(runs), *norm_entry(runs)], size)
    return Plot(figure, tuple(panels), size)


SPECTRUM = PlotKind("spectrum, norms and distances: six linear companions of the dimension", QUANTITIES, plot_spectrum)
