"""`dimscope extract`, `recommend` and `report`: the stages of a run one by one."""

import json
import tomllib

import click
import numpy as np
import pandas
import pytest

from cli_runs import SMALL, content
from dimscope.pipeline import finish

SKIPPED = {"log.jsonl", "manifest.json", "report.html"}


def test_the_stages_one_by_one_make_the_numbers_of_run(call, bert, table, finished, tmp_path):
    left = call("extract", bert, "--data", table, "--label", "label", "--id", "id", *SMALL, "-q", "-o", "apart")
    assert (left.code, left.out, left.err) == (0, "States: apart/states\n", "")
    apart = tmp_path / "apart"
    assert set(content(apart)) == {
        "config.toml", "manifest.json", "points.parquet", "log.jsonl", "states/progress.json",
        *(f"states/{name}.npy" for name in ("embed_00", "block_01", "block_02", "block_03")),
    }  # fmt: skip
    left = call("measure", "apart", "-q", "--no-report")
    assert left.code == 0
    assert left.out.startswith("  layer ")
    whole, parts = content(finished), content(apart)
    for path in ("profile.csv", "recommendation.json", "findings.json", "points.parquet", "config.toml", "states/block_03.npy"):
        assert parts[path] == whole[path], path


def test_extract_keeps_the_measures_that_were_named(call, bert, table, tmp_path):
    words = ["--set", "measure.k=20", "--set", "measure.overlap_k=7", "--estimator", "mle"]
    assert call("extract", bert, "--data", table, *words, "-q", "-o", "apart").code == 0
    config = tomllib.loads((tmp_path / "apart" / "config.toml").read_text(encoding="utf-8"))
    assert (config["measure"]["k"], config["measure"]["overlap_k"], config["measure"]["estimators"]) == (20, 7, ["mle"])
    assert call("measure", "apart", "-q", "--no-report").code == 0
    assert "mle" in pandas.read_csv(tmp_path / "apart" / "profile.csv").columns


def test_extract_again_does_nothing_and_redo_starts_over(call, bert, table, tmp_path):
    words = ["extract", bert, "--data", table, *SMALL, "-o", "apart"]
    assert call(*words).code == 0
    states = tmp_path / "apart" / "states" / "block_01.npy"
    written = states.stat().st_mtime_ns
    left = call(*words)
    assert (left.code, left.err) == (0, "states of 60 examples are there already\n")
    assert states.stat().st_mtime_ns == written
    assert call(*words, "--on-existing", "redo").code == 0
    assert states.stat().st_mtime_ns > written
    left = call(*words, "--on-existing", "error")
    assert (left.code, left.err) == (
        2, "Error: apart exists and --on-existing error was asked for; choose another -o.\n",
    )  # fmt: skip


def test_extract_of_other_layers_into_the_same_folder_is_refused(call, bert, table):
    words = ["extract", bert, "--data", table, *SMALL, "-q", "-o", "apart"]
    assert call(*words, "--layers", "0,3").code == 0
    left = call(*words)
    assert left.code == 2
    assert left.err.startswith("Error: apart was made with model.layers = '0,3', now 'all'. Choose --on-existing redo or")


def test_recommend_prints_and_stores_the_answer(call, mine):
    before = content(mine)
    (mine / "recommendation.json").unlink()
    left = call("recommend", mine)
    stored = json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))
    assert (left.code, left.err) == (0, "")
    assert left.out.startswith(f"\n{stored['headline']}\n  - {stored['reasons'][0]}\n")
    assert {path for path, data in content(mine).items() if before[path] != data} <= SKIPPED


def test_recommend_by_another_rule(call, mine):
    (mine / "report.html").write_text("a page", encoding="utf-8")
    left = call("recommend", mine, "--rule", "last", "--json")
    assert f"{mine}/report.html shows the answer from before; `dimscope report {mine}` draws it again." in left.err
    assert json.loads((mine / "manifest.json").read_text(encoding="utf-8"))["later"][-1].startswith("dimscope recommend ")
    answer = json.loads(left.out)
    assert (answer["rule"], answer["layers"], answer["best"]) == ("last", ["block_03"], "block_03")
    assert json.loads((mine / "recommendation.json").read_text(encoding="utf-8")) == answer
    values = pandas.read_csv(mine / "profile.csv", dtype=str)["label_overlap"].astype(float).to_numpy()
    assert answer["regret"]["best"] == values.max()
    assert answer["regret"]["regret"] == values.max() - values[-1]


