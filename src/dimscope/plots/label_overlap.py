"""What the neighbours know of the labels."""

from typing import TYPE_CHECKING

from dimscope.plots.base import Panel, Plot, PlotKind, Profiles, Rows, Runs, as_runs, grid_shape, new_figure
from dimscope.plots.lines import (
    CHANCE,
    Entry,
    add_legend,
    draw_chance,
    draw_controls,
    draw_line,
    draw_runs,
    joined,
    label_layer_axis,
    norm_entry,
    note_absence,
    run_entries,
    start_at_zero,
)
from dimscope.plots.published import draw_published
from dimscope.plots.theme import AXIS_LABELS, DASHES, PALETTE, size_of, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTITIES = ("label_overlap", "label_overlap_balanced", "knn_accuracy", "linear_probe")
MARKERS = ("o", "s", "^", "v")
NARROW = 2.0
"""Axes of less than so many inches have their title in two lines."""


def plot_label_overlap(
    profiles: Profiles, *, show_published: bool = False, size: str = "column", ordered: bool = False
) -> Plot:
    """Label overlap, plain and balanced, accuracy of the neighbours' vote and of a linear probe, each with its chance level.

    One profile: one pair of axes with a line per quantity, and the controls of the plain label overlap as dashed grey lines.
    A dict: one pair of axes per quantity with a line per run.

    Args:
        profiles: one profile, or name -> profile; measured with labels.
        show_published: also the curve of Valeriani et al. 2023 (arXiv 2302.00294) beside the plain label overlap, dotted, at
            its depth; it was read off a figure (+-0.01) and comes from another model and other data.
        size: `column`, `half`, `page` or `screen`.
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, or a profile without labels.
    """
    runs = as_runs(profiles, ordered=ordered)
    runs.require(QUANTITIES, "it was measured without labels; name their column with --label.")
    present = [name for name in QUANTITIES if any(profile.has(name) for profile in runs.profiles.values())]
    with themed(size):
        draw = _draw_comparison if runs.is_comparison else _draw_single
        return draw(runs, present, size, show_published)


def _draw_single(runs: Runs, present: list[str], size: str, show_published: bool) -> Plot:
    figure, (axes,) = new_figure(size)
    parts, entries, has_chance = [], [], False
    for name in present:
        place = QUANTITIES.index(name)
        rows = runs.rows(name)
        style = {"color": PALETTE[place], "linestyle": DASHES[place % 2]}  # plain and balanced often lie on each other
        has_chance |= draw_chance(axes, rows, PALETTE[place])
        draw_line(axes, rows, style, marker=MARKERS[place])
        entries.append(Entry(AXIS_LABELS[name], {**style, "marker": MARKERS[place], "markersize": 3.6}))
        parts.append(rows)
    controls, known = draw_controls(axes, runs, "label_overlap")
    published, dotted = draw_published(axes, runs, "label_overlap") if show_published else ([], [])
    rows = joined([*parts, *controls, *published])
    note_absence(axes, rows)
    axes.set_title("Label overlap", loc="left")
    _label_share_axis(axes, runs)
    _fit(axes, rows)
    label_layer_axis(axes, runs, size)
    add_legend(figure, [*entries, *known, *dotted, *([CHANCE] if has_chance else [])], size)
    return Plot(figure, (Panel(axes, rows),), size)


def _draw_comparison(runs: Runs, present: list[str], size: str, show_published: bool) -> Plot:
    n_rows, n_columns = grid_shape(len(present), size)
    figure, all_axes = new_figure(size, rows=n_rows, columns=n_columns, height=0.4 + 0.6 * n_rows)
    panels, has_chance = [], False
    dotted: list[Entry] = []
    for name, axes in zip(present, all_axes, strict=False):
        rows = runs.rows(name)
        has_chance |= draw_chance(axes, rows, runs=runs)
        draw_runs(axes, runs, rows)
        if show_published and name == "label_overlap":
            published, dotted = draw_published(axes, runs, name)
            rows = joined([rows, *published])
        title = AXIS_LABELS[name]
        axes.set_title(title.replace(", ", ",\n") if size_of(size).width / n_columns < NARROW else title, loc="left")
        _fit(axes, rows)
        label_layer_axis(axes, runs, size, share=1 / n_columns)
        panels.append(Panel(axes, rows))
    for axes in all_axes[len(present) :]:
        axes.set_axis_off()
    for axes in all_axes[::n_columns]:
        _label_share_axis(axes, runs)
    chance = [CHANCE] if has_chance else []
    add_legend(figure, [*run_entries(runs), *dotted, *chance, *norm_entry(runs)], size)
    return Plot(figure, tuple(panels), size)


def _label_share_axis(axes: "Axes", runs: Runs) -> None:
    k = runs.setting("overlap_k")
    axes.set_ylabel(f"share, k = {k} neighbours" if k else "share")


def _fit(axes: "Axes", rows: Rows) -> None:
    top = rows[["value", "chance"]].max(axis=1)
    start_at_zero(axes, top.to_numpy(dtype=float), rows["error"].to_numpy(dtype=float))


LABEL_OVERLAP = PlotKind(
    "label overlap, balanced overlap, kNN and probe accuracy, with chance levels",
    QUANTITIES,
    plot_label_overlap,
    has_published=True,
)
