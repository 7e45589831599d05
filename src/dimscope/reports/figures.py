"""Plots as parts of a page: SVG that follows the page's colours, with one area per layer that can be pointed at.

Matplotlib lays the figure out; afterwards its own transforms say where each layer stands, so that areas and drawing agree to
a hundredth of a point. Colours become CSS variables with the printed colour as fallback, letters stay text in the page's font.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from dimscope.plots import Panel, Plot
from dimscope.plots.lines import CONTROL_ID
from dimscope.plots.published import SITE as PUBLISHED
from dimscope.plots.scale import SCALE_ID
from dimscope.plots.theme import GRID, INK, MUTED, PALETTE, PAPER

HREF = "{http://www.w3.org/1999/xlink}href"
COLORS = {
    INK: "currentColor",
    MUTED: f"var(--muted, {MUTED})",
    GRID: f"var(--grid, {GRID})",
    PAPER: f"var(--surface, {PAPER})",
    **{color: f"var(--series-{place}, {color})" for place, color in enumerate(PALETTE)},
}
OPTIONAL = {CONTROL_ID: "data-control", SCALE_ID: "data-scale"}
"""Start of an id -> the attribute by which the page shows or hides such parts; its value is the word after the start."""
# Without any style sheet (a notebook) the areas must be invisible and still answer the pointer with their <title>.
AREAS = {"class": "layers", "fill": "none", "pointer-events": "all"}


class Dot(NamedTuple):
    """One drawn number of a layer."""

    x: float
    y: float
    quantity: str


@dataclass(frozen=True)
class Slot:
    """Where one layer stands in one panel, in units of the SVG's view box (y grows downwards).

    Attributes:
        name: of the layer.
        x: its place; for a line along the ranks, of its first point.
        left, right, top, bottom: the area that belongs to it.
        dots: its drawn points.
    """

    name: str
    x: float
    left: float
    right: float
    top: float
    bottom: float
    dots: tuple[Dot, ...]


def interactive_svg(plot: Plot, prefix: str, label: str, texts: Mapping[str, str] | None) -> str:
    """The plot as an `<svg>` element to put into a page.

    Each layer's dots stand as `data-dots`, height and place in the list of quantities, for the page's script to draw.

    Args:
        plot: of one profile.
        prefix: starts every id, so that ids stay unique in the page.
        label: what the figure shows, for readers who cannot see it.
        texts: layer -> its name and its values in words, one line per quantity of the plot; the first panel carries them, and
            shows them where there is no script. None for a second drawing of the same figure, which needs them no more.
    """
    page, height = _bare_svg(plot, prefix, label)
    page.extend(_layer_groups(plot, height, texts))
    return _text_of(page)


def plain_svg(plot: Plot, prefix: str, label: str) -> str:
    """The same without areas to point at: for a figure of several runs, whose layers share names."""
    return _text_of(_bare_svg(plot, prefix, label)[0])


def _bare_svg(plot: Plot, prefix: str, label: str) -> tuple[ElementTree.Element, float]:
    """The drawing in the page's colours, and its height in points."""
    if len(plot.panels) == 1:
        plot.panels[0].axes.set_title("", loc="left")  # the page's heading says it
    root = ElementTree.fromstring(plot.svg(has_text=True))
    _remove_parts(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _localize(element, prefix)
    width, height = root.attrib["width"].rstrip("pt"), root.attrib["height"].rstrip("pt")
    page = ElementTree.Element("svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": label})
    page.extend(child for child in root if child.tag in ("g", "defs"))
    return page, float(height)


def _text_of(page: ElementTree.Element) -> str:
    ElementTree.indent(page, space="")
    return ElementTree.tostring(page, encoding="unicode")


def layer_slots(plot: Plot, panel: Panel) -> list[Slot]:
    """One slot per layer of a panel, in the order of the rows; call it after the figure was drawn."""
    figure = plot.figure
    scale = 72 / figure.dpi
    height = float(figure.get_figheight()) * 72
    box = panel.axes.get_window_extent()
    top, bottom = height - box.y1 * scale, height - box.y0 * scale
    rows = panel.rows[panel.rows["site"] != PUBLISHED].reset_index(drop=True)
    drawn = rows[["x", "value"]].to_numpy(dtype=float)
    known = np.isfinite(drawn[:, 1])
    places = panel.axes.transData.transform(np.column_stack([drawn[:, 0], np.where(known, drawn[:, 1], 0.0)])) * scale
    places[~known, 1] = np.nan  # such a layer has a place on the axis, but no dot
    points = {
        str(name): [Dot(places[row, 0], height - places[row, 1], str(rows.at[row, "quantity"])) for row in part.index]
        for name, part in rows.groupby("name", sort=False)
    }
    if panel.along == "rank":
        return [_slot_of_line(name, found) for name, found in points.items()]
    centers = {name: float(found[0].x) for name, found in points.items()}
    edges = _edges(sorted(set(centers.values())), box.x0 * scale, box.x1 * scale)
    return [Slot(name, centers[name], *edges[centers[name]], top, bottom, _finite(points[name])) for name in points]


