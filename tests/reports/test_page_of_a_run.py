"""The page of a real run, read back from disk: every number in it is one of `profile.csv`."""

import base64
import csv
import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest

from dimscope.config import config_from
from dimscope.pipeline.given import measure_arrays

COLUMNS = {
    "depth": "depth", "dimension": "dimension", "overlap with next": "overlap_next", "label overlap": "label_overlap",
    "balanced": "label_overlap_balanced", "kNN accuracy": "knn_accuracy", "effective rank": "effective_rank",
    "nearest distance": "r1_median", "distinct points": "n_unique",
}  # fmt: skip


class Table(HTMLParser):
    """The texts of the cells of the one table of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.is_inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self.is_inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.is_inside = False

    def handle_data(self, data: str) -> None:
        if self.is_inside:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Seven layers of points around labelled centers, with repeated rows, measured into a run folder."""
    place = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(5)
    labels = rng.integers(3, size=240)
    centers = rng.normal(size=(3, 12))
    layers = [rng.normal(size=(240, 2 + step)) @ rng.normal(size=(2 + step, 12)) for step in (4, 8, 6, 3, 1, 2, 4)]
    points = np.stack([layer + step * centers[labels] for step, layer in enumerate(layers)])
    points[:, 230:] = points[:, :10]
    np.save(place / "points.npy", points)
    (place / "labels.txt").write_text("\n".join("abc"[label] for label in labels))
    config = config_from({"measure": {"k": 64, "replicates": 10}})
    measure_arrays(place / "points.npy", config, place / "run", labels=place / "labels.txt")
    yield place / "run"


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def numbers(folder: Path) -> pandas.DataFrame:
    # Pandas before 3 may round the last digit; the conversion of Python never does.
    with (folder / "profile.csv").open(encoding="utf-8", newline="") as file:
        texts = pandas.DataFrame(list(csv.DictReader(file))).set_index("name")
    return texts.drop(columns=["site", "dimension_status"]).map(lambda cell: float(cell or "nan"))


def test_the_table_shows_the_numbers_of_the_file_rounded_by_their_errors(text: str, numbers: pandas.DataFrame) -> None:
    heads, *rows = Table(text).rows
    assert heads == ["layer", *COLUMNS]
    assert [row[0].strip().split()[0] for row in rows] == list(numbers.index)
    for name, row in zip(numbers.index, rows, strict=True):
        for head, cell in zip(heads[1:], row[1:], strict=True):
            shown, _, error = cell.replace("\N{MINUS SIGN}", "-").partition(" ± ")
            expected = numbers.at[name, COLUMNS[head]]
            if np.isnan(expected):
                assert cell == "\N{EN DASH}", (name, head)
                continue
            unit = 10.0 ** -len(shown.partition(".")[2])
            assert abs(float(shown) - expected) <= 0.5000001 * unit, (name, head, cell)
            stated = numbers.get(f"{COLUMNS[head]}_err", pandas.Series(np.nan, numbers.index))[name]
            assert bool(error) == bool(stated > 0), (name, head, cell)
            if error:
                assert abs(float(error) - stated) <= 0.5000001 * unit, (name, head, cell)


def test_data_and_download_hold_every_number_in_full(text: str, folder: Path, numbers: pandas.DataFrame) -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    quantities = json.loads(found.group(1))["quantities"]
    for name in (column for column in numbers.columns if column in quantities):
        shown = [np.nan if value is None else value for value in quantities[name]]
        np.testing.assert_array_equal(shown, numbers[name].to_numpy(dtype=float))
    assert {"dimension", "gride_64", "overlap_next", "label_overlap", "r1_median"} <= set(quantities)
    link = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', text)
    assert link is not None
    assert base64.b64decode(link.group(1)).decode() == (folder / "profile.csv").read_text(encoding="utf-8")


DRAWN = (
    ("dimension", 0, "dimension"),
    ("overlap", 0, "overlap_next"),
    ("spectrum", 0, "effective_rank"),
    ("spectrum", 4, "norm_median"),
    ("spectrum", 5, "r1_median"),
)


@pytest.mark.parametrize(("figure", "panel", "quantity"), DRAWN)
def test_heights_of_drawn_points_are_the_numbers(
    text: str, numbers: pandas.DataFrame, figure: str, panel: int, quantity: str
) -> None:
    section = re.search(rf'<section [^>]*id="{figure}".*?</section>', text, re.DOTALL)
    assert section is not None
    svg = re.search(r"<svg.*?</svg>", section.group(), re.DOTALL)
    assert svg is not None
    group = next(g for g in ElementTree.fromstring(svg.group()).iter("g") if g.get("data-panel") == str(panel))
    drawn = {str(g.get("data-layer")): dots.split(":")[0] for g in group if (dots := g.get("data-dots"))}
    known = numbers[quantity].dropna()
    assert list(drawn) == list(known.index)
    heights = np.array([float(height) for height in drawn.values()])
    slope, start = np.polyfit(known, heights, 1)
    assert slope < 0
    np.testing.assert_allclose(heights, start + slope * known, atol=0.02)


def test_the_answer_and_the_findings_are_those_of_the_files(text: str, folder: Path) -> None:
    answer = json.loads((folder / "recommendation.json").read_text())
    plain = unescape(re.sub(r"<[^>]+>", "", text))
    for sentence in (*answer["reasons"], *answer["cautions"]):
        assert sentence in plain
    findings = json.loads((folder / "findings.json").read_text())
    assert re.findall(r'<p class="code">(P\d+)', text) == [finding["code"] for finding in findings]
    for finding in findings:
        assert finding["text"] in plain and finding["remedy"] in plain


def test_repeated_rows_are_counted_on_the_page(text: str) -> None:
    rows = Table(text).rows[1:]
    assert {row[-1] for row in rows} == {"230"}


def test_the_overview_is_drawn_beside_the_page(folder: Path) -> None:
    names = {path.name for path in (folder / "figures").iterdir()}
    plots = ("dimension", "label_overlap", "overlap", "overview", "scale", "spectrum")
    assert names == {f"{name}.{ending}" for name in plots for ending in ("svg", "png")}
