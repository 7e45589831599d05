"""The overlap of each layer's neighbourhoods with those of the next."""

from dimscope.plots.base import Panel, Plot, PlotKind, Profiles, as_runs, new_figure
from dimscope.plots.lines import (
    CHANCE,
    add_legend,
    draw_chance,
    draw_controls,
    draw_runs,
    joined,
    label_layer_axis,
    norm_entry,
    run_entries,
)
from dimscope.plots.published import draw_published
from dimscope.plots.theme import AXIS_LABELS, themed


def plot_overlap(profiles: Profiles, *, show_published: bool = False, size: str = "column", ordered: bool = False) -> Plot:
    """Mean shared fraction of the k neighbours of layers l and l + 1, drawn at l, with the chance level and the controls.

    The step from the last block to the final norm stands at the last block.

    Args:
        profiles: one profile, or name -> profile.
        show_published: also the curves of Valeriani et al. 2023 (arXiv 2302.00294), dotted, at their depth; they were read
            off figures (+-0.01) and come from other models and data.
        size: `column`, `half`, `page` or `screen`.
        ordered: the runs of a dict are steps of one thing, such as checkpoints; their colours go from blue to orange.

    Raises:
        UsageError: unknown size, or a profile without this overlap.
    """
    runs = as_runs(profiles, ordered=ordered)
    runs.require(("overlap_next",), "it needs at least two layers with more neighbours than --overlap-k.")
    rows = runs.rows("overlap_next")
    with themed(size):
        figure, (axes,) = new_figure(size)
        has_chance = draw_chance(axes, rows, runs=runs)
        controls, entries = draw_controls(axes, runs, "overlap_next")
        draw_runs(axes, runs, rows)
        published, known = draw_published(axes, runs, "overlap_next") if show_published else ([], [])
        axes.set_title("Overlap with the next layer", loc="left")
        k = runs.setting("overlap_k")
        axes.set_ylabel(f"shared fraction of {k} neighbours" if k else AXIS_LABELS["overlap_next"])
        axes.set_ylim(0, 1.03)
        label_layer_axis(axes, runs, size)
        if not runs.is_comparison:
            axes.set_xlabel(f"{axes.get_xlabel()}, compared with the next")
        chance = [CHANCE] if has_chance else []
        add_legend(figure, [*run_entries(runs), *entries, *known, *chance, *norm_entry(runs)], size)
    return Plot(figure, (Panel(axes, joined([rows, *controls, *published])),), size)


OVERLAP = PlotKind(
    "neighbours shared with the next layer, with chance level", ("overlap_next",), plot_overlap, has_published=True
)
