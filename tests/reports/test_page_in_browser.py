"""The page in a real browser; run with -m browser."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dimscope.profile import Profile
from dimscope.reports import report
from dimscope.reports.explorer import against_their_label, most_changing
from dimscope.reports.neighborhoods import Neighborhoods

pytestmark = pytest.mark.browser
TIP = "document.getElementById('tip')"


@pytest.fixture
def opened(browser: Any, page: str, tmp_path: Path) -> Any:
    target = tmp_path / "report.html"
    target.write_text(page, encoding="utf-8")
    browser.open(target)
    return browser


def marked(browser: Any, kind: str) -> set[tuple[str, str]]:
    """Layer and tag of every element with this class."""
    found = browser.value(f"[...document.querySelectorAll('.{kind}[data-layer]')].map(e => [e.dataset.layer, e.localName])")
    return {(layer, tag) for layer, tag in found}


def test_opens_from_disk_without_error_or_request(opened: Any) -> None:
    assert opened.problems() == []
    assert [url for url in opened.requests() if not url.startswith("file:")] == []
    assert len(opened.requests()) == 1


def test_hover_shows_values_and_marks_the_layer_everywhere(opened: Any) -> None:
    opened.hover("#overlap .for-wide [data-layer=block_03] .hit")
    assert opened.value(f"{TIP}.hidden") is False
    assert opened.value(f"{TIP}.textContent").startswith("block_03\noverlap with next 0.")
    assert marked(opened, "on") == {("block_03", "g"), ("block_03", "span"), ("block_03", "tr")}
    opened.hover("h1")
    assert opened.value(f"{TIP}.hidden") is True
    assert marked(opened, "on") == set()


PANELS = "[...document.querySelectorAll('.for-wide:not(.published) .layers[data-panel]')]"


def test_every_panel_tells_its_values_and_ties_all_others(opened: Any, profile: Profile) -> None:
    opened.value(f"{PANELS}.forEach((panel, place) => panel.id = `panel-${{place}}`)")
    n_panels = opened.value(f"{PANELS}.length")
    assert n_panels == 9  # dimension, label overlap, overlap, scale, and five of the spectrum
    for place in range(n_panels):
        layer = f"block_{place + 1:02d}"
        hit = f"#panel-{place} [data-layer={layer}] .hit"
        if opened.value(f"document.querySelector('{hit}').localName") == "polyline":  # the middle of a line is not on it
            opened.value(f"document.querySelector('{hit}').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
        else:
            opened.hover("h1")
            opened.hover(hit)
            name, *lines = opened.value(f"{TIP}.textContent").split("\n")
            assert name == layer
            assert lines and all(re.search(r"\d", line) for line in lines)
            opened.click(hit)
        pinned = opened.value(
            "[...document.querySelectorAll('.layers .pin')].map(e => e.closest('.layers').id).filter(Boolean)"
        )
        assert sorted(pinned) == sorted(f"panel-{other}" for other in range(n_panels))
        assert {found for found, _ in marked(opened, "pin")} == {layer}
        opened.press("Escape")


def test_a_click_pins_and_escape_lets_go(opened: Any) -> None:
    opened.click("#dimension .for-wide [data-layer=block_05] .hit")
    opened.hover("h1")
    everywhere = {("block_05", "g"), ("block_05", "span"), ("block_05", "tr")}
    assert marked(opened, "pin") == everywhere
    assert opened.value(f"{TIP}.textContent").startswith("block_05\ndimension ")
    assert opened.value("document.querySelector('tr[data-layer=block_05] button').getAttribute('aria-pressed')") == "true"
    opened.press("Escape")
    assert marked(opened, "pin") == set()
    opened.click("#layers tr[data-layer=block_02] button")
    assert {layer for layer, _ in marked(opened, "pin")} == {"block_02"}
    opened.click("#layers tr[data-layer=block_02] button")
    assert marked(opened, "pin") == set()


def test_a_line_of_the_scale_figure_can_be_pointed_at(opened: Any) -> None:
    line = "#scale .for-wide [data-layer=block_04] .hit"
    x, y = opened.value(
        f"(() => {{ const e = document.querySelector('{line}'); e.scrollIntoView({{block: 'center', behavior: 'instant'}});"
        "const p = e.points[1].matrixTransform(e.getScreenCTM()); return [p.x, p.y]; })()"
    )
    opened.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert opened.value(f"{TIP}.textContent").startswith("block_04\nrank 2: ")


def test_the_keyboard_reaches_layers_and_moves_between_them(opened: Any) -> None:
    opened.value("document.querySelector('#dimension .for-wide .layer[tabindex=\"0\"]').focus()")
    for _ in range(3):
        opened.press("ArrowRight")
    assert opened.value("document.activeElement.dataset.layer") == "block_03"
    assert opened.value("document.activeElement.getAttribute('aria-label')").startswith("block_03, dimension ")
    opened.press("Enter")
    assert {layer for layer, _ in marked(opened, "pin")} == {"block_03"}
    opened.press("Tab")
    assert opened.value("document.activeElement.closest('#dimension')") is None


def test_theme_follows_the_system_and_the_button(opened: Any, tmp_path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened.value(ground)
    opened.click("#theme")
    dark = opened.value(ground)
    assert light != dark
    opened.open(tmp_path / "report.html", scheme="dark")
    assert opened.value(ground) == dark


@pytest.mark.parametrize("width", [360, 400, 768, 900, 901, 1280])
def test_nothing_but_the_table_scrolls_sideways(opened: Any, tmp_path: Path, width: int) -> None:
    opened.open(tmp_path / "report.html", width=width)
    assert opened.value("document.documentElement.scrollWidth") <= width
    for name in ("wide", "narrow"):
        is_shown = (width > 900) == (name == "wide")
        assert opened.value(f"document.querySelector('.for-{name}').offsetHeight > 0") is is_shown


def test_hostile_texts_run_nothing(browser: Any, hostile_page: str, hostile: str, tmp_path: Path) -> None:
    target = tmp_path / "hostile.html"
    target.write_text(hostile_page, encoding="utf-8")
    browser.open(target)
    assert browser.problems() == []
    assert browser.value("document.querySelector('h1').textContent") == hostile
    assert browser.value("document.querySelectorAll('script').length") == 2


@pytest.fixture
def full(browser: Any, full_page: str, tmp_path: Path) -> Any:
    target = tmp_path / "full.html"
    target.write_text(full_page, encoding="utf-8")
    browser.open(target)
    return browser


def texts_of(browser: Any, selector: str) -> list[str]:
    found: list[str] = browser.value(f"[...document.querySelectorAll('{selector}')].map(e => e.textContent)")
    return found


def search(browser: Any, text: str) -> None:
    browser.value(
        f"(() => {{ const e = document.getElementById('search'); e.value = {json.dumps(text)};"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


def test_the_map_shows_the_value_of_a_square_and_pins_its_layer(full: Any, hoods: Any) -> None:
    full.hover("#map [data-layer=block_03] .cells :nth-child(10)")
    shown = full.value(f"{TIP}.textContent")
    assert shown.startswith("block_03\nand block_09\noverlap 0.")
    assert float(shown.split("overlap ")[1].split(" ")[0]) == pytest.approx(hoods.overlap.values[3, 9], abs=0.006)
    full.click("#map [data-layer=block_03] .cells :nth-child(10)")
    assert {(layer, tag) for layer, tag in marked(full, "pin")} == {
        ("block_03", "g"), ("block_03", "span"), ("block_03", "tr"), ("block_03", "li"),
    }  # fmt: skip


def choose(browser: Any, kind: str, change: str) -> None:
    """Set the select or check box of this kind as a user does."""
    browser.value(
        f"(() => {{ const e = document.querySelector('#dimension [data-shows={kind}]'); {change};"
        "e.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


SCALES_SHOWN = (
    "[...new Set([...document.querySelectorAll('#dimension .for-wide:not(.published) g[data-scale]')]"
    ".filter(e => e.getBoundingClientRect().width > 0).map(e => e.dataset.scale))]"
)


def test_another_scale_is_laid_over_the_profile(opened: Any, profile: Profile) -> None:
    values = [f"{profile.values(name)[3]:.2f}" for name in ("dimension", "gride_8", "gride_64")]
    layer = "#dimension .for-wide:not(.published) [data-layer=block_03]"
    assert opened.value(SCALES_SHOWN) == []
    opened.hover(f"{layer} .hit")
    assert opened.value(f"{TIP}.textContent").count("\n") == 1
    choose(opened, "scale", "e.value = '8'")
    assert opened.value(SCALES_SHOWN) == ["8"]
    opened.hover("h1")
    opened.hover(f"{layer} .hit")
    told = opened.value(f"{TIP}.textContent").split("\n")
    assert [line.split()[:-2][-1] for line in told[1:]] == values[:2]
    assert opened.value(f"document.querySelector('{layer}').getAttribute('aria-label')") == ", ".join(told)
    choose(opened, "scale", "e.value = 'all'")
    assert opened.value(SCALES_SHOWN) == ["2", "4", "8", "16", "32", "64"]
    choose(opened, "scale", "e.value = ''")
    assert opened.value(SCALES_SHOWN) == []


@pytest.mark.parametrize("width", [400, 1280])
def test_published_curves_come_with_axes_of_their_own(opened: Any, tmp_path: Path, width: int) -> None:
    opened.open(tmp_path / "report.html", width=width)
    shown = "[...document.querySelectorAll('#dimension .plot')].filter(e => e.offsetHeight).map(e => e.className)"
    kind = "for-wide" if width > 900 else "for-narrow"
    assert opened.value(shown) == [f"plot {kind}"]
    choose(opened, "published", "e.checked = true")
    assert opened.value(shown) == [f"plot {kind} published"]
    assert "digitised" in opened.value("document.querySelector('#dimension figcaption').innerText")
    opened.click(f"#dimension .{kind}.published [data-layer=block_05] .hit")
    assert {layer for layer, _ in marked(opened, "pin")} == {"block_05"}
    choose(opened, "published", "e.checked = false")
    assert opened.value(shown) == [f"plot {kind}"]
    assert "digitised" not in opened.value("document.querySelector('#dimension figcaption').innerText")
    assert opened.problems() == []


def test_controls_are_switched_off_in_all_figures_at_once(full: Any) -> None:
    shown = ".for-wide:not(.published) g[data-control]"
    visible = f"[...document.querySelectorAll('{shown}')].map(e => e.getBoundingClientRect().width > 0)"
    assert set(full.value(visible)) == {True}
    full.click("#dimension .switch input")
    assert set(full.value(visible)) == {False}
    assert full.value("document.querySelector('#overlap .switch input').checked") is False
    assert full.value("document.querySelectorAll('#label_overlap .switch').length") == 0
    full.value("document.querySelector('#overlap .switch input').focus()")
    full.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", windowsVirtualKeyCode=32, text=" ")
    full.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space", windowsVirtualKeyCode=32)
    assert set(full.value(visible)) == {True}


def test_search_finds_ids_texts_and_labels_and_shows_their_neighbors(full: Any, hoods: Any) -> None:
    search(full, "NUMBER 57")
    assert texts_of(full, "#matches .words") == ["example number 57"]
    full.click("#matches button")
    assert texts_of(full, "#chosen .words") == ["example number 57"]
    for place, layer in enumerate(hoods.layers):
        expected = [hoods.texts[row][:200] for row in hoods.near[place, 57]]
        assert texts_of(full, f"#columns > [data-layer={layer}] ol .words") == expected
    share = full.value("document.querySelector('#columns > [data-layer=block_04] .shares').textContent")
    assert (
        share
        == f"{100 * hoods.agreeing[4, 57]:.0f}% of 10 share its label; {100 * hoods.kept[4, 57]:.0f}% stay in the next layer"
    )
    search(full, "id-11")
    assert len(texts_of(full, "#matches .words")) == 11  # id-11 and id-110 to id-119
    search(full, "nowhere to be found")
    assert texts_of(full, "#found") == ["0 examples"]


def test_striking_examples_are_one_click_away(full: Any, hoods: Any) -> None:
    for order, rows in (("changing", most_changing(hoods)), ("against", against_their_label(hoods))):
        full.click(f"[data-order={order}]")
        assert texts_of(full, "#chosen .name") == [f"id-{rows[0]}"]
        assert len(texts_of(full, "#matches button")) == len(rows)
        assert full.value(f"document.querySelector('[data-order={order}]').ariaPressed") == "true"


def test_a_neighbor_can_be_followed_by_mouse_and_keyboard(full: Any) -> None:
    target = "#columns > [data-layer=block_02] button.go"
    wanted = full.value(f"document.querySelector('{target} .words').textContent")
    full.click(target)
    assert texts_of(full, "#chosen .words") == [wanted]
    assert marked(full, "pin") == set()
    wanted = full.value(f"document.querySelector('{target} .words').textContent")
    full.value(f"document.querySelector('{target}').focus()")
    full.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert texts_of(full, "#chosen .words") == [wanted]
    assert full.value("document.activeElement.id") == "chosen"


def test_a_pinned_layer_is_scrolled_into_view_among_the_neighbors(full: Any) -> None:
    full.click("#layers tr[data-layer=block_11] button")
    left, right = full.value(
        "(() => { const a = document.querySelector('#columns > .pin').getBoundingClientRect();"
        "const b = document.getElementById('columns').parentElement.getBoundingClientRect();"
        "return [a.left - b.left, b.right - a.right]; })()"
    )
    assert left >= 0 and right >= 0


def test_pictures_stand_beside_names(browser: Any, profile: Profile, hoods: Neighborhoods, tmp_path: Path) -> None:
    dot = "data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="
    target = tmp_path / "pictures.html"
    drawn = replace(hoods, picture=lambda row: dot)
    target.write_text(report(profile, neighborhoods=drawn).html(), encoding="utf-8")
    browser.open(target)
    for place, n_pictures in (("#chosen", 1), ("#columns li .go", 5 * len(profile.layers)), ("#matches", 40)):
        found = browser.value(f"[...document.querySelectorAll('{place} img')].map(e => [e.naturalWidth, e.alt])")
        assert found == [[1, ""]] * n_pictures, place
    assert browser.problems() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", [400, 1280])
def test_hostile_examples_are_shown_as_text(full: Any, hostile: str, tmp_path: Path, width: int) -> None:
    full.open(tmp_path / "full.html", width=width)
    search(full, "alert(1)")
    full.click("#matches button")
    assert texts_of(full, "#chosen .words") == [hostile]
    search(full, "xxxxxxxx")
    full.click("#matches button")
    assert texts_of(full, "#chosen .words") == ["x" * 200]
    assert texts_of(full, "#chosen .chip")[0].startswith("<b>")
    assert full.value("document.querySelectorAll('#neighbors b, #neighbors script').length") == 0
    assert full.value("document.documentElement.scrollWidth") <= width
    assert full.problems() == []
    assert len(full.requests()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 800, 1280])
def test_axe_finds_no_violation(full: Any, tmp_path: Path, scheme: str, width: int) -> None:
    axe = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
    if not axe.is_file():
        pytest.skip("no axe-core; `npm install --no-save axe-core` in the root of the repository")
    full.open(tmp_path / "full.html", width=width, scheme=scheme)
    full.value("document.getElementById('chosen').style.maxHeight = '2rem'")  # as small as with a picture and a long text
    full.value(axe.read_text(encoding="utf-8") + "; 1")
    found = full.value(
        "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary).slice(0, 3)]))"
    )
    assert found == []
