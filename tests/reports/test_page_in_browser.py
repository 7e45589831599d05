"""The page in a real browser; run with -m browser."""

from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.parametrize("width", [360, 400, 768, 1280])
def test_nothing_but_the_table_scrolls_sideways(opened: Any, tmp_path: Path, width: int) -> None:
    opened.open(tmp_path / "report.html", width=width)
    assert opened.value("document.documentElement.scrollWidth") <= width
    for name in ("wide", "narrow"):
        is_shown = (width > 760) == (name == "wide")
        assert opened.value(f"document.querySelector('.for-{name}').offsetHeight > 0") is is_shown


def test_hostile_texts_run_nothing(browser: Any, hostile_page: str, hostile: str, tmp_path: Path) -> None:
    target = tmp_path / "hostile.html"
    target.write_text(hostile_page, encoding="utf-8")
    browser.open(target)
    assert browser.problems() == []
    assert browser.value("document.querySelector('h1').textContent") == hostile
    assert browser.value("document.querySelectorAll('script').length") == 2
