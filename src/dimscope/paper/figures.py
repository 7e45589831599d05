"""The two published figures: dimension above, label overlap below, over the relative depth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dimscope.errors import InputError
from dimscope.files import atomic_path
from dimscope.paper.curves import Curve
from dimscope.plots.published import published_rows
from dimscope.plots.theme import PALETTE, themed

if TYPE_CHECKING:
    import pandas

FIGURES = {"igpt_id_ov_labels": ("iGPT-S", "iGPT-M", "iGPT-L"), "esm_id_ov_labels": ("ESM-2 35M", "ESM-2 650M", "ESM-2 3B")}
"""File name -> the models in it."""
PANELS = {"dimension": "intrinsic dimension", "label_overlap": "label overlap"}


def write_figures(curves: Sequence[Curve], to: Path, *, published: bool = False) -> list[Path]:
    """Draw the figures that have a curve (.png and .svg) and write every number (`curves.csv`).

    Raises:
        InputError: there is no curve at all.
        StoreError: `to` cannot be written.
    """
    from matplotlib.figure import Figure

    if not curves:
        raise InputError("none of the files is there, so there is nothing to draw; get them with `dimscope paper download`.")
    rows = frame(curves, published=published)
    written = [to / "curves.csv"]
    with atomic_path(written[0]) as temporary:
        rows.to_csv(temporary, index=False)
    for name, models in FIGURES.items():
        chosen = rows[rows["model"].isin(models)]
        if not (chosen["source"] == "computed").any():
            continue
        with themed("half"):
            figure = Figure(figsize=(4.5, 6.5), layout="constrained")
            _draw(figure, chosen, models)
            for ending in (".png", ".svg"):
                written.append(to / f"{name}{ending}")
                with atomic_path(written[-1]) as temporary:
                    figure.savefig(temporary, dpi=150)
    return written


def frame(curves: Sequence[Curve], *, published: bool = False) -> "pandas.DataFrame":
    """One row per number: model, quantity, layer, depth, value, error, kept, source."""
    import pandas

    parts = [
        pandas.DataFrame({
            "model": curve.model, "quantity": curve.quantity, "layer": curve.layers, "depth": curve.depth,
            "value": curve.values,
            "error": curve.errors, "kept": curve.kept, "source": "computed",
        })
        for curve in curves
    ]  # fmt: skip
    return pandas.concat([*parts, published_rows()] if published else parts, ignore_index=True)


def _draw(figure: "object", rows: "pandas.DataFrame", models: Sequence[str]) -> None:
    for axes, (quantity, label) in zip(figure.subplots(2, 1, sharex=True), PANELS.items(), strict=True):  # type: ignore[attr-defined]
        for color, model in zip(PALETTE, models, strict=False):
            lines = rows[(rows["model"] == model) & (rows["quantity"] == quantity)]
            for source, line in lines.groupby("source"):
                is_own = source == "computed"
                style = {"marker": ".", "label": model} if is_own else {"linestyle": ":", "label": f"{model}, {source}"}
                axes.plot(line["depth"], line["value"], color=color, **style)
        axes.set_ylabel(label)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(bottom=0)
        if axes.lines:
            axes.legend()
    axes.set_xlabel("relative depth")
