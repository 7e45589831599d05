import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from dimscope.plots import PLOTS, plot_dimension
from dimscope.profile import Profile
from dimscope.reports.figures import interactive_svg, layer_slots


@pytest.fixture(scope="session")
def profile(make_synthetic) -> Profile:
    """Numbers for every plot, those of overlaps at several k among them."""
    found: Profile = make_synthetic(has_scaling=True)
    return found


def parsed(name: str, profile: Profile, size: str = "screen") -> ElementTree.Element:
    return ElementTree.fromstring(interactive_svg(PLOTS.load(name)(profile, size=size), "p", "words", {}))


def groups_of(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [element for element in root.iter("g") if element.get("class") == "layers"]


def markers_of(root: ElementTree.Element) -> list[tuple[float, float]]:
    """Where matplotlib itself put markers: every `<use>` of the drawing."""
    return [(float(use.get("x", "nan")), float(use.get("y", "nan"))) for use in root.iter("use")]


@pytest.mark.parametrize("size", ["screen", "half", "column"])
@pytest.mark.parametrize("name", list(PLOTS))
def test_every_layer_has_an_area_at_its_place_in_every_panel(name: str, size: str, profile: Profile) -> None:
    plot = PLOTS.load(name)(profile, size=size)
    root = ElementTree.fromstring(interactive_svg(plot, "p", "words", {}))
    markers = np.array(markers_of(root))
    assert len(groups_of(root)) == len(plot.panels)
    for group in groups_of(root):
        layers = [element for element in group if element.get("class") == "layer"]
        assert [element.get("data-layer") for element in layers] == [layer.name for layer in profile.layers]
        for layer in layers:
            for x, y in places_of(layer):
                assert np.abs(markers - [x, y]).sum(axis=1).min() < 0.03, (layer.get("data-layer"), x, y)


def places_of(layer: ElementTree.Element) -> list[tuple[float, float]]:
    trace = layer.find("polyline")
    if trace is not None:
        pairs = (pair.split(",") for pair in str(trace.get("points")).split())
        return [(float(x), float(y)) for x, y in pairs]
    rect, guide = layer.find("rect"), layer.find("line")
    assert rect is not None and guide is not None
    left, x = float(rect.get("x", "nan")), float(guide.get("x1", "nan"))
    assert left <= x <= left + float(rect.get("width", "nan"))
    return [(x, y) for y, _ in dots_of(layer)]


def dots_of(layer: ElementTree.Element) -> list[tuple[float, int]]:
    """Height, and place in the list of quantities."""
    pairs = (dot.split(":") for dot in str(layer.get("data-dots", "")).split())
    return [(float(y), int(place)) for y, place in pairs]


def test_areas_do_not_overlap_and_fill_the_axes(profile: Profile) -> None:
    plot = PLOTS.load("dimension")(profile)
    plot.svg(has_text=True)
    slots = layer_slots(plot, plot.panels[0])
    for left, right in pairwise(slots):
        assert left.right == pytest.approx(right.left)
    box = plot.axes[0].get_position()
    assert slots[0].left == pytest.approx(box.x0 * 3.5 * 72)
    assert slots[-1].right == pytest.approx(box.x1 * 3.5 * 72)


def test_a_layer_without_a_value_has_an_area_and_no_dot(profile: Profile) -> None:
    data = profile.dataset.copy(deep=True)
    data["dimension"].values[4] = np.nan
    text = interactive_svg(PLOTS.load("dimension")(Profile(data)), "p", "words", {})
    layer = next(g for g in ElementTree.fromstring(text).iter("g") if g.get("data-layer") == "block_04")
    assert layer.find("rect") is not None
    assert layer.get("data-dots") is None
    assert "nan" not in text


def test_colors_follow_the_page_and_letters_its_font(profile: Profile) -> None:
    text = interactive_svg(PLOTS.load("label_overlap")(profile), "p", "words", {})
    assert "font-family" not in text
    assert "fill:currentColor" in text
    assert "var(--series-1, #d55e00)" in text
    assert re.findall(r"(?<!, )#(?:[0-9a-f]{6})\b", text) == []


def test_ids_begin_with_the_prefix_and_every_reference_is_met(profile: Profile) -> None:
    for name in PLOTS:
        text = interactive_svg(PLOTS.load(name)(profile), "only-here", "words", {})
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids))
        assert all(found.startswith("only-here-") for found in ids)
        assert set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_nothing_of_matplotlib_reaches_the_page(profile: Profile) -> None:
    root = parsed("scale", profile)
    assert {element.tag for element in root.iter()} & {"style", "metadata", "image"} == set()


def test_the_figure_is_described_and_layers_carry_their_values(profile: Profile) -> None:
    texts = {"block_03": "block_03\ndimension <1>"}
    root = ElementTree.fromstring(interactive_svg(PLOTS.load("dimension")(profile), "p", 'a "label" <b>', texts))
    assert (root.get("role"), root.get("aria-label")) == ("img", 'a "label" <b>')
    titles = {g.get("data-layer"): g.findtext("title") for g in root.iter("g") if g.get("class") == "layer"}
    assert titles["block_03"] == texts["block_03"]
    assert titles["block_04"] == "block_04"
    second = interactive_svg(PLOTS.load("dimension")(profile), "p", "words", None)
    assert "<title>" not in second and 'data-layer="block_03"' in second


def test_only_the_first_panel_carries_the_values(profile: Profile) -> None:
    first, *others = groups_of(parsed("spectrum", profile))
    assert len(others) > 1
    assert all(layer.find("title") is not None for layer in first)
    assert not any(layer.find("title") is not None for group in others for layer in group)


def test_controls_can_be_told_from_the_run(controlled: Profile, profile: Profile) -> None:
    groups = parsed("dimension", controlled).iter("g")
    found = [element.get("data-control") for element in groups if element.get("data-control")]
    assert found == ["untrained", "untrained"]  # band and line
    ids = [element.get("id") for element in ElementTree.fromstring(PLOTS.load("overview")(controlled).svg()).iter()]
    kept = [name for name in ids if name and name.startswith("control-")]
    assert len(kept) == len(set(kept)) == 4
    assert not any(element.get("data-control") for element in parsed("dimension", profile).iter())


def test_dots_say_to_which_curve_they_belong(controlled: Profile) -> None:
    plot = plot_dimension(controlled, show_scales=True)
    root = ElementTree.fromstring(interactive_svg(plot, "p", "words", {}))
    layer = next(g for g in root.iter("g") if g.get("data-layer") == "block_03")
    assert [place for _, place in dots_of(layer)] == list(range(8))
    quantities = groups_of(root)[0].get("data-quantities")
    assert quantities == "dimension gride_2 gride_4 gride_8 gride_16 gride_32 gride_64 dimension_untrained"
    drawn = [g.get("data-scale") for g in root.iter("g") if g.get("data-scale")]
    assert sorted(drawn) == sorted(2 * ["2", "4", "8", "16", "32", "64"])  # band and line


def test_points_of_published_curves_are_no_layers(profile: Profile) -> None:
    plot = plot_dimension(profile, show_published=True)
    root = ElementTree.fromstring(interactive_svg(plot, "p", "words", {}))
    names = [g.get("data-layer") for g in root.iter("g") if g.get("data-layer")]
    assert names == [layer.name for layer in profile.layers]
    assert [len(dots_of(g)) for g in root.iter("g") if g.get("data-layer")] == [1] * len(names)
