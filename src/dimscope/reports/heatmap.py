"""The overlap of every layer with every other one, as a picture that follows the page's colours."""

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from dimscope.overlaps.matrix import OverlapMatrix
from dimscope.profile import format_number
from dimscope.reports.context import cell_of

SIDE = 520
LABELS_LEFT, LABELS_TOP = 112, 8
MOST_LABELS = 17
"""Names that fit below each other."""


def heatmap_svg(overlap: OverlapMatrix, layers: Sequence[str]) -> str:
    """An `<svg>` with one group per layer (row) and one square per other layer, darker where more neighbours are shared.

    Each square carries its layer and value in `data-other` and `data-value`; the text alternative names the extremes.
    """
    cell = SIDE / len(layers)
    box = f"0 0 {LABELS_LEFT + SIDE + 8} {LABELS_TOP + SIDE + 8}"
    root = ElementTree.Element("svg", {"viewBox": box, "role": "img", "aria-label": describe_overlap(overlap, layers)})
    step = -(-len(layers) // MOST_LABELS)
    group = ElementTree.SubElement(root, "g", {"class": "layers heat", "pointer-events": "all"})
    for row, name in enumerate(layers):
        element = ElementTree.SubElement(group, "g", {"class": "layer", "data-layer": name})
        ElementTree.SubElement(element, "title").text = _row_text(overlap, layers, row)
        top = LABELS_TOP + row * cell
        for column, other in enumerate(layers):
            _add_cell(element, overlap, (row, column), other, cell)
        frame = {"x": f"{LABELS_LEFT}", "y": f"{top:.1f}", "width": f"{SIDE}", "height": f"{cell:.1f}", "class": "frame"}
        ElementTree.SubElement(element, "rect", frame)
        if row % step == 0:
            place = {"x": f"{LABELS_LEFT - 8}", "y": f"{top + cell / 2 + 4:.1f}", "text-anchor": "end", "class": "tick"}
            ElementTree.SubElement(element, "text", place).text = name
    return ElementTree.tostring(root, encoding="unicode")


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


def _add_cell(element: ElementTree.Element, overlap: OverlapMatrix, place: tuple[int, int], other: str, cell: float) -> None:
    row, column = place
    value = float(overlap.values[place])
    box = {"x": LABELS_LEFT + column * cell, "y": LABELS_TOP + row * cell, "width": cell, "height": cell}
    opacity = f"{value:.2f}" if np.isfinite(value) else "0"
    shape = {name: f"{number:.1f}" for name, number in box.items()}
    data = {"class": "cell", "fill-opacity": opacity, "data-other": other, "data-value": _value_text(overlap, place)}
    ElementTree.SubElement(element, "rect", {**shape, **data})


def _row_text(overlap: OverlapMatrix, layers: Sequence[str], row: int) -> str:
    """What the keyboard and readers get of a row: the layers beside it and the two ends."""
    wanted = [place for place in (0, row - 1, row + 1, len(layers) - 1) if 0 <= place < len(layers) and place != row]
    lines = [f"overlap with {layers[place]} {_value_text(overlap, (row, place))}" for place in dict.fromkeys(wanted)]
    return "\n".join([layers[row], *lines])


def _value_text(overlap: OverlapMatrix, place: tuple[int, int]) -> str:
    if place[0] == place[1]:
        return "1"
    return str(cell_of(format_number(float(overlap.values[place]), float(overlap.stderr[place]))))
