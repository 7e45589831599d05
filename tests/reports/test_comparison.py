"""The page of a comparison: safe, self-contained, and with every run in it."""

import os
import re
from pathlib import Path

import numpy as np
import pandas
import pytest

from dimscope.overlaps.matrix import overlap_matrix
from dimscope.overlaps.runs import RunOverlap
from dimscope.plots import plot_dimension
from dimscope.reports.comparison import ComparisonPage, MapFigure, describe_runs, render_comparison
from profiles import make_profile

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page():
    profiles = {HOSTILE: make_profile([3.0, 9.0, 5.0]), "b": make_profile([4.0, 2.0, 1.0, 8.0])}
    points = np.random.default_rng(0).standard_normal((50, 3))
    found = RunOverlap(
        overlap_matrix([points], [points[:, :2]], 5), ("u",), ("v",), 50, "The 50 rows were matched by their number alone."
    )
    summary = pandas.DataFrame({"run": [HOSTILE, "b"], "peak dimension": ["9.0 +- 0.1 (block_01)", "8"]})
    settings = pandas.DataFrame({"run": [HOSTILE, "b"], "pool": ["mean", "cls & <b>"]})
    reason = "the examples differ <here>"
    maps = [MapFigure((HOSTILE, "b"), found), *(MapFigure((name, "c"), None, reason) for name in (HOSTILE, "b"))]
    return render_comparison(
        ComparisonPage([HOSTILE, "b"], summary, settings, [f"Beware of {HOSTILE}."], {"dimension": profiles}, maps)
    )


def test_names_are_text_and_nothing_is_loaded(page):
    assert HOSTILE not in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_table_maps_and_reasons_are_there(page):
    assert "9.0 ± 0.1 (block_01)" in page
    assert page.count("the examples differ &lt;here&gt;") == 1  # once for both pairs
    assert "<bdi>b</bdi> and <bdi>c</bdi>: the examples differ" in page
    assert "50 common examples. Most alike: u and v, " in page
    assert "The 50 rows were matched by their number alone." in page


def test_cautions_and_differences_are_shown(page):
    assert "<h3>Before you compare</h3>" in page
    assert "Beware of &lt;script&gt;alert(1)&lt;/script&gt;." in page
    assert re.search(r"<th scope=\"col\">pool</th>.*<td>mean</td>.*<td>cls &amp; &lt;b&gt;</td>", page, re.DOTALL)


def test_ids_are_unique(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_description_names_the_highest_of_each_run():
    plot = plot_dimension({"a": make_profile([3.0, 9.0, 5.0]), "b": make_profile([4.0, 2.0, 1.0])})
    words = describe_runs(plot)
    assert words.startswith("a, dimension: highest 9 at block_01. b, dimension: highest 4 at embed_00.")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 800, 1280])
def test_the_page_opens_in_a_browser(browser, page, tmp_path, width, scheme):
    place = tmp_path / "comparison.html"
    place.write_text(page, encoding="utf-8")
    browser.open(place, width=width, scheme=scheme)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("[...document.querySelectorAll('.plot svg')].filter(e => e.getClientRects().length).length") == 2
    assert browser.problems() == []
    assert len(browser.requests()) == 1
    axe = Path(os.environ.get("AXE_CORE", "node_modules/axe-core/axe.min.js"))
    if axe.is_file():
        browser.value(axe.read_text(encoding="utf-8") + "; 1")
        found = browser.value(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
            ".then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.failureSummary).slice(0, 3)]))"
        )
        assert found == []
