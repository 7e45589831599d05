"""Several poolings in one pass give the files of runs with one each; one that is asked for later is added."""

import numpy as np
import pytest
import torch
from pyarrow import parquet

from dimscope.errors import UsageError
from dimscope.models.load import load_model
from dimscope.pipeline import filling
from dimscope.pipeline.pools import split_pools
from dimscope.pipeline.run import run_stages
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from dimscope.store.states import open_states

SKIPPED = {"log.jsonl", "manifest.json"}


def content(out, below=""):
    """Every result but log, times and the other poolings."""
    folder = out / below
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in SKIPPED]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.relative_to(folder).parts[0] != "pools"
    }


def count_forwards(monkeypatch):
    read = []
    original = filling.read_rows

    def spy(reader, tokens, start, stop, advance):
        read.append((reader.config.pool, start))
        return original(reader, tokens, start, stop, advance)

    monkeypatch.setattr(filling, "read_rows", spy)
    return read


def test_folders_and_configurations(small, bert, tmp_path):
    found = split_pools(small(bert, pool="mean, last,position:-2"), RunFolder(tmp_path))
    assert [(config.model.pool, folder.path) for config, folder in found] == [
        ("mean", tmp_path), ("last", tmp_path / "pools" / "last"), ("position:-2", tmp_path / "pools" / "position_-2"),
    ]  # fmt: skip


def test_one_pass_gives_the_bits_of_separate_runs(small, gpt2, tmp_path, monkeypatch):
    read = count_forwards(monkeypatch)
    result = run_stages(small(gpt2, pool="mean,last,position:0"), tmp_path / "all", with_report=False)
    assert read == [("mean,last,position:0", start) for start in (0, 16, 32, 48)]
    assert [other.folder.path.name for other in result.others] == ["last", "position_0"]
    for pool, below in (("mean", ""), ("last", "pools/last"), ("position:0", "pools/position_0")):
        run_stages(small(gpt2, pool=pool), tmp_path / pool, with_report=False)
        found, expected = content(tmp_path / "all", below), content(tmp_path / pool)
        assert found == expected
        assert len(found) > 12
        assert Manifest(tmp_path / "all" / below).content["model"]["pool"] == pool


def test_a_pooling_asked_for_later_is_added_and_the_others_are_kept(small, gpt2, tmp_path, monkeypatch):
    run_stages(small(gpt2), tmp_path / "run", with_report=False)
    before = content(tmp_path / "run")
    read = count_forwards(monkeypatch)
    run_stages(small(gpt2, pool="mean,last"), tmp_path / "run", with_report=False)
    assert read == [("last", start) for start in (0, 16, 32, 48)]
    run_stages(small(gpt2, pool="mean,last"), tmp_path / "run", with_report=False)
    assert len(read) == 4
    assert content(tmp_path / "run") == before
    with pytest.raises(UsageError, match=r"was made with model\.pool = 'mean', now 'last'"):
        run_stages(small(gpt2, pool="last,mean"), tmp_path / "run", with_report=False)


def test_redo_starts_all_poolings_over(small, gpt2, tmp_path, monkeypatch):
    run_stages(small(gpt2, pool="mean,last"), tmp_path / "run", with_report=False)
    (tmp_path / "run" / "pools" / "last" / "profile.csv").write_text("old")
    read = count_forwards(monkeypatch)
    run_stages(small(gpt2, pool="mean,last"), tmp_path / "run", with_report=False, on_existing="redo")
    assert [pool for pool, _ in read] == ["mean,last"] * 4
    assert (tmp_path / "run" / "pools" / "last" / "profile.csv").read_text().startswith("layer,")


@pytest.fixture(scope="module")
def token_run(request, tmp_path_factory):
    """A run whose rows are all tokens of the distinct texts; its folder and configuration."""

    def make(small, model, name, **options):
        out = tmp_path_factory.mktemp(name) / "run"
        config = small(model, pool="tokens", **options)
        return run_stages(config, out, with_report=False), config

    return make


def token_states(config, texts):
    """States of every token of each distinct text, one text at a time, as transformers reports them."""
    loaded = load_model(config.model)
    rows = []
    for text in dict.fromkeys(texts):
        inputs = loaded.tokenizer([text], return_tensors="pt", return_special_tokens_mask=True)
        content = ~inputs.pop("special_tokens_mask")[0].bool()
        with torch.no_grad():
            states = loaded.model(**inputs, output_hidden_states=True).hidden_states
        rows.append([state[0][content].numpy() for state in states])
    return [np.concatenate(layer) for layer in zip(*rows, strict=True)]


def test_every_token_is_a_row(small, bert, texts, token_run):
    result, config = token_run(small, bert, "every")
    lines = [line.split(",")[1] for line in texts.read_text().splitlines()[1:]]
    expected = token_states(config, lines)
    for row, name in enumerate(["embed_00", "block_01", "block_02", "block_03"]):
        found = open_states(result.folder.states / f"{name}.npy")
        np.testing.assert_allclose(found, expected[row], rtol=1e-5, atol=1e-5 * np.abs(found).max())
    points = parquet.read_table(result.folder.points).to_pandas()
    assert len(points) == len(expected[0]) == Manifest(result.folder.path).content["data"]["n_tokens"]
    words = [
        (f"e{row}:{place}", word) for row, line in enumerate(lines) if row != 8 for place, word in enumerate(line.split(), 1)
    ]
    assert list(zip(points["id"], points["token"], strict=True)) == words
    assert (points["group"] == points["example"]).all()
    assert points["text"][2].startswith(f"[CLS] {words[0][1]} {words[1][1]}[{words[2][1]}]")
    assert set(points["label"]) == {"odd", "even"}


def test_a_sample_of_tokens_is_drawn_by_the_seed_and_whole_rows_are_those_of_all_tokens(small, bert, token_run):
    every, _ = token_run(small, bert, "whole")
    some, again, other = (token_run(small, bert, name, **options)[0] for name, options in (
        ("some", {"tokens": 150}), ("again", {"tokens": 150}), ("other", {"tokens": 150, "data": {"seed": 1}}),
    ))  # fmt: skip
    ids = [parquet.read_table(run.folder.points)["id"].to_pylist() for run in (every, some, again, other)]
    assert len(ids[1]) == len(set(ids[1])) == 150
    assert ids[1] == ids[2] != ids[3]
    place = [ids[0].index(name) for name in ids[1]]
    assert place == sorted(place)
    for name in ("embed_00", "block_03"):
        whole, found = (open_states(run.folder.states / f"{name}.npy") for run in (every, some))
        np.testing.assert_allclose(found, whole[place], rtol=1e-5, atol=1e-5 * np.abs(whole).max())
