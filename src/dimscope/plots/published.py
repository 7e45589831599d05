"""The published curves, to lay a run over them."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.plots.base import FINAL_NORM, Rows, Runs
from dimscope.plots.lines import Entry
from dimscope.plots.theme import PALETTE

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

SITE = "published"
"""The site of a point that belongs to no layer of the run."""

SLOTS = {"ESM-2 35M": 0, "ESM-2 650M": 1, "ESM-2 3B": 2, "iGPT-L": 3, "ESM-2 8M": 3}
"""Place of each model among the colours that no run has, the same in all plots; no plot has both models of one place."""


def published_rows() -> "pandas.DataFrame":
    """The curves of Valeriani et al. 2023 (arXiv 2302.00294), digitised: +-0.3 for a dimension, +-0.01 for an overlap.

    One row per point: model, quantity (`dimension`, `label_overlap`, `overlap_next`), layer, depth (point / last point; an
    overlap with the next layer stands at the first of the two), value, error (none), kept, source.
    """
    import pandas

    with files("dimscope").joinpath("paper", "data", "published_curves.csv").open(encoding="utf-8") as handle:
        rows = pandas.read_csv(handle).rename(columns={"point": "layer"})
    names = rows["quantity"].str.extract(r"^(.+?)(?:_k(\d+))?$")
    steps = rows.groupby(["model", "quantity"])["layer"].transform("max") + (names[0] == "overlap_next")
    source = np.where(names[1].notna(), "published, k = " + names[1].fillna(""), "published")
    return rows.assign(quantity=names[0], depth=rows["layer"] / steps, error=np.nan, kept=1.0, source=source)


def draw_published(axes: "Axes", runs: Runs, quantity: str = "dimension") -> tuple[list[Rows], list[Entry]]:
    """The published curves as dotted lines at their depth, their numbers and their entries of the legend.

    Nothing for a run whose layers have no depth.
    """
    last = 1.0 if runs.is_comparison else _last_place(runs)
    if not last:
        return [], []
    rows = published_rows()
    known = rows[rows["quantity"] == quantity].groupby(["model", "source"], sort=False)
    drawn, entries = [], []
    free = max(2, len(runs.profiles) if runs.is_comparison and not runs.is_ordered else 0)  # one run also has other scales
    for (model, source), part in known:
        color = PALETTE[(free + SLOTS[str(model)]) % len(PALETTE)]
        style: dict[str, Any] = {"color": color, "linewidth": 1.1, "linestyle": (0, (1.2, 1.4))}
        axes.plot(part["depth"] * last, part["value"], **style)
        entries.append(Entry(f"{model}, {source}", style))
        drawn.append(_as_rows(str(model), part, last))
    return drawn, entries


def _last_place(runs: Runs) -> float:
    """Where depth 1 stands on the axis of layers; 0 for a run of one layer."""
    layers = [layer for profile in runs.profiles.values() for layer in profile.layers if layer.site != FINAL_NORM]
    deepest = max(layers, key=lambda layer: layer.depth, default=None)
    return deepest.index / deepest.depth if deepest is not None and deepest.depth > 0 else 0.0


def _as_rows(model: str, part: "pandas.DataFrame", last: float) -> Rows:
    return part[["layer", "depth", "quantity", "value", "error"]].assign(
        run=model, name=[f"point_{point:02d}" for point in part["layer"]], site=SITE, x=part["depth"] * last, chance=np.nan
    )
