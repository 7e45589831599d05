"""The two published figures: dimension above, label overlap below, over the relative depth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dimscope.errors import InputError
from dimscope.files import atomic_path
from dimscope.paper.curves import Curve
from dimscope.plots.base import Panel, Plot
from dimscope.plots.published import published_rows
from dimscope.plots.theme import MUTED, PALETTE, themed

if TYPE_CHECKING:
    import pandas
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

FIGURES = {"igpt_id_ov_labels": ("iGPT-S", "iGPT-M", "iGPT-L"), "esm_id_ov_labels": ("ESM-2 35M", "ESM-2 650M", "ESM-2 3B")}
"""File name -> the models in it."""
OTHERS = "other_id_ov_labels"
"""File name of the figure with all other models; the published curves of every model can lie behind them."""
COMPUTED = "computed"
SIZE = "half"
INCHES = (4.6, 6.6)
COLUMNS = 3
ENDINGS = (".png", ".svg", ".pdf")
DOTS = (0, (1.2, 1.4))
READING_ERRORS = {"dimension": 0.3, "label_overlap": 0.01}
"""How far the published curves, read off the figures, may be from the published numbers."""
BAND_OPACITY = 0.25


def write_figures(curves: Sequence[Curve], to: Path, *, published: bool = False, k: int = 10) -> list[Path]:
    """Write every number (`curves.csv`) and the figures of `draw_figures` as .png, .svg and .pdf.

    Raises:
        InputError: there is no curve at all.
        StoreError: `to` cannot be written.
    """
    plots = draw_figures(curves, published=published, k=k)
    written = [to / "curves.csv"]
    with atomic_path(written[0]) as temporary:
        frame(curves, published=published).to_csv(temporary, index=False)
    return written + [plot.save(to / f"{name}{ending}") for name, plot in plots.items() for ending in ENDINGS]


def draw_figures(curves: Sequence[Curve], *, published: bool = False, k: int = 10) -> dict[str, Plot]:
    """The figures that have a curve, by file name: dimension above, label overlap below.

    Args:
        curves: from `all_curves`.
        published: lay the published curves behind, dotted, in a band as wide as they may be misread.
        k: neighbours of the label overlap, named on its axis.

    Raises:
        InputError: there is no curve at all.
    """
    if not curves:
        raise InputError(
            "none of the files is there, so there is nothing to draw; `dimscope paper download` and `distances` make them."
        )
    rows = frame(curves, published=published)
    plots = {}
    for name, models in _figures(curves).items():
        chosen = rows[rows["model"].isin(models) | ((rows["source"] != COMPUTED) & (name == OTHERS))]
        plots[name] = _drawn(chosen, models, k)
    return plots


def _figures(curves: Sequence[Curve]) -> dict[str, list[str]]:
    """Name -> models with a curve, for the figures that have one."""
    there = list(dict.fromkeys(curve.model for curve in curves))
    known = [model for models in FIGURES.values() for model in models]
    groups = {**FIGURES, OTHERS: [model for model in there if model not in known]}
    return {name: list(models) for name, models in groups.items() if set(models) & set(there)}


def frame(curves: Sequence[Curve], *, published: bool = False) -> "pandas.DataFrame":
    """One row per number: model, quantity, layer, depth, value, error, kept, source."""
    import pandas

    parts = [
        pandas.DataFrame({
            "model": curve.model, "quantity": curve.quantity, "layer": curve.layers, "depth": curve.depth,
            "value": curve.values,
            "error": curve.errors, "kept": curve.kept, "source": COMPUTED,
        })
        for curve in curves
    ]  # fmt: skip
    known = published_rows()
    known = known[known["quantity"].isin(READING_ERRORS)]
    return pandas.concat([*parts, known] if published else parts, ignore_index=True)


def _drawn(rows: "pandas.DataFrame", models: Sequence[str], k: int) -> Plot:
    from matplotlib.figure import Figure

    labels = {"dimension": "intrinsic dimension", "label_overlap": f"label overlap, k = {k}"}
    colors = _colors(rows, models)
    panels = []
    with themed(SIZE):
        figure = Figure(figsize=INCHES, layout="constrained")
        for axes, (quantity, label) in zip(figure.subplots(2, 1, sharex=True), labels.items(), strict=True):
            panels.append(Panel(axes, rows[rows["quantity"] == quantity]))
            _draw_lines(axes, panels[-1].rows, colors, READING_ERRORS[quantity])
            axes.set(ylabel=label, xlim=(-0.02, 1.02), ylim=(0, None))
        panels[-1].axes.set_xlabel("depth: layer / last layer")
        handles = [_handle(color, model, "-" if model in models else DOTS) for model, color in colors.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=COLUMNS)
    return Plot(figure, tuple(panels), SIZE)


def _colors(rows: "pandas.DataFrame", models: Sequence[str]) -> dict[str, str]:
    """Model -> colour; models of which only a published curve is drawn come last."""
    names = [*models, *(model for model in dict.fromkeys(rows["model"]) if model not in models)]
    return {model: PALETTE[place % len(PALETTE)] for place, model in enumerate(names) if (rows["model"] == model).any()}


def _draw_lines(axes: "Axes", rows: "pandas.DataFrame", colors: dict[str, str], reading_error: float) -> None:
    for (model, source), line in rows.groupby(["model", "source"], sort=False):
        color = colors[str(model)]
        if source == COMPUTED:
            axes.errorbar(line["depth"], line["value"], line["error"].fillna(0), color=color, fmt=".-", zorder=3)
        else:
            band = line["value"] - reading_error, line["value"] + reading_error
            axes.fill_between(line["depth"], *band, color=color, alpha=BAND_OPACITY, linewidth=0)
            axes.plot(line["depth"], line["value"], color=color, linestyle=DOTS)
    sources = [source for source in dict.fromkeys(rows["source"]) if source != COMPUTED]
    dotted = [_handle(MUTED, f"{source}, digitised (±{reading_error})", DOTS) for source in sources]
    if dotted:
        axes.legend(handles=dotted, loc="best")
    if rows.empty:
        axes.text(0.5, 0.5, "no array of this panel is there", color=MUTED, ha="center", transform=axes.transAxes)


def _handle(color: str, label: str, linestyle: Any = "-") -> "Artist":
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, label=label, linestyle=linestyle)
