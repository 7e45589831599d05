"""The page by keyboard, on paper, without script, with little motion, and with enough contrast; run with -m browser."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from dimscope.profile import Profile
from dimscope.reports import report

pytestmark = pytest.mark.browser
TIP = "document.getElementById('tip')"
WIDER = """
[...document.querySelectorAll('dt, dd, h1, li, td')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)
"""
# Every element with a text of its own: the contrast of its color with the ground behind it (WCAG 2.2, 1.4.3).
FAINT = """
(() => {
  const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.5) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const style = getComputedStyle(e);
    if (!own || !e.getClientRects().length || ["SCRIPT", "STYLE", "title"].includes(e.tagName)) continue;
    const color = parts(e.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(color), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.push([e.tagName, e.className.toString(), e.textContent.slice(0, 20), ratio.toFixed(2)]);
  }
  return found;
})()
"""


@pytest.fixture
def place(page: str, tmp_path: Path) -> Path:
    target = tmp_path / "report.html"
    target.write_text(page, encoding="utf-8")
    return target


def media(browser: Any, **features: str) -> None:
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items() if name != "media"]
    browser.call("Emulation.setEmulatedMedia", media=features.get("media", ""), features=wanted)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_every_text_stands_out_from_its_ground(browser: Any, place: Path, scheme: str, width: int) -> None:
    browser.open(place, width=width, scheme=scheme)
    assert browser.value(FAINT) == []


def test_the_keyboard_starts_with_the_way_to_the_answer(browser: Any, place: Path) -> None:
    browser.open(place)
    browser.press("Tab")
    assert browser.value("document.activeElement.textContent") == "Skip to the answer"
    assert browser.value("document.activeElement.getBoundingClientRect().left >= 0") is True
    browser.press("Enter")
    assert browser.value("location.hash") == "#answer"
    browser.value("document.getElementById('theme').focus()")
    before = browser.value("getComputedStyle(document.body).backgroundColor")
    browser.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    assert browser.value("getComputedStyle(document.body).backgroundColor") != before


def test_focus_is_seen_on_everything_that_takes_it(browser: Any, place: Path) -> None:
    browser.open(place)
    media(browser, prefers_reduced_motion="reduce")  # marks are there at once
    seen = set()
    for _ in range(40):
        browser.press("Tab")
        name = browser.value("document.activeElement.tagName")
        seen.add(name)
        is_marked = browser.value(
            "(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.querySelector('rect.hit');"
            "const is_area = r && getComputedStyle(r).fillOpacity > 0, t = e.querySelector('.trace');"
            "return s.outlineStyle !== 'none' || is_area || (t && getComputedStyle(t).opacity > 0); })()"
        )
        assert is_marked or name == "BODY", name
    assert {"A", "BUTTON", "g"} <= seen


def test_little_motion_is_respected(browser: Any, place: Path) -> None:
    browser.open(place)
    moving = "getComputedStyle(document.querySelector('.layer')).transitionDuration"
    scrolling = "getComputedStyle(document.documentElement).scrollBehavior"
    assert (browser.value(moving), browser.value(scrolling)) == ("0.12s", "smooth")
    media(browser, prefers_reduced_motion="reduce")
    assert (browser.value(moving), browser.value(scrolling)) == ("0s", "auto")


def test_paper_is_white_and_has_figures_beside_each_other(browser: Any, place: Path) -> None:
    browser.open(place, width=718, scheme="dark")
    media(browser, media="print", prefers_color_scheme="dark")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value("[...document.querySelectorAll('button.plain, a.plain')].every(e => !e.offsetHeight)") is True
    tops = "['label_overlap', 'overlap'].map(id => document.getElementById(id).getBoundingClientRect().top)"
    assert len(set(browser.value(tops))) == 1
    assert browser.value("document.documentElement.scrollWidth") <= 718
    assert browser.value(FAINT) == []
    printed = base64.b64decode(browser.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 6


def test_without_script_everything_is_there(browser: Any, place: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(place)
    tree = browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    for selector in ("#theme[hidden]", "#copy[hidden]", "#dimension svg title", "a[download]", "tbody tr"):
        assert browser.call("DOM.querySelector", nodeId=tree, selector=selector)["nodeId"], selector
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.problems() == []


@pytest.mark.parametrize("layer", ["embed_00", "final_norm_12"])
def test_values_stay_inside_a_narrow_window(browser: Any, place: Path, layer: str) -> None:
    browser.open(place, width=360)
    browser.click(f"#scale .for-narrow [data-layer={layer}] .hit")
    browser.hover(f"#dimension .for-narrow [data-layer={layer}] .hit")
    left, right, top = browser.value(f"['left', 'right', 'top'].map(side => {TIP}.getBoundingClientRect()[side])")
    assert 0 <= left < right <= 360
    assert top >= 0


@pytest.mark.parametrize("width", [360, 1280])
def test_odd_and_long_names_stay_in_their_places(
    browser: Any, hostile_page: str, profile: Profile, tmp_path: Path, width: int
) -> None:
    short = Profile(profile.dataset[["dimension", "dimension_err"]])
    long = report(
        short.with_provenance(model={"name": "organization/" + "verylong" * 60, "made by": "x" * 300}), findings=[]
    ).html()
    for number, text in enumerate((hostile_page, long)):
        target = tmp_path / f"{number}.html"
        target.write_text(text, encoding="utf-8")
        browser.open(target, width=width)
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.value(WIDER) == []
        assert browser.problems() == []
