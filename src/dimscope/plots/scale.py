"""How the dimension depends on the scale at which it is read."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.errors import UsageError
from dimscope.plots.base import (
    FINAL_NORM,
    Panel,
    Plot,
    PlotKind,
    Profiles,
    Rows,
    as_runs,
    grid_shape,
    layer_rows,
    new_figure,
    title_length,
)
from dimscope.plots.lines import NORM, add_legend, has_final_norm, note_absence, start_at_zero
from dimscope.plots.theme import AXIS_LABELS, depth_color, depth_colormap, shorten, themed
from dimscope.profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PREFIX = "gride_"
SCALE_ID = "scale"
"""Starts the SVG ids of curves at one rank, by which a page shows one of them."""
MOST_COLORS = 32
"""Steps of the colour bar; more would only make files larger."""
MOST_BANDS = 16
"""With more layers the bands cover each other and say nothing; the errors stay in `frame()`."""
MOST_MARKED = 30
"""With more layers the points would hide the lines."""


def plot_scale(profiles: Profiles, *, size: str = "column") -> Plot:
    """The dimension against the neighbour rank at which it was read, one line per layer, coloured by depth.

    A flat line means that the dimension is the same at all scales; where a line bends, noise, curvature or a changing
    density make the number depend on how far one looks. A dict gives one pair of axes per run. x is the farther rank of
    the estimator `gride`.

    Args:
        profiles: one profile, or name -> profile; measured with the estimator `gride`.
        size: `column`, `half`, `page` or `screen`.

    Raises:
        UsageError: unknown size, or a profile without `gride` columns.
    """
    runs = as_runs(profiles)
    for name, profile in runs.profiles.items():
        if not scale_columns(profile):
            raise UsageError(f"{runs.called(name)} holds no dimension at several scales; measure it with --estimator gride.")
    n_rows, n_columns = grid_shape(len(runs.profiles), size)
    with themed(size):
        figure, all_axes = new_figure(size, rows=n_rows, columns=n_columns, height=0.4 + 0.6 * n_rows)
        panels = []
        for axes, (name, profile) in zip(all_axes, runs.profiles.items(), strict=False):
            rows = scale_rows(name, profile)
            _draw(axes, rows, title_length(size, n_columns))
            short = shorten(name, title_length(size, n_columns))
            axes.set_title(short if runs.is_comparison else "Dimension by scale", loc="left")
            panels.append(Panel(axes, rows, "rank"))
        for panel in panels:
            start_at_zero(panel.axes, np.concatenate([panel.rows["value"].to_numpy(dtype=float) for panel in panels]))
        for axes in all_axes[len(panels) :]:
            axes.set_axis_off()
        for axes in all_axes[::n_columns]:
            axes.set_ylabel(AXIS_LABELS["dimension"])
        n_layers = max(len(profile.layers) for profile in runs.profiles.values())
        if n_layers > 1:
            _add_depth_bar(figure, all_axes, n_layers, 28 * n_rows)
        add_legend(figure, [NORM] if has_final_norm(runs) else [], size)
    return Plot(figure, tuple(panels), size)


def scale_columns(profile: Profile) -> dict[int, str]:
    """Rank -> quantity, ascending, of the columns `gride_<rank>`."""
    return profile.numbered(PREFIX)


def scale_rows(run: str, profile: Profile) -> Rows:
    """The numbers of all scales of one run, layer by layer; x is the rank."""
    import pandas

    parts = []
    for rank, quantity in scale_columns(profile).items():
        part = layer_rows(run, profile, quantity, by_depth=True)
        part["x"] = np.full(len(part), float(rank))
        part["row"] = np.arange(len(part))
        parts.append(part)
    joined = pandas.concat(parts, ignore_index=True)
    return joined.sort_values(["row", "x"], ignore_index=True).drop(columns="row")


def _draw(axes: "Axes", rows: Rows, most_digits: int) -> None:
    n_layers = rows["name"].nunique()
    has_bands = n_layers <= MOST_BANDS
    for _, part in rows.groupby("name", sort=False):
        color = depth_color(float(part["depth"].iloc[0]))
        x, value, error = (part[key].to_numpy(dtype=float) for key in ("x", "value", "error"))
        marks: dict[str, Any] = {"marker": "o", "markersize": 2.6} if n_layers <= MOST_MARKED else {}
        if part["site"].iloc[0] == FINAL_NORM:
            marks = {"marker": "D", "markersize": 3.8, "markerfacecolor": "#ffffff", "linestyle": (0, (1.5, 1.2))}
        if has_bands:
            axes.fill_between(x, value - error, value + error, color=color, alpha=0.08, linewidth=0)
        axes.plot(x, value, color=color, linewidth=1.2, **marks)
    note_absence(axes, rows)
    ranks = sorted({int(rank) for rank in rows["x"]})
    axes.set_xscale("log", base=2)
    skip = -(-sum(len(str(rank)) + 1 for rank in ranks) // max(1, most_digits))
    axes.set_xticks(ranks, [str(rank) if place % skip == 0 else "" for place, rank in enumerate(ranks)])
    axes.minorticks_off()
    axes.set_xlabel("neighbour rank")


def _add_depth_bar(figure: Any, all_axes: "list[Axes]", n_layers: int, aspect: int) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    steps = max(2, min(MOST_COLORS, n_layers))
    colors = ScalarMappable(Normalize(0, 1), depth_colormap().resampled(steps))
    bar = figure.colorbar(colors, ax=all_axes, pad=0.02, aspect=aspect, ticks=[0, 0.5, 1])
    bar.ax.set_ylabel("depth")
    bar.solids.set_edgecolor("face")  # otherwise viewers show the ground between the steps
    bar.outline.set_visible(False)


SCALE = PlotKind("dimension against neighbour rank, one line per layer", (f"{PREFIX}*",), plot_scale, is_apart=True)