def test_recommend_by_an_unknown_rule_names_the_nearest_and_keeps_the_answer(call, mine):
    before = content(mine)
    left = call("recommend", mine, "--rule", "midle")
    assert (left.code, left.out) == (2, "")
    assert left.err.startswith('Error: unknown rule "midle". Did you mean "middle"?')
    assert content(mine) == before


def test_report_draws_again_what_is_missing(call, mine):
    (mine / "report.html").unlink()
    (mine / "figures" / "dimension.svg").unlink()
    left = call("report", mine)
    assert (left.code, left.out, left.err) == (0, f"Report: {mine / 'report.html'}\n", "")
    assert (mine / "figures" / "dimension.svg").is_file()
    text = (mine / "report.html").read_text(encoding="utf-8")
    assert json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))["headline"] in text


def test_a_page_without_texts_can_be_shared(call, mine):
    texts = pandas.read_parquet(mine / "points.parquet")["text"].tolist()
    page = (mine / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in texts)
    left = call("report", mine, "--no-texts")
    note = f"The page holds no texts; {mine / 'points.parquet'} still does.\n"
    assert (left.code, left.out, left.err) == (0, f"Report: {mine / 'report.html'}\n", note)
    page = (mine / "report.html").read_text(encoding="utf-8")
    assert not any(text in page for text in texts)
    assert '"e7"' in page and "Search id or label" in page
    assert pandas.read_parquet(mine / "points.parquet")["text"].tolist() == texts


@pytest.fixture
def no_figures(monkeypatch):
    """`report` draws nothing, which is quick."""
    monkeypatch.setattr(finish, "illustrate", lambda *results, **options: None)


def test_report_keeps_the_rule_of_the_last_recommendation(call, mine, no_figures):
    assert call("recommend", mine, "--rule", "last", "--json").code == 0
    assert call("report", mine).code == 0
    assert json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))["rule"] == "last"


def test_report_opens_the_page(call, mine, monkeypatch, no_figures):
    opened = []
    monkeypatch.setattr(click, "launch", opened.append)
    assert call("report", mine, "--open").code == 0
    assert opened == [str(mine / "report.html")]


def test_figures_can_be_made_for_a_paper(call, mine, monkeypatch):
    asked = []
    monkeypatch.setattr(finish, "illustrate", lambda *results, **options: asked.append(options))
    assert call("report", mine, "--size", "column", "--pdf").code == 0
    assert call("report", mine).code == 0
    assert [(options["size"], options["endings"]) for options in asked] == [
        ("column", (".svg", ".png", ".pdf")), (None, (".svg", ".png")),
    ]  # fmt: skip
    left = call("report", mine, "--size", "colum")
    assert (left.code, left.out, len(asked)) == (2, "", 2)
    assert 'unknown size "colum". Did you mean "column"?' in left.err


@pytest.mark.parametrize("command", ["recommend", "report"])
def test_a_run_without_measures_says_what_is_next(command, call, mine):
    (mine / "profile.nc").unlink()
    left = call(command, mine)
    assert (left.code, left.out) == (1, "")
    assert left.err == f"Error: no profile at {mine / 'profile.nc'}; run `dimscope measure` on the run folder first.\n"


@pytest.mark.parametrize("command", ["recommend", "report"])
def test_a_damaged_configuration_is_one_sentence(command, call, mine):
    (mine / "config.toml").write_text("[data\n", encoding="utf-8")
    left = call(command, mine)
    assert (left.code, left.out) == (2, "")
    assert left.err.startswith(f"Error: {mine / 'config.toml'} is not valid TOML")
    assert left.err.count("\n") == 1


def test_states_are_those_of_run(call, bert, table, finished, tmp_path):
    assert call("extract", bert, "--data", table, *SMALL, "--layers", "2", "--pool", "mean", "-q", "-o", "apart").code == 0
    found = np.load(tmp_path / "apart" / "states" / "block_02.npy")
    np.testing.assert_array_equal(found, np.load(finished / "states" / "block_02.npy"))
