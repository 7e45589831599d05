"""`dimscope run`, end to end on a tiny model."""

import json
import tomllib

import pandas
import pytest

from cli_runs import SMALL, content
from dimscope.profile import format_number

FILES = {
    "config.toml", "manifest.json", "points.parquet", "profile.nc", "profile.csv", "recommendation.json", "findings.json",
    "report.html", "log.jsonl",
}  # fmt: skip
LAYERS = ["embed_00", "block_01", "block_02", "block_03"]


def test_the_folder_holds_what_the_contract_says(finished):
    found = set(content(finished))
    assert found >= FILES
    for layer in LAYERS:
        assert {f"states/{layer}.npy", f"neighbors/{layer}.npz"} <= found
    assert {"figures/dimension.svg", "figures/dimension.png", "figures/label_overlap.svg"} <= found
    assert not [path for path in found if ".part" in path]


def test_a_run_prints_table_answer_findings_and_report_on_stdout(call, bert, table, tmp_path):
    left = call("run", bert, "--data", table, "--label", "label", *SMALL, "-o", "runs/größe 1", "--no-report")
    assert left.code == 0
    assert left.err.splitlines()[0] == f"loading {bert}"
    assert left.err.splitlines()[1] == "BertModel: 3 blocks at encoder.layer (found by: declared), no norm after them"
    assert [line.split(" (")[0] for line in left.err.splitlines()[2:]] == ["extract: 60/60 examples", "measure: 4/4 layers"]
    out = tmp_path / "runs" / "größe 1"
    stored = pandas.read_csv(out / "profile.csv")
    lines = left.out.splitlines()
    assert lines[0].split()[:3] == ["layer", "dimension", "overlap_next"]
    for line, (_, row) in zip(lines[1:5], stored.iterrows(), strict=True):
        assert line.split()[0] == row["name"]
        assert format_number(row["dimension"], row["dimension_err"]) in line
        assert format_number(row["label_overlap"], row["label_overlap_err"]) in line
    answer = json.loads((out / "recommendation.json").read_text(encoding="utf-8"))
    assert f"\n{answer['headline']}\n" in left.out
    for finding in json.loads((out / "findings.json").read_text(encoding="utf-8")):
        assert f"\n{finding['code']} {finding['title']} ({finding['severity']}): {finding['text']}\n" in left.out
        assert f"  What to do: {finding['remedy']}\n" in left.out
    assert "Report:" not in left.out
    assert not (out / "report.html").exists()
    assert not (out / "figures").exists()


def test_the_same_command_again_changes_no_result(call, bert, table, mine):
    before = content(mine)
    left = call("run", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-o", mine)
    assert left.code == 0
    there = ["states of 60 examples are there already", "measures are there already"]
    assert left.err.splitlines() == [*there, "drawing figures and the report"]
    assert left.out.endswith(f"\n\nReport: {mine / 'report.html'}\n")
    after = content(mine)
    assert {path for path in before if before[path] != after[path]} <= {"log.jsonl", "manifest.json", "report.html"}


def test_json_holds_the_answer_and_the_findings(call, bert, table, mine):
    left = call(
        "run", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-q", "-o", mine, "--json", "--no-report"
    )
    assert (left.code, left.err) == (0, "")
    found = json.loads(left.out)
    assert found["folder"] == str(mine)
    assert found["recommendation"] == json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))
    assert found["findings"] == json.loads((mine / "findings.json").read_text(encoding="utf-8"))
    assert "P005" in [finding["code"] for finding in found["findings"]]  # labels that follow lengths, a random model


