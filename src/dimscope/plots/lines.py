"""Pieces that the plots share: a line with its error band, chance levels, the layer axis, the legend."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.plots.base import FINAL_NORM, Rows, Runs
from dimscope.plots.theme import CONTROL_WORDS, MUTED, PAPER, shorten, size_of
from dimscope.profile import CONTROLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND_OPACITY = 0.22
TICK_STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 25, 40, 50, 100, 200, 500, 1000)
MOST_STEPS = 12
"""Steps of an order that a legend names; the colours between them say the rest."""
CROWDED = 40
"""More layers than this are drawn without a marker each."""


class Entry(NamedTuple):
    """One line of a legend: its text and the style of its sample."""

    label: str
    style: dict[str, Any]


CONTROL_ID = "control"
"""Starts the SVG ids of lines and bands of controls, by which a page hides them."""
CONTROL_DASHES = dict(zip(CONTROLS, ((0, (6, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 3))), strict=True))
CHANCE = Entry("chance", {"color": MUTED, "linewidth": 1.0, "linestyle": (0, (3, 2))})
NORM = Entry("final norm", {"color": MUTED, "marker": "D", "markerfacecolor": PAPER, "markersize": 4.2, "linestyle": "none"})


def draw_line(axes: "Axes", rows: "Rows", style: dict[str, Any], *, marker: str = "o") -> None:
    """One quantity of one run: line, band of one standard error, and the final norm as an open diamond of its own."""
    path = rows[rows["site"] != FINAL_NORM]
    x, value, error = (path[key].to_numpy(dtype=float) for key in ("x", "value", "error"))
    axes.fill_between(x, value - error, value + error, color=style["color"], alpha=BAND_OPACITY, linewidth=0)
    size = 3.6 if len(path) <= CROWDED else 0.0
    if len(path) == 1:
        axes.errorbar(x, value, yerr=np.nan_to_num(error), fmt="none", ecolor=style["color"], elinewidth=1.2)
    axes.plot(x, value, marker=marker if len(path) <= CROWDED else "", markersize=size, **style)
    _draw_norm(axes, rows[rows["site"] == FINAL_NORM], style["color"])


def _draw_norm(axes: "Axes", rows: "Rows", color: str) -> None:
    if not len(rows):
        return
    x, value, error = (rows[key].to_numpy(dtype=float) for key in ("x", "value", "error"))
    axes.errorbar(
        x, value, yerr=np.nan_to_num(error), fmt="D", color=color, markersize=4.2, markerfacecolor=PAPER,
        markeredgewidth=1.2, elinewidth=1.0,
    )  # fmt: skip


def draw_runs(axes: "Axes", runs: Runs, rows: "Rows") -> None:
    """One line per run, each in the colour of its place in the comparison."""
    for place, name in enumerate(runs.profiles):
        chosen = rows[rows["run"] == name]
        if len(chosen):
            draw_line(axes, chosen, runs.style(place))
    note_absence(axes, rows)


def draw_controls(axes: "Axes", runs: Runs, quantity: str) -> "tuple[list[Rows], list[Entry]]":
    """The controls of one profile as dashed grey lines behind it, their numbers and their entries of the legend.

    Nothing in a comparison, whose lines are runs. The final norm of a control is left out; the table has it.
    """
    drawn: list[Rows] = []
    entries: list[Entry] = []
    for name in () if runs.is_comparison else CONTROLS:
        rows = runs.rows(f"{quantity}_{name}")
        rows = rows[rows["site"] != FINAL_NORM]
        if not len(rows):
            continue
        style: dict[str, Any] = {"color": MUTED, "linewidth": 1.1, "linestyle": CONTROL_DASHES[name]}
        x, value, error = (rows[key].to_numpy(dtype=float) for key in ("x", "value", "error"))
        band = axes.fill_between(x, value - error, value + error, color=MUTED, alpha=BAND_OPACITY / 2, linewidth=0)
        (line,) = axes.plot(x, value, marker="o" if len(rows) == 1 else "", markersize=3.0, **style)
        for place, artist in enumerate((band, line)):
            artist.set_gid(f"{CONTROL_ID}-{name}-{quantity}-{place}")  # ids of an SVG must differ
        drawn.append(rows)
        entries.append(Entry(CONTROL_WORDS[name], style))
    return drawn, entries


def joined(parts: "Sequence[Rows]") -> "Rows":
    """Several tables of drawn numbers as one."""
    import pandas

    return pandas.concat(list(parts), ignore_index=True)


def draw_chance(axes: "Axes", rows: "Rows", color: str = MUTED, *, runs: Runs | None = None) -> bool:
    """The chance level as a dashed line; False when none is known.

    Where it differs between runs, or along the layers, each run has a line, in its colour when `runs` is given.
    """
    known = rows[np.isfinite(rows["chance"].to_numpy(dtype=float))]
    if not len(known):
        return False
    level = known["chance"].to_numpy(dtype=float)
    style: dict[str, Any] = {"color": color, "linewidth": 1.0, "linestyle": (0, (3, 2)), "alpha": 0.9}
    if np.ptp(level) <= 1e-3 * max(level.max(), 1e-12) or len(level) == 1:
        axes.axhline(float(level.mean()), **style)
    else:
        places = {} if runs is None or not runs.is_comparison else {name: at for at, name in enumerate(runs.profiles)}
        for name, part in known.groupby("run", sort=False):
            own = {"color": runs.style(places[str(name)])["color"]} if runs is not None and places else {}
            axes.plot(part["x"].to_numpy(dtype=float), part["chance"].to_numpy(dtype=float), **{**style, **own})
    return True


def note_absence(axes: "Axes", rows: "Rows") -> None:
    """Say so inside axes that have nothing to show."""
    if not np.isfinite(rows["value"].to_numpy(dtype=float)).any():
        axes.text(0.5, 0.5, "no value in any layer", transform=axes.transAxes, ha="center", va="center", color=MUTED)


def start_at_zero(axes: "Axes", values: FloatArray, error: FloatArray | None = None) -> None:
    """A y axis from zero, so that a fall by half looks like one, to just above the largest value with its error."""
    top = values if error is None else values + np.nan_to_num(error)
    finite = top[np.isfinite(top)]
    if not len(finite):
        axes.set_yticks([])  # a scale would suggest numbers
        return
    axes.locator_params(axis="y", nbins=6, steps=[1, 2, 5, 10])
    if finite.max() > 0:
        axes.set_ylim(0, float(finite.max()) * 1.09)


def label_layer_axis(axes: "Axes", runs: Runs, size: str, *, share: float = 1.0) -> None:
    """Ticks, limits and label of an x axis that counts layers (one run) or depth (a comparison).

    Args:
        axes: the axes.
        runs: what is drawn.
        size: name of the figure's size.
        share: the part of the figure's width that these axes have.
    """
    if runs.is_comparison:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xlabel("depth (layer / number of blocks)" if share == 1 else "depth")
        return
    profile = next(iter(runs.profiles.values()))
    rows = runs.rows("dimension")
    x = rows["x"].to_numpy(dtype=float)
    pad = max(0.5, 0.025 * float(np.ptp(x)))
    axes.set_xlim(float(x.min()) - pad, float(x.max()) + pad)
    is_norm = (rows["site"] == FINAL_NORM).to_numpy()
    places = layer_ticks([layer.index for layer in profile.layers if layer.site != FINAL_NORM], size, share)
    norm = float(x[is_norm][0]) if is_norm.any() else None
    if norm is not None:
        room = 0.45 / (size_of(size).width * share) * float(np.ptp(x) + 2 * pad)
        places = [place for place in places if norm - place >= room]
    labels = [str(place) for place in places]
    axes.set_xticks([*places, *([norm] if norm is not None else [])], [*labels, *(["norm"] if norm is not None else [])])
    has_embedding = any(layer.site == "embed" for layer in profile.layers) and share == 1
    axes.set_xlabel("layer (0 = embedding)" if has_embedding else "layer")


def layer_ticks(indices: Sequence[int], size: str, share: float = 1.0) -> list[int]:
    """Round layer numbers between the first and last that fit beside each other."""
    if not indices:
        return []
    most = max(3, int(size_of(size).width * share * 2))
    low, high = min(indices), max(indices)
    step = next((step for step in TICK_STEPS if (high - low) / step <= most), TICK_STEPS[-1])
    return [place for place in range(low, high + 1) if place % step == 0] or [low]


def add_legend(figure: "Figure", entries: Sequence[Entry], size: str) -> None:
    """One legend below all axes; nothing without entries."""
    from matplotlib.lines import Line2D

    if not entries:
        return
    wanted = size_of(size)
    widest = max(len(entry.label) for entry in entries) + 7
    columns = max(1, min(len(entries), int(wanted.width * 72 / (wanted.font * 0.55) // widest)))
    handles = [Line2D([], [], **entry.style) for entry in entries]
    # The texts are set afterwards: matplotlib leaves out entries whose label begins with an underscore.
    legend = figure.legend(handles, ["entry"] * len(entries), loc="outside lower center", ncols=columns)
    for text, entry in zip(legend.get_texts(), entries, strict=True):
        text.set_text(entry.label)


def run_entries(runs: Runs) -> list[Entry]:
    """One entry per run of a comparison; none for a single profile, whose figure needs no name."""
    if not runs.is_comparison:
        return []
    entries = [Entry(shorten(name), runs.style(place)) for place, name in enumerate(runs.profiles)]
    if not runs.is_ordered or len(entries) <= MOST_STEPS:
        return entries
    kept = sorted({round(step * (len(entries) - 1) / (MOST_STEPS - 1)) for step in range(MOST_STEPS)})
    return [entries[place] for place in kept]


def norm_entry(runs: Runs) -> list[Entry]:
    """What the open diamond means, where one is drawn in a comparison (one profile has a tick for it)."""
    return [NORM] if runs.is_comparison and has_final_norm(runs) else []


def has_final_norm(runs: Runs) -> bool:
    """True when some run holds the output of its last norm."""
    return any(layer.site == FINAL_NORM for profile in runs.profiles.values() for layer in profile.layers)
