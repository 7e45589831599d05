"""`dimscope show`: every form holds the stored numbers."""

import csv
import io
import json
import re

import numpy as np
import pandas
import pytest

from cli_runs import content
from dimscope.cli.show import _latex, _markdown

SHOWN = ("dimension", "overlap_next", "label_overlap", "label_overlap_balanced", "knn_accuracy", "effective_rank", "n_unique")


@pytest.fixture(scope="module")
def stored(finished):
    return pandas.read_csv(finished / "profile.csv")


def cells(line, separator):
    return [cell.strip() for cell in line.strip().strip("|").removesuffix(r"\\").split(separator)]


def check_cell(cell, value, error):
    """The cell is the value, rounded where its error has at least two digits left."""
    if np.isnan(value):
        assert cell == "-"
        return
    shown, _, plus_minus = cell.partition(" +- ")
    decimals = len(shown.partition(".")[2])
    assert abs(float(shown) - value) <= 0.5001 * 10.0**-decimals
    if error is not None and error > 0:
        assert len(plus_minus.partition(".")[2]) == decimals
        assert abs(float(plus_minus) - error) <= 0.5001 * 10.0**-decimals
        assert round(float(plus_minus) * 10**decimals) >= 10


def check_table(rows, stored):
    heads = rows[0]
    assert heads[0] == "layer"
    assert set(SHOWN) <= set(heads)
    assert [row[0] for row in rows[1:]] == stored["name"].tolist()
    for row, (_, numbers) in zip(rows[1:], stored.iterrows(), strict=True):
        for name, cell in zip(heads[1:], row[1:], strict=True):
            check_cell(cell, float(numbers[name]), numbers.get(f"{name}_err"))


def test_table(call, finished, stored):
    left = call("show", finished)
    assert (left.code, left.err) == (0, "")
    lines = left.out.split("\n\n")[0].splitlines()
    check_table([re.split(r"\s{2,}", line[2:].strip()) for line in lines], stored)


def test_the_table_carries_the_stored_answer_and_findings(call, mine):
    answer = json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))
    answer |= {"layers": ["block_02"], "headline": "Use block_02.", "reasons": ["It is fine."], "cautions": ["Few layers."]}
    (mine / "recommendation.json").write_text(json.dumps(answer), encoding="utf-8")
    left = call("show", mine)
    assert [line.split()[1] for line in left.out.splitlines() if line.startswith("* ")] == ["block_02"]
    assert "\n\nUse block_02.\n  - It is fine.\n  ! Few layers.\n" in left.out
    for finding in json.loads((mine / "findings.json").read_text(encoding="utf-8")):
        assert f"\n{finding['code']} {finding['title']} ({finding['severity']}): {finding['text']}\n" in left.out
        assert f"  What to do: {finding['remedy']}\n" in left.out


def test_csv_is_the_stored_file(call, finished):
    assert call("show", finished, "--format", "csv").out == (finished / "profile.csv").read_text(encoding="utf-8")


def test_json_has_every_digit(call, finished, stored):
    records = json.loads(call("show", finished, "--format", "json").out)
    assert [list(record) for record in records] == [list(stored.columns)] * len(stored)
    text = (finished / "profile.csv").read_text(encoding="utf-8")
    for record, row in zip(records, csv.DictReader(io.StringIO(text)), strict=True):
        for name, cell in row.items():
            if cell == "":
                assert record[name] is None
            elif isinstance(record[name], str):
                assert record[name] == cell
            else:
                assert record[name] == float(cell)


def test_json_keeps_tiny_numbers(call, mine):
    from dimscope.profile import Profile

    profile = Profile.load(mine / "profile.nc")
    dataset = profile.dataset.copy()
    dataset["r1_median"] = dataset["r1_median"] * 1e-30
    Profile(dataset).save(mine / "profile.nc")
    found = [record["r1_median"] for record in json.loads(call("show", mine, "--format", "json").out)]
    assert found == (profile.values("r1_median") * 1e-30).tolist()
    assert 0 < max(found) < 1e-29


def test_markdown(call, finished, stored):
    lines = call("show", finished, "--format", "markdown").out.splitlines()
    assert set(cells(lines[1], "|")) == {"---"}
    check_table([cells(line, "|") for line in [lines[0], *lines[2:]]], stored)


