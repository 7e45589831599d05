"""The intrinsic dimension along the layers."""

from typing import TYPE_CHECKING

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import UsageError
from dimscope.plots.base import FINAL_NORM, Panel, Plot, PlotKind, Profiles, Rows, Runs, as_runs, new_figure
from dimscope.plots.lines import (
    add_legend,
    draw_controls,
    draw_runs,
    joined,
    label_layer_axis,
    norm_entry,
    run_entries,
    start_at_zero,
)
from dimscope.plots.published import draw_published
from dimscope.plots.scale import SCALE_ID, scale_columns
from dimscope.plots.theme import AXIS_LABELS, MUTED, PALETTE, themed
from dimscope.rules.base import Recommendation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


EDGE = 0.2
"""Within this share of the axis from its ends a word is not centered."""


def plot_dimension(
    profiles: Profiles,
    *,
    recommendation: Recommendation | None = None,
    show_scales: bool = False,
    show_published: bool = False,
    size: str = "column",
    ordered: bool = False,
) -> Plot:
    """The dimension with a band of one standard error, against the layer (one profile) or the depth (a dict).

    The output of the last norm is an open diamond, never joined to the line. Controls of one profile are dashed grey lines.

    Args:
        profiles: one profile, or name -> profile.
        recommendation: its range is shaded and its best layer ringed; for one profile only.
        show_scales: also the estimates at larger neighbour ranks, as faint lines.
        show_published: also the curves of Valeriani et al. 2023 (arXiv 2302.00294), dotted, at their depth; they were read
            off figures (+-0.3) and come from other models and data.
        size: `column`, `half`, `page` or `screen`.
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, a recommendation with a dict or for other layers, or nothing to draw.
    """
    runs = as_runs(profiles, ordered=ordered)
    rows = runs.rows("dimension")
    with themed(size):
        figure, (axes,) = new_figure(size)
        others = _draw_scales(axes, runs) if show_scales else []
        controls, entries = draw_controls(axes, runs, "dimension")
        if recommendation is not None and recommendation.is_clear:
            draw_range(axes, runs, rows, recommendation)
        draw_runs(axes, runs, rows)
        axes.set_title("Intrinsic dimension", loc="left")
        axes.set_ylabel(AXIS_LABELS["dimension"])
        published, known = draw_published(axes, runs) if show_published else ([], [])
        drawn = joined([rows, *others, *controls, *published])
        start_at_zero(axes, drawn["value"].to_numpy(dtype=float), drawn["error"].to_numpy(dtype=float))
        label_layer_axis(axes, runs, size)
        add_legend(figure, [*run_entries(runs), *entries, *known, *norm_entry(runs)], size)
    return Plot(figure, (Panel(axes, drawn),), size)


def _draw_scales(axes: "Axes", runs: Runs) -> list[Rows]:
    drawn = []
    columns: dict[int, str] = {}
    for profile in runs.profiles.values():
        columns |= scale_columns(profile)
    for rank, name in sorted(columns.items()):
        rows = runs.rows(name)
        rows = rows[rows["site"] != FINAL_NORM]
        for place, (_, part) in enumerate(rows.groupby("run", sort=False)):
            x, value, error = (part[key].to_numpy(dtype=float) for key in ("x", "value", "error"))
            band = axes.fill_between(x, value - error, value + error, color=MUTED, alpha=0.06, linewidth=0)
            (line,) = axes.plot(x, value, color=MUTED, linewidth=0.8, alpha=0.55)
            for kind, artist in (("band", band), ("line", line)):
                artist.set_gid(f"{SCALE_ID}-{rank}-{kind}-{place}")
        drawn.append(rows)
    return drawn


def draw_range(axes: "Axes", runs: Runs, rows: Rows, recommendation: Recommendation) -> None:
    """Shade the recommended range and ring its best layer."""
    if runs.is_comparison:
        raise UsageError("a recommendation belongs to one profile; plot a comparison without it.")
    chosen = rows[rows["name"].isin(recommendation.layers)]
    if len(chosen) != len(recommendation.layers):
        raise UsageError(f"the recommendation names layers that this profile lacks: {', '.join(recommendation.layers)}.")
    low, high = float(chosen["x"].min()) - 0.5, float(chosen["x"].max()) + 0.5
    axes.axvspan(low, high, color=PALETTE[0], alpha=0.1, linewidth=0)
    _name_range(axes, low, high, rows["x"].to_numpy(dtype=float))
    best = rows[rows["name"] == recommendation.best]
    axes.plot(best["x"], best["value"], marker="o", markersize=9, markerfacecolor="none", color=PALETTE[0], linestyle="none")


def _name_range(axes: "Axes", low: float, high: float, x: FloatArray) -> None:
    """The word in the middle of the range, or flush with it near the ends of the axis, where the middle would stick out."""
    place = ((low + high) / 2 - x.min()) / max(float(np.ptp(x)), 1.0)
    at, side = (low, "left") if place < EDGE else (high, "right") if place > 1 - EDGE else ((low + high) / 2, "center")
    axes.text(at, 0.02, "recommended", transform=axes.get_xaxis_transform(), ha=side, va="bottom", color=PALETTE[0])


DIMENSION = PlotKind(
    "intrinsic dimension with its error, against layer or depth", ("dimension",), plot_dimension, has_published=True
)
