"""What is printed: whole numbers at any width, the answer, the findings, JSON."""

import json
from types import SimpleNamespace

import pandas
import pytest

from dimscope.checks import Finding
from dimscope.cli.output import COLUMNS_OF_A_RUN, LEGEND, finish, print_answer, print_findings, print_json, print_table
from dimscope.rules import Recommendation

NUMBERS = ["18.88 +- 0.37", "17.55 +- 0.35", "-"]
FRAME = pandas.DataFrame({
    "layer": ["embed_00", "block_01", "block_02"],
    "dimension": NUMBERS,
    "label_overlap_balanced": ["0.440 +- 0.020", "0.470 +- 0.021", "0.496 +- 0.020"],
    "n_unique": ["2988", "2988", "12"],
})  # fmt: skip
ISSUE = Finding("P001", "Equal rows", "issue", "12 of 60 rows are equal.", "Look at the texts.", ("block_01",))
TIP = Finding("P004", "Few points", "tip", "There are 60 points.", "Give more.")
ANSWER = Recommendation("minimum", True, ("block_01",), "block_01", 0.875, ("It is low there.",), ("Few replicates.",))


@pytest.fixture
def no_terminal(monkeypatch):
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def printed(capsys, width, monkeypatch, marked=("block_01",)):
    if width:
        monkeypatch.setenv("COLUMNS", str(width))
    print_table(FRAME, marked)
    return capsys.readouterr().out.removesuffix(f"\n{LEGEND.format(COLUMNS_OF_A_RUN)}\n").splitlines()


def test_without_a_terminal_a_table_is_one_block(capsys, monkeypatch, no_terminal):
    assert printed(capsys, None, monkeypatch) == [
        "  layer         dimension  label_overlap_balanced  n_unique",
        "  embed_00  18.88 +- 0.37          0.440 +- 0.020      2988",
        "* block_01  17.55 +- 0.35          0.470 +- 0.021      2988",
        "  block_02              -          0.496 +- 0.020        12",
    ]


def test_columns_that_do_not_fit_continue_below(capsys, monkeypatch, no_terminal):
    assert printed(capsys, 40, monkeypatch) == [
        "  layer         dimension",
        "  embed_00  18.88 +- 0.37",
        "* block_01  17.55 +- 0.35",
        "  block_02              -",
        "",
        "  layer     label_overlap_balanced",
        "  embed_00          0.440 +- 0.020",
        "* block_01          0.470 +- 0.021",
        "  block_02          0.496 +- 0.020",
        "",
        "  layer     n_unique",
        "  embed_00      2988",
        "* block_01      2988",
        "  block_02        12",
    ]


@pytest.mark.parametrize("width", [1, 20, 26, 27, 58, 59, 60, 100])
def test_no_cell_is_cut_at_any_width(width, capsys, monkeypatch, no_terminal):
    lines = printed(capsys, width, monkeypatch)
    text = "\n".join(lines)
    for column in FRAME.columns:
        assert column in text
        assert all(cell in text for cell in FRAME[column])
    widest = 10 + 2 + len("label_overlap_balanced")
    assert max(map(len, lines)) <= max(width, widest)
    blocks = 1 + lines.count("")
    assert blocks == (1 if width >= 59 else 2 if width >= 49 else 3)


