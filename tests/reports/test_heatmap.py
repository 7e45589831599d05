from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from dimscope.reports.heatmap import describe_overlap, heatmap_svg
from dimscope.reports.neighborhoods import Neighborhoods


def test_every_square_shows_its_pair(hoods: Neighborhoods) -> None:
    assert hoods.overlap is not None
    root = ElementTree.fromstring(heatmap_svg(hoods.overlap, hoods.layers))
    rows = [element for element in root.iter("g") if element.get("data-layer")]
    assert [row.get("data-layer") for row in rows] == list(hoods.layers)
    for place, row in enumerate(rows):
        cells = [cell for cell in row if cell.get("class") == "cell"]
        assert [cell.get("data-other") for cell in cells] == list(hoods.layers)
        opacities = [float(str(cell.get("fill-opacity"))) for cell in cells]
        np.testing.assert_allclose(opacities, hoods.overlap.values[place], atol=0.005)
        lefts = [float(str(cell.get("x"))) for cell in cells]
        np.testing.assert_allclose(np.diff(lefts), float(str(cells[0].get("width"))), atol=0.11)
        shown = [float(str(cell.get("data-value")).split(" ")[0]) for cell in cells]
        np.testing.assert_allclose(shown, hoods.overlap.values[place], atol=0.006)


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
