"""The overlap of every layer with every other one, as a picture that follows the page's colours."""

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.overlaps.matrix import OverlapMatrix
from dimscope.profile import format_number
from dimscope.reports.context import cell_of

SIDE = 520
LABELS_TOP, LETTER = 8, 12
"""Room above, and of one letter of a name where letters are largest, on narrow screens."""
MOST_LABELS = 17
"""Names that fit below each other."""
MOST_ROWS = 64
"""Layers that are drawn; of more, every second, third and so on, and the last."""
SEPARATOR = "|"
"""Between the values of a row."""


def heatmap_svg(overlap: OverlapMatrix, layers: Sequence[str]) -> str:
    """An `<svg>` with one group per layer (row) and one square per other layer, darker where more neighbours are shared.

    At most `MOST_ROWS` + 1 layers are drawn (`drawn_layers`). The values of a row stand in its `data-values`, in the order of
    its squares; the text alternative names the extremes.
    """
    places = drawn_layers(len(layers))
    cell = SIDE / len(places)
    labels_left = LETTER * max(len(layers[place]) for place in places) + 16
    box = f"0 0 {labels_left + SIDE + 8} {LABELS_TOP + SIDE + 8}"
    root = ElementTree.Element("svg", {"viewBox": box, "role": "img", "aria-label": describe_overlap(overlap, layers)})
    step = -(-len(places) // MOST_LABELS)
    group = ElementTree.SubElement(root, "g", {"class": "layers heat", "pointer-events": "all"})
    for row, place in enumerate(places):
        name, top = layers[place], LABELS_TOP + row * cell
        values = SEPARATOR.join(_value_text(overlap, (place, other)) for other in places)
        element = ElementTree.SubElement(group, "g", {"class": "layer", "data-layer": name, "data-values": values})
        ElementTree.SubElement(element, "title").text = _row_text(overlap, layers, place)
        _add_cells(element, overlap.values[place, places], (labels_left, top), cell)
        frame = {"x": f"{labels_left}", "y": f"{top:.1f}", "width": f"{SIDE}", "height": f"{cell:.1f}", "class": "frame"}
        ElementTree.SubElement(element, "rect", frame)
        if row % step == 0:
            spot = {"x": f"{labels_left - 8}", "y": f"{top + cell / 2 + 4:.1f}", "text-anchor": "end", "class": "tick"}
            ElementTree.SubElement(element, "text", spot).text = name
    return ElementTree.tostring(root, encoding="unicode")


def drawn_layers(n_layers: int) -> list[int]:
    """Places of the layers in the map: all, or as many at equal steps as fit, and the last."""
    return sorted({*range(0, n_layers, step_of(n_layers)), n_layers - 1})


def step_of(n_layers: int) -> int:
    """From one drawn layer to the next."""
    return max(1, -(-n_layers // MOST_ROWS))


def describe_overlap(overlap: OverlapMatrix, layers: Sequence[str]) -> str:
    """The map in words: the most and the least similar pair of different layers."""
    others = overlap.values.copy()
    np.fill_diagonal(others, np.nan)
    if not np.isfinite(others).any():
        return "Overlap of every layer with every other one: no value."
    most, least = int(np.nanargmax(others)), int(np.nanargmin(others))
    return (
        f"Overlap of every layer with every other one: highest {others.flat[most]:.3f} between {_pair(layers, most)}, "
        f"lowest {others.flat[least]:.3f} between {_pair(layers, least)}."
    )


def _pair(layers: Sequence[str], place: int) -> str:
    return f"{layers[place // len(layers)]} and {layers[place % len(layers)]}"


def _add_cells(element: ElementTree.Element, values: FloatArray, corner: tuple[float, float], cell: float) -> None:
    cells = ElementTree.SubElement(element, "g", {"class": "cells", "transform": f"translate({corner[0]} {corner[1]:.1f})"})
    for column, value in enumerate(values):
        left, right = f"{column * cell:.1f}", f"{(column + 1) * cell:.1f}"
        shape = f"M{left} 0H{right}V{cell:.1f}H{left}z"
        ElementTree.SubElement(cells, "path", {"d": shape, "opacity": f"{value:.2f}" if np.isfinite(value) else "0"})


def _row_text(overlap: OverlapMatrix, layers: Sequence[str], row: int) -> str:
    """What the keyboard and readers get of a row: the layers beside it and the two ends."""
    wanted = [place for place in (0, row - 1, row + 1, len(layers) - 1) if 0 <= place < len(layers) and place != row]
    lines = [f"overlap with {layers[place]} {_value_text(overlap, (row, place))}" for place in dict.fromkeys(wanted)]
    return "\n".join([layers[row], *lines])


def _value_text(overlap: OverlapMatrix, place: tuple[int, int]) -> str:
    if place[0] == place[1]:
        return "1"
    return str(cell_of(format_number(float(overlap.values[place]), float(overlap.stderr[place]))))
