"""The summary numbers against the profile files, read by other means."""

import json
import shutil

import numpy as np
import pandas
import pytest

from dimscope.comparison import open_runs, summary_table
from dimscope.comparison.runs import ComparedRun
from dimscope.comparison.summary import printed_table
from dimscope.errors import StoreError
from dimscope.store.folder import RunFolder
from profiles import make_profile


def test_peak_and_labels_are_those_of_the_stored_table(runs):
    table = summary_table(open_runs([str(runs / name) for name in ("a", "b", "bare")]))
    for name, row in zip(("a", "b", "bare"), table.to_dict(orient="records"), strict=True):
        stored = pandas.read_csv(runs / name / "profile.csv")
        top = stored.loc[stored["dimension"].idxmax()]
        assert (row["run"], row["examples"], row["layers"]) == (name, 120, len(stored))
        assert (row["peak"], row["peak_err"], row["peak_layer"]) == pytest.approx(
            (top["dimension"], top["dimension_err"], top["name"])
        )
        assert row["peak_depth"] == pytest.approx(top["depth"])
        if name == "bare":
            assert np.isnan(row["label_overlap"])
            assert row["label_overlap_layer"] == ""
        else:
            best = stored.loc[stored["label_overlap"].idxmax()]
            assert row["label_overlap"] == pytest.approx(best["label_overlap"])
            assert row["label_overlap_layer"] == best["name"]
            assert row["last_label_overlap"] == pytest.approx(stored["label_overlap"].iloc[-1])


def test_the_plateau_and_the_final_norm(tmp_path):
    values = [10, 20, 30, 25, 15, 15.2, 15.1, 15.3, 22, 99]
    profile = make_profile(values, final_norm=True)
    row = summary_table([ComparedRun("one", RunFolder(tmp_path), profile)]).iloc[0]
    assert (row["peak"], row["peak_layer"], row["peak_depth"]) == (30, "block_02", 0.25)  # not the norm with its 99
    assert row["plateau_layers"] == "block_04 to block_06"  # block_07 is deeper than 0.85
    assert (row["plateau_low"], row["plateau_high"]) == (15, 15.2)


def test_the_stored_answer_is_shown(runs, tmp_path):
    place = shutil.copytree(runs / "a", tmp_path / "mine")
    answer = {"layers": ["array_01", "array_02"], "best": "array_02"}
    (place / "recommendation.json").write_text(json.dumps(answer), encoding="utf-8")
    words = [str(place), str(runs / "b")]
    table = summary_table(open_runs(words))
    assert (table["recommended"][0], table["best_layer"][0]) == ("array_01 to array_02", "array_02")
    (place / "recommendation.json").write_text("[", encoding="utf-8")
    with pytest.raises(StoreError, match=r"recommendation\.json is damaged; write it again with `dimscope recommend"):
        summary_table(open_runs(words))


def test_the_printed_table_rounds_by_the_errors(runs):
    table = summary_table(open_runs([str(runs / "a"), str(runs / "bare")]))
    shown = printed_table(table)
    cell, _, layer = shown["peak dimension"][0].partition(" (")
    value, _, error = cell.partition(" +- ")
    assert layer == f"{table['peak_layer'][0]})"
    assert float(value) == pytest.approx(table["peak"][0], abs=0.5 * 10.0 ** -len(value.partition(".")[2]))
    assert float(error) == pytest.approx(table["peak_err"][0], rel=0.06)
    assert shown["best label overlap"][1] == "-"


def test_a_profile_without_a_number_has_no_peak(tmp_path):
    profile = make_profile([float("nan")] * 4)
    row = summary_table([ComparedRun("none", RunFolder(tmp_path), profile)]).iloc[0]
    assert np.isnan(row["peak"])
    assert (row["peak_layer"], row["plateau_layers"], row["recommended"]) == ("", "", "no clear choice")
