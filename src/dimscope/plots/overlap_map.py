"""The overlap of every layer of one run with every layer of another, as a map."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import UsageError
from dimscope.overlaps.runs import RunOverlap
from dimscope.plots.base import Panel, Plot, Rows, new_figure
from dimscope.plots.theme import shorten, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORMAP = "cividis"
"""Made for colour-deficient vision: Nunez, Anderton, Renslow 2018, doi 10.1371/journal.pone.0199239."""
MOST_WRITTEN = 14
"""With more layers on one side the numbers in the cells would not be legible."""
MOST_TICKS = 14
STEPS = 40
"""Steps of the colours; with more than 50 matplotlib would put a picture of pixels into the bar."""
ON_DARK, ON_LIGHT = "#fefefe", "#101010"
"""Letters inside cells; unlike the theme's ink they stay as they are when a page is dark."""
LONGEST = 30


def plot_overlap_map(found: RunOverlap, names: tuple[str, str], *, size: str = "half") -> Plot:
    """Mean shared fraction of the k neighbours of every layer of the first run (rows) and of the second (columns).

    Colours go from 0 to the next tenth above the largest value. The chance level stands beside the bar. The input is at the
    bottom left, as in figures against depth.

    Args:
        found: result of `run_overlap`.
        names: what the two runs are called.
        size: `column`, `half`, `page` or `screen`.

    Returns:
        `Plot`, whose `frame()` has the columns run, name, other_run, other_name, quantity, value, error, chance.

    Raises:
        UsageError: unknown size, or the names are not two.

    Examples:
        >>> plot_overlap_map(run_overlap("runs/a", "runs/b"), ("a", "b")).save("map.svg")  # doctest: +SKIP
    """
    if not isinstance(found, RunOverlap):
        raise UsageError(f"a map of two runs draws what run_overlap returns, found {type(found).__name__}.")
    if len(names) != 2:
        raise UsageError(f"a map of two runs needs two names, found {len(names)}.")
    from matplotlib import colormaps

    values = found.matrix.values
    top = _ceiling(values)
    with themed(size):
        colors = colormaps[COLORMAP].resampled(STEPS)
        figure, (axes,) = new_figure(size, height=1.25)
        mesh = axes.pcolormesh(np.ma.masked_invalid(values), cmap=colors, vmin=0, vmax=top, edgecolors="face", linewidth=0.2)
        axes.grid(visible=False)
        axes.set_aspect("equal" if 0.5 < values.shape[0] / values.shape[1] < 2 else "auto")
        _label(axes, found, names)
        if max(values.shape) <= MOST_WRITTEN:
            _write_values(axes, values, top)
        axes.set_title("Overlap of layers", loc="left")
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, aspect=28)
        bar.ax.set_ylabel(f"shared fraction of {found.matrix.k} neighbours (chance {np.nanmean(found.matrix.chance):.2g})")
        if bar.solids is not None:
            bar.solids.set_edgecolor("face")
        bar.outline.set_visible(False)
    return Plot(figure, (Panel(axes, map_rows(found, names)),), size)


def map_rows(found: RunOverlap, names: tuple[str, str]) -> Rows:
    """One row per cell of the map."""
    import pandas

    shape = found.matrix.values.shape
    rows, columns = (index.ravel() for index in np.indices(shape))
    return pandas.DataFrame(
        {
            "run": [names[0]] * len(rows),
            "name": [found.layers_a[row] for row in rows],
            "other_run": [names[1]] * len(rows),
            "other_name": [found.layers_b[column] for column in columns],
            "quantity": ["overlap"] * len(rows),
            "value": found.matrix.values.ravel(),
            "error": found.matrix.stderr.ravel(),
            "chance": found.matrix.chance.ravel(),
        }
    )


def _label(axes: "Axes", found: RunOverlap, names: tuple[str, str]) -> None:
    for axis, layers, name in ((axes.yaxis, found.layers_a, names[0]), (axes.xaxis, found.layers_b, names[1])):
        step = -(-len(layers) // MOST_TICKS)
        places = range(0, len(layers), step)
        options: dict[str, Any] = {"rotation": 90} if axis is axes.xaxis else {}
        axis.set_ticks([place + 0.5 for place in places], [layers[place] for place in places], **options)
        axis.set_label_text(shorten(name, LONGEST))


def _ceiling(values: FloatArray) -> float:
    """The next tenth above the largest value, from 0.1 to 1."""
    finite = values[np.isfinite(values)]
    return max(0.1, float(np.ceil(finite.max() * 10 - 1e-9)) / 10) if len(finite) else 1.0


def _write_values(axes: "Axes", values: FloatArray, top: float) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            color = ON_DARK if value < top / 2 else ON_LIGHT
            axes.text(column + 0.5, row + 0.5, f"{value:.2f}".lstrip("0"), ha="center", va="center", color=color, fontsize=5.5)