def _slot_of_line(name: str, points: Sequence[Dot]) -> Slot:
    dots = _finite(points)
    xs, ys = [dot.x for dot in dots] or [0.0], [dot.y for dot in dots] or [0.0]
    return Slot(name, xs[0], min(xs), max(xs), min(ys), max(ys), dots)


def _edges(centers: list[float], left: float, right: float) -> dict[float, tuple[float, float]]:
    between = [(a + b) / 2 for a, b in pairwise(centers)]
    bounds = [left, *between, right]
    return {center: (bounds[place], bounds[place + 1]) for place, center in enumerate(centers)}


def _finite(points: Sequence[Dot]) -> tuple[Dot, ...]:
    return tuple(dot for dot in points if np.isfinite(dot.x) and np.isfinite(dot.y))


def _layer_groups(plot: Plot, height: float, texts: Mapping[str, str] | None) -> Iterable[ElementTree.Element]:
    quantities = list(dict.fromkeys(plot.frame()["quantity"]))  # in the order of the lines of `texts`
    for number, panel in enumerate(plot.panels):
        named = {"data-panel": str(number), "data-along": panel.along, "data-quantities": " ".join(quantities)}
        group = ElementTree.Element("g", {**AREAS, **named})
        for slot in layer_slots(plot, panel):
            element = ElementTree.SubElement(group, "g", {"class": "layer", "data-layer": slot.name})
            if number == 0 and texts is not None:
                ElementTree.SubElement(element, "title").text = texts.get(slot.name, slot.name)
            _add_area(element, slot, quantities) if panel.along == "layer" else _add_line(element, slot)
        yield group


def _add_area(element: ElementTree.Element, slot: Slot, quantities: Sequence[str]) -> None:
    area = {"x": slot.left, "y": slot.top, "width": slot.right - slot.left, "height": slot.bottom - slot.top}
    ElementTree.SubElement(element, "rect", {"class": "hit", **_rounded(area)})
    guide = {"x1": slot.x, "x2": slot.x, "y1": slot.top, "y2": slot.bottom}
    ElementTree.SubElement(element, "line", {"class": "guide", **_rounded(guide)})
    if slot.dots:
        element.set("data-dots", " ".join(f"{dot.y:.2f}:{quantities.index(dot.quantity)}" for dot in slot.dots))


def _add_line(element: ElementTree.Element, slot: Slot) -> None:
    points = " ".join(f"{dot.x:.2f},{dot.y:.2f}" for dot in slot.dots)
    ElementTree.SubElement(element, "polyline", {"class": "hit", "points": points})
    ElementTree.SubElement(element, "polyline", {"class": "trace", "points": points})


def _rounded(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.2f}" for name, value in values.items()}


def _remove_parts(root: ElementTree.Element) -> None:
    # Matplotlib's own style sheet begins with `*` and would reach the whole page; the page's CSS says the same for figures.
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)


def _localize(element: ElementTree.Element, prefix: str) -> None:
    """Unique ids, the page's colours, the page's font; numbers with two digits after the point."""
    attributes = element.attrib
    if HREF in attributes:
        attributes["href"] = f"#{prefix}-{attributes.pop(HREF)[1:]}"
    if "id" in attributes:
        # Only clip paths and markers are referred to; ids of groups would only make the page larger.
        name = attributes.pop("id")
        start, _, rest = name.partition("-")
        if start in OPTIONAL:
            attributes[OPTIONAL[start]] = rest.split("-")[0]
        if element.tag in ("path", "clipPath"):
            attributes["id"] = f"{prefix}-{name}"
    if "clip-path" in attributes:
        attributes["clip-path"] = attributes["clip-path"].replace("url(#", f"url(#{prefix}-")
    if "style" in attributes:
        attributes["style"] = _style(attributes["style"])
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    for name in ("d", "x", "y", "transform"):
        if name in attributes:
            attributes[name] = _short_numbers(" ".join(attributes[name].split()))


def _style(style: str) -> str:
    parts = [part.strip() for part in style.split(";") if part.strip() and not part.strip().startswith("font-family")]
    joined = ";".join(part.replace(": ", ":") for part in parts)
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: COLORS.get(match.group(), match.group()), joined)


def _short_numbers(text: str) -> str:
    return re.sub(r"-?\d+\.\d+", lambda match: f"{float(match.group()):.2f}".rstrip("0").rstrip("."), text)
