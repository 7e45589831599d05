import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from dimscope.overlaps.matrix import OverlapMatrix
from dimscope.reports.heatmap import MOST_ROWS, SEPARATOR, SIDE, describe_overlap, drawn_layers, heatmap_svg, step_of
from dimscope.reports.neighborhoods import Neighborhoods


def test_every_square_shows_its_pair(hoods: Neighborhoods) -> None:
    assert hoods.overlap is not None
    root = ElementTree.fromstring(heatmap_svg(hoods.overlap, hoods.layers))
    rows = [element for element in root.iter("g") if element.get("data-layer")]
    assert [row.get("data-layer") for row in rows] == list(hoods.layers)
    for place, row in enumerate(rows):
        cells = squares_of(row)
        opacities = [float(str(cell.get("opacity"))) for cell in cells]
        np.testing.assert_allclose(opacities, hoods.overlap.values[place], atol=0.005)
        edges = np.array([re.findall(r"[\d.]+", str(cell.get("d"))) for cell in cells], dtype=float)  # x 0 H V x
        np.testing.assert_allclose(edges[:, 0], np.arange(len(cells)) * SIDE / len(cells), atol=0.06)
        np.testing.assert_allclose(edges[:, [2, 3]] - edges[:, [0, 1]], SIDE / len(cells), atol=0.11)
        shown = [float(text.split(" ")[0]) for text in str(row.get("data-values")).split(SEPARATOR)]
        np.testing.assert_allclose(shown, hoods.overlap.values[place], atol=0.006)


def squares_of(row: ElementTree.Element) -> list[ElementTree.Element]:
    return [cell for group in row.iter("g") if group.get("class") == "cells" for cell in group]


@pytest.mark.parametrize(("n_layers", "step"), [(1, 1), (MOST_ROWS, 1), (MOST_ROWS + 1, 2), (200, 4)])
def test_of_many_layers_every_other_one_and_the_last_are_drawn(n_layers: int, step: int) -> None:
    values = np.random.default_rng(0).random((n_layers, n_layers))
    overlap = OverlapMatrix(values, values / 50, values, np.full(values.shape, 9), 5)
    layers = [f"l{place}" for place in range(n_layers)]
    places = drawn_layers(n_layers)
    assert step_of(n_layers) == step
    assert places[:-1] == list(range(0, n_layers - 1, step)) and places[-1] == n_layers - 1
    root = ElementTree.fromstring(heatmap_svg(overlap, layers))
    rows = [element for element in root.iter("g") if element.get("data-layer")]
    assert [row.get("data-layer") for row in rows] == [layers[place] for place in places]
    drawn = np.array([[float(str(cell.get("opacity"))) for cell in squares_of(row)] for row in rows])
    np.testing.assert_allclose(drawn, values[np.ix_(places, places)], atol=0.0051)


def test_the_description_names_the_extremes(hoods: Neighborhoods) -> None:
    assert hoods.overlap is not None
    values = hoods.overlap.values.copy()
    values[2, 7] = values[7, 2] = 0.0123
    text = describe_overlap(replace(hoods.overlap, values=values), hoods.layers)
    assert f"lowest 0.012 between {hoods.layers[2]} and {hoods.layers[7]}." in text


@pytest.mark.parametrize("layers", [2, 14])
def test_a_map_without_numbers_says_so(hoods: Neighborhoods, layers: int) -> None:
    assert hoods.overlap is not None
    empty = replace(hoods.overlap, values=np.full((layers, layers), np.nan), stderr=np.full((layers, layers), np.nan))
    assert describe_overlap(empty, hoods.layers[:layers]).endswith("no value.")
    assert "nan" not in heatmap_svg(empty, hoods.layers[:layers])