def test_strict_leaves_with_3_after_everything_was_written(call, bert, table, mine):
    for name in ("recommendation.json", "findings.json"):
        (mine / name).unlink()
    words = ["run", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-q", "-o", mine, "--strict"]
    left = call(*words, "--no-report")
    assert (left.code, left.err) == (3, "")
    assert "P005" in left.out
    assert (mine / "recommendation.json").is_file()
    assert "P005" in (mine / "findings.json").read_text(encoding="utf-8")


def test_the_resolved_configuration_and_the_typed_command_are_kept(finished, bert, table):
    config = tomllib.loads((finished / "config.toml").read_text(encoding="utf-8"))
    assert config["data"] == {
        "path": str(table), "label": "label", "id": "id", "points": 10000, "seed": 0, "incomplete": "error",
    }  # fmt: skip
    assert (config["model"]["name"], config["measure"]["k"], config["measure"]["overlap_k"]) == (str(bert), 20, 10)
    command = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))["command"]
    assert command.startswith(f"dimscope run {bert} --data {table} --label label")
    assert command.endswith("a run'")


def test_its_own_configuration_makes_the_same_numbers(call, bert, finished, tmp_path):
    left = call("run", bert, "--config", finished / "config.toml", "-q", "--no-report", "-o", "again")
    assert left.code == 0
    again = content(tmp_path / "again")
    assert again["profile.csv"] == content(finished)["profile.csv"]
    assert again["states/block_02.npy"] == content(finished)["states/block_02.npy"]


def test_without_o_the_folder_is_named_after_model_and_data(call, bert, table, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "Tiny").symlink_to(bert)
    left = call("run", "models/Tiny/", "--data", table, *SMALL, "-q", "--no-report")
    assert left.code == 0
    assert (tmp_path / "runs" / "tiny-texts" / "profile.csv").is_file()


def test_texts_without_labels_have_no_label_columns(call, bert, tmp_path):
    words = [f"w{number % 60} w{number // 2 % 60} w{number * 7 % 60}" for number in range(40)]
    (tmp_path / "lines.txt").write_text("\n".join(words), encoding="utf-8")
    left = call("run", bert, "--data", "lines.txt", "--k", 12, "--overlap-k", 6, "-q", "--no-report", "-o", "out")
    assert left.code == 0
    assert "label" not in left.out.splitlines()[0]
    assert not [name for name in pandas.read_csv(tmp_path / "out" / "profile.csv").columns if "label" in name]


def test_long_examples_are_cut_counted_and_told(call, bert, table, tmp_path):
    left = call("run", bert, "--data", table, *SMALL, "--max-tokens", 12, "-q", "--no-report", "-o", "out")
    assert left.code == 0
    rows = pandas.read_parquet(tmp_path / "out" / "points.parquet")
    words = pandas.read_csv(table)["text"].str.split().str.len()
    assert rows["truncated"].tolist() == (words > 10).tolist()  # [CLS] and [SEP] take two of the twelve
    assert "\nP003 " in left.out
    assert f"{int((words > 10).sum())} of 60" in left.out


def test_incomplete_rows_are_dropped_on_request_and_told(call, bert, table, tmp_path):
    frame = pandas.read_csv(table)
    frame.loc[[3, 30], "label"] = None
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    words = ["run", bert, "--data", "gaps.csv", "--label", "label", "--id", "id", *SMALL, "-q", "--no-report"]
    left = call(*words, "--incomplete", "drop", "-o", "out")
    assert left.code == 0
    assert "\nP007 " in left.out
    kept = pandas.read_parquet(tmp_path / "out" / "points.parquet")["id"].tolist()
    assert kept == [f"e{row}" for row in range(60) if row not in (3, 30)]


@pytest.mark.parametrize("words", [["--data", "x.csv"], []], ids=["no model", "nothing"])
def test_a_missing_model_is_a_usage_error(words, call):
    left = call("run", *words)
    assert (left.code, left.out) == (2, "")
    assert "Missing argument 'MODEL'" in left.err


@pytest.mark.parametrize("command", ["run", "extract"])
def test_missing_data_are_a_usage_error(command, call):
    left = call(command, "model")
    assert (left.code, left.out) == (2, "")
    kinds = ".txt .csv .tsv .jsonl .parquet .fasta .npy .npz, a folder of images or sound, or a saved data set"
    assert left.err == f"Error: no data were named; add --data PATH ({kinds}).\n"