@pytest.mark.parametrize(("variable", "colored"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_color_can_be_forced_and_refused(variable, colored, capsys, monkeypatch, no_terminal):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, "1")
    print_table(FRAME, ["block_01"])
    assert ("\x1b[32m* block_01" in capsys.readouterr().out) is colored


def test_marks_in_names_are_printed_as_they_are(capsys, no_terminal):
    print_table(pandas.DataFrame({"layer": ["[red]a[/red]"], "n": ["1"]}))
    assert "[red]a[/red]" in capsys.readouterr().out


def test_the_answer_has_headline_reasons_and_cautions(capsys, no_terminal):
    print_answer(ANSWER.to_dict())
    assert capsys.readouterr().out == (
        "\nUse block_01 (88% of the bootstrap replicates agree).\n  - It is low there.\n  ! Few replicates.\n"
    )


def test_findings_say_what_to_do(capsys, no_terminal):
    print_findings([ISSUE.to_dict(), TIP.to_dict()])
    assert capsys.readouterr().out == (
        "\nP001 Equal rows (issue): 12 of 60 rows are equal.\n  What to do: Look at the texts.\n"
        "\nP004 Few points (tip): There are 60 points.\n  What to do: Give more.\n"
    )


def test_long_sentences_fit_the_terminal_and_keep_their_words(capsys, monkeypatch, no_terminal):
    monkeypatch.setenv("COLUMNS", "60")
    text = " ".join(f"word{number}" for number in range(40))
    print_findings([Finding("P001", "Long", "tip", text, text).to_dict()])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[2].startswith("  word")
    assert " ".join(" ".join(lines).split()) == f"P001 Long (tip): {text} What to do: {text}"


def test_json_keeps_digits_and_letters(capsys):
    content = {"größe": [0.1 + 0.2, 1e-300, None]}
    print_json(content)
    found = capsys.readouterr().out
    assert json.loads(found) == content
    assert "größe" in found


def test_json_never_holds_nan():
    with pytest.raises(ValueError, match="Out of range float"):
        print_json({"a": float("nan")})


@pytest.fixture
def result(tmp_path):
    def make(*findings):
        profile = SimpleNamespace(summary=lambda: FRAME)
        folder = SimpleNamespace(path=tmp_path, report=tmp_path / "report.html")
        return SimpleNamespace(profile=profile, folder=folder, recommendation=ANSWER, findings=list(findings), others=())

    return make


@pytest.mark.parametrize(
    ("findings", "strict", "code"),
    [((ISSUE,), True, 3), ((TIP,), True, None), ((), True, None), ((ISSUE,), False, None)],
)
def test_strict_leaves_with_3_when_a_check_finds_an_issue(findings, strict, code, result, capsys):
    if code is None:
        finish([result(*findings)], as_json=True, strict=strict)
    else:
        with pytest.raises(SystemExit) as left:
            finish([result(*findings)], as_json=True, strict=strict)
        assert left.value.code == code
    assert [entry["code"] for entry in json.loads(capsys.readouterr().out)["findings"]] == [entry.code for entry in findings]


def test_a_check_that_is_ignored_does_not_count_and_is_still_told(result, capsys):
    finish([result(ISSUE)], as_json=True, strict=True, ignored=(ISSUE.code,))
    assert [entry["code"] for entry in json.loads(capsys.readouterr().out)["findings"]] == [ISSUE.code]
    with pytest.raises(SystemExit):
        finish([result(ISSUE)], as_json=True, strict=True, ignored=(TIP.code,))


def test_a_check_that_is_not_there_cannot_be_ignored(call, tmp_path):
    for words in (["run", "nowhere", "--data", "x.csv"], ["demo"], ["measure", "x.npy"]):
        left = call(*words, "--ignore", "P9", "-o", tmp_path / "run")
        assert (left.code, left.out) == (2, "")
        assert 'unknown check "P9".' in left.err
    assert not (tmp_path / "run").exists()


def test_the_report_is_named_last_when_there_is_one(result, capsys, tmp_path, no_terminal):
    finish([result(TIP)], as_json=False, strict=False)
    assert "Report:" not in capsys.readouterr().out
    (tmp_path / "report.html").touch()
    finish([result(TIP)], as_json=False, strict=False)
    assert capsys.readouterr().out.endswith(f"\n\nReport: {tmp_path / 'report.html'}\n")


def test_further_poolings_are_named_with_the_command_that_shows_all(result, capsys):
    main, other = result(TIP), result(ISSUE)
    other.folder = SimpleNamespace(path="runs/a b/pools/last", report=other.folder.report)
    other.profile = SimpleNamespace(provenance={"model": {"pool": "last"}})
    main.others = (other,)
    with pytest.raises(SystemExit):
        finish([main], as_json=False, strict=True)
    *_, pooling, _, together = capsys.readouterr().out.rstrip().splitlines()
    assert pooling == f"Pooling last, runs/a b/pools/last: {ANSWER.headline}"
    assert together == f"Together: dimscope compare {main.folder.path} 'runs/a b/pools/last'"
    finish([main], as_json=True, strict=False)
    (found,) = json.loads(capsys.readouterr().out)["others"]
    assert (found["folder"], found["findings"][0]["code"]) == ("runs/a b/pools/last", ISSUE.code)


def test_checkpoints_get_a_line_each(result, capsys):
    first, second = result(TIP), result(ISSUE)
    for name, one in (("step0", first), ("step 9", second)):
        one.folder = SimpleNamespace(path=f"runs/{name}", report=first.folder.report)
    finish([first, second], as_json=False, strict=False)
    assert capsys.readouterr().out.splitlines() == [
        f"runs/step0: {ANSWER.headline}", f"runs/step 9: {ANSWER.headline}", "",
        "Together: dimscope compare --ordered runs/step0 'runs/step 9'",
    ]  # fmt: skip
    with pytest.raises(SystemExit) as left:
        finish([first, second], as_json=True, strict=True)
    assert left.value.code == 3
    assert [run["folder"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["runs/step0", "runs/step 9"]
