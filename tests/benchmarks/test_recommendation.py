"""The benchmark of the rules: shares of the best layer, the probe that is kept, and the page that is written."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from dimscope.rules import RULES
from dimscope.store.folder import RunFolder
from profiles import make_profile

ENCODER = [0.68, 0.75, 0.71, 0.75, 0.69, 0.39, np.nan]
LABELS = [0.1, 0.2, 0.3, 0.35, 0.38, 0.4, 0.3]


@pytest.fixture
def script(benchmark):
    return benchmark("recommendation")


def encoder_profile(**columns):
    return make_profile(
        [20.0, 19.0, 18.0, 17.0, 16.5, 16.0, 15.0], overlap_next=ENCODER, label_overlap=LABELS, n=500,
        knn_accuracy=[0.5] * 7, linear_probe=[0.4, 0.5, 0.6, 0.7, 0.8, 0.6, 0.5], **columns,
    )  # fmt: skip


def test_shares_of_the_best_layer(script):
    found = script.outcome(encoder_profile())
    assert found["turn"] == {
        "layer": "block_05", "is_weak": True, "label_overlap": 1.0, "knn_accuracy": 1.0, "linear_probe": pytest.approx(0.75),
    }  # fmt: skip
    assert found["last"]["layer"] == "block_06"
    assert found["last"]["label_overlap"] == pytest.approx(0.75)
    assert found["minimum"] == {
        "layer": None, "is_weak": False, "label_overlap": None, "knn_accuracy": None, "linear_probe": None,
    }  # fmt: skip
    assert found["best"] == {"label_overlap": "block_05", "knn_accuracy": "embed_00", "linear_probe": "block_04"}
    assert found["examples"] == 500
    assert set(found) == {*RULES, "best", "examples"}


def test_the_last_block_stands_for_the_last_layer(script):
    profile = make_profile(
        [9.0, 8, 7, 6, 5, 4], final_norm=True, label_overlap=[0.1, 0.2, 0.3, 0.4, 0.3, 0.9], n=9, knn_accuracy=1.0,
        linear_probe=1.0, overlap_next=[0.9] * 6,
    )  # fmt: skip
    found = script.outcome(profile)
    assert (found["last"]["layer"], found["best"]["label_overlap"]) == ("block_04", "block_03")
    assert found["last"]["label_overlap"] == pytest.approx(0.75)


def test_means_count_the_cases_with_a_choice(script):
    results = {"one": script.outcome(encoder_profile()), "other": script.outcome(encoder_profile(top_variance=[0.9] * 7))}
    rows = [line.strip("| ").split(" | ") for line in script.rules_table(results).splitlines()[2:]]
    cells = {row[0]: row[1:] for row in rows}
    assert cells["`turn`"] == ["1 of 2", "100 %", "100 %", "75 %", "100 %"]
    assert cells["`last`"] == ["2 of 2", "75 %", "100 %", "62 %", "75 %"]
    assert cells["`minimum`"] == ["0 of 2", "-", "-", "-", "-"]
    lines = script.cases_table(results).splitlines()
    assert lines[2].startswith("| one | 500 | 5 | 100 (5)* | - |")
    assert lines[3].startswith("| other | 500 | 5 | - | - |")
    assert lines[2].endswith("| 75 (6) |")


def test_only_what_stands_between_the_marks_is_replaced(script, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\nolder\n<!-- /one -->\nb\n<!-- two -->\n\n<!-- /two -->\nc\n")
    script.write_page(page, {"one": "new", "two": "| x |"})
    assert page.read_text() == "a\n<!-- one -->\nnew\n<!-- /one -->\nb\n<!-- two -->\n| x |\n<!-- /two -->\nc\n"


def test_a_page_without_a_mark_is_refused(script, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- /one -->\n")
    with pytest.raises(SystemExit, match=r"page\.md has no marks <!-- two --> and <!-- /two -->"):
        script.write_page(page, {"one": "new", "two": "x"})
    assert "old" in page.read_text()


def test_the_probe_is_kept_and_a_constant_layer_has_none(script, tmp_path):
    folder = RunFolder(tmp_path)
    folder.states.mkdir()
    rng = np.random.default_rng(0)
    labels = ["a", "b"] * 30
    apart = rng.normal(size=(60, 4)) + 5 * np.array([label == "a" for label in labels])[:, None]
    np.save(folder.states / "embed_00.npy", np.ones((60, 4)))
    np.save(folder.states / "block_01.npy", apart)
    parquet.write_table(pa.table({"label": labels}), folder.points)
    profile = make_profile([1.0, 2.0])
    assert script.probed(folder, profile)[1] == 1
    assert np.isnan(script.probed(folder, profile)[0])
    (tmp_path / "probe.json").write_text(json.dumps({"embed_00": None, "block_01": 0.25}))
    assert script.probed(folder, profile)[1] == 0.25


def test_the_page_of_the_docs_has_every_mark_once(script):
    from loading import ROOT

    text = (ROOT / "docs" / "recommendation.md").read_text(encoding="utf-8")
    for name in ("published", "rules", "cases", "families"):
        assert text.count(f"<!-- {name} -->\n") == text.count(f"\n<!-- /{name} -->") == 1


def test_finished_runs_are_judged_as_they_are(script, tmp_path):
    name = "digits, image GPT, mean"
    assert script.chosen_cases(tmp_path, "digits", finished=True) == []
    folder = script.folder_of(name, tmp_path)
    folder.path.mkdir(parents=True)
    encoder_profile().save(folder.profile)
    parquet.write_table(pa.table({"label": ["a"]}), folder.points)
    (folder.path / "probe.json").write_text(json.dumps({"embed_00": 0.5} | {f"block_{row:02d}": 0.25 for row in range(1, 7)}))
    assert script.chosen_cases(tmp_path, "", finished=True) == [name]
    assert len(script.chosen_cases(tmp_path, "", finished=False)) == len(script.CASES)
    profile = script.measured(name, tmp_path, None, finished=True)
    np.testing.assert_array_equal(profile.values("linear_probe"), [0.5, *[0.25] * 6])
    np.testing.assert_array_equal(profile.values("label_overlap"), LABELS)