def test_latex(call, finished, stored):
    text = call("show", finished, "--format", "latex").out
    assert text.startswith("\\begin{tabular}{lrrrrrrrr}\n\\hline\n")
    assert text.endswith("\\hline\n\\end{tabular}\n")
    lines = [line.replace(r"\_", "_").replace(r"$\pm$", "+-") for line in text.splitlines() if "&" in line]
    check_table([cells(line, "&") for line in lines], stored)


def test_odd_names_survive_markdown_and_latex():
    frame = pandas.DataFrame({"layer": ["a|b_c"], "n": ["1 +- 2"]})
    assert _markdown(frame).splitlines()[-1] == r"| a\|b_c | 1 +- 2 |"
    assert r"a|b\_c & 1 $\pm$ 2 \\" in _latex(frame)


def test_everything_as_json(call, finished):
    found = json.loads(call("show", finished, "--json").out)
    assert found["folder"] == str(finished)
    assert found["profile"] == json.loads(call("show", finished, "--format", "json").out)
    for name in ("recommendation", "findings", "manifest"):
        assert found[name] == json.loads((finished / f"{name}.json").read_text(encoding="utf-8"))


def test_several_runs_are_told_apart(call, finished, mine):
    texts = call("show", finished, mine).out
    assert texts.startswith(f"{finished}\n  layer ")
    assert f"\n\n{mine}\n  layer " in texts
    found = json.loads(call("show", finished, mine, "--json").out)
    assert [entry["folder"] for entry in found] == [str(finished), str(mine)]


def test_duplicates_of_a_layer(call, finished, table):
    left = call("show", finished, "--duplicates", "block_01")
    text = pandas.read_csv(table)["text"][8]
    assert left.out == f"e8\t= e7\t{text}\n"
    assert left.err == "1 of 60 examples repeat an earlier one at block_01.\n"


def test_duplicates_of_an_unknown_layer_name_the_nearest(call, finished):
    left = call("show", finished, "--duplicates", "blok_01")
    assert (left.code, left.out) == (2, "")
    names = "block_01, block_02, block_03, embed_00"
    assert left.err == f'Error: unknown layer "blok_01". Did you mean "block_01"?  All: {names}\n'


def test_verify_finds_what_changed(call, mine):
    left = call("show", mine, "--verify")
    assert (left.code, left.out) == (0, f"{mine}: every file is as it was written.\n")
    with (mine / "states" / "block_02.npy").open("r+b") as handle:
        handle.seek(-3, io.SEEK_END)
        handle.write(b"x")
    left = call("show", mine, "--verify")
    assert (left.code, left.out) == (1, "")
    assert left.err == f"Error: 1 files of {mine} changed since they were written: states/block_02.npy.\n"


def test_two_wishes_are_refused(call, finished):
    left = call("show", finished, "--json", "--verify")
    assert (left.code, left.out) == (2, "")
    assert left.err == "Error: --json and --verify were asked for; each shows something else, choose one of them.\n"


@pytest.mark.parametrize("name", ["recommendation.json", "findings.json"])
def test_a_damaged_answer_is_one_sentence(name, call, mine):
    (mine / name).write_text("{", encoding="utf-8")
    left = call("show", mine)
    assert (left.code, left.err) == (
        1, f"Error: {mine / name} is damaged; write it again with `dimscope recommend {mine}`.\n",
    )  # fmt: skip
    assert call("recommend", mine).code == 0
    assert call("show", mine).code == 0


def test_a_damaged_profile_is_one_sentence(call, mine):
    (mine / "profile.nc").write_bytes(b"CDF\x02")
    left = call("show", mine)
    assert (left.code, left.out) == (1, "")
    assert left.err.startswith(f"Error: {mine / 'profile.nc'} is damaged or not a profile")
    assert left.err.count("\n") == 1


def test_a_run_without_measures_says_what_is_next(call, mine):
    (mine / "profile.nc").unlink()
    left = call("show", mine)
    assert (left.code, left.out) == (1, "")
    assert left.err == f"Error: no profile at {mine / 'profile.nc'}; run `dimscope measure` on the run folder first.\n"


def test_showing_changes_nothing(call, mine):
    before = content(mine)
    for form in ("table", "csv", "json", "latex", "markdown"):
        assert call("show", mine, "--format", form).code == 0
    assert content(mine) == before


def test_an_unknown_format_names_the_nearest(call, finished):
    left = call("show", finished, "--format", "markdwn")
    assert (left.code, left.out) == (2, "")
    assert '"markdwn" is unknown. Did you mean "markdown"?  All: table, csv, json, latex, markdown\n' in left.err
