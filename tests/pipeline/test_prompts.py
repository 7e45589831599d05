"""Token clouds of single prompts: means over clouds of known dimension, and which prompts count."""

import numpy as np
import pytest

import dimscope
from dimscope.config import MeasureConfig
from dimscope.pipeline.columns import rows_of_examples
from dimscope.pipeline.prompts import FEWEST_TOKENS, has_whole_prompts, measure_prompts
from dimscope.pipeline.run import run_stages
from dimscope.store.manifest import Manifest

OPTIONS = MeasureConfig(estimators=("twonn",), k=20)


def clouds(sizes, dimension=2, width=16, seed=0):
    rng = np.random.default_rng(seed)
    parts = [
        rng.standard_normal((n, dimension)) @ rng.standard_normal((dimension, width)) + 50 * row for row, n in enumerate(sizes)
    ]
    stops = np.cumsum(sizes)
    return parts, [np.arange(stop - n, stop) for stop, n in zip(stops, sizes, strict=True)]


def test_mean_and_error_over_the_prompts():
    parts, rows = clouds([40, 64, 100, 33])
    found = measure_prompts(np.concatenate(parts), rows, OPTIONS)
    alone = [dimscope.dimension(part, "twonn").value for part in parts]
    assert found["prompt_dimension"] == pytest.approx(np.mean(alone), rel=1e-12)
    assert found["prompt_dimension_err"] == pytest.approx(np.std(alone, ddof=1) / 2, rel=1e-12)
    assert found["prompt_dimension_n"] == 4


def test_planes_in_different_places_have_two_dimensions_each():
    parts, rows = clouds([64] * 60)
    found = measure_prompts(np.concatenate(parts), rows, OPTIONS)
    assert found["prompt_dimension"] == pytest.approx(2, rel=0.12)


def test_short_prompts_and_repeated_tokens_do_not_count():
    parts, rows = clouds([40, FEWEST_TOKENS - 1, 40])
    repeated = np.concatenate([*parts[:2], parts[2][np.arange(40) % (FEWEST_TOKENS - 1)]])
    found = measure_prompts(repeated, rows, OPTIONS)
    assert found["prompt_dimension_n"] == 1
    assert found["prompt_dimension"] == pytest.approx(dimscope.dimension(parts[0], "twonn").value, rel=1e-12)
    assert np.isnan(found["prompt_dimension_err"])
    none = measure_prompts(repeated, rows[1:], OPTIONS)
    assert none["prompt_dimension_n"] == 0
    assert np.isnan(none["prompt_dimension"])


def test_an_estimator_that_reads_more_neighbours_than_a_prompt_has():
    parts, rows = clouds([40])
    found = measure_prompts(parts[0], rows, MeasureConfig(estimators=("gride",), k=100))
    assert found["prompt_dimension"] == pytest.approx(dimscope.dimension(parts[0], "gride", ranks=2).value, rel=1e-9)


def test_a_run_over_all_tokens_has_the_columns_and_a_sample_has_not(small, bert, tmp_path):
    data = tmp_path / "long.csv"
    rng = np.random.default_rng(3)
    texts = [" ".join(f"w{word}" for word in rng.permutation(60)[: 34 + row]) for row in range(4)]
    data.write_text("\n".join(["id,text,label", *(f"e{row},{text},l" for row, text in enumerate([*texts, "w1 w2"]))]) + "\n")
    config = small(bert, {"path": str(data)}, pool="tokens")
    result = run_stages(config, tmp_path / "run", with_report=False)
    assert has_whole_prompts(config, Manifest(result.folder.path))
    rows = rows_of_examples(result.folder.points)
    assert [len(row) for row in rows] == [34, 35, 36, 37, 2]
    assert result.profile.values("prompt_dimension_n").tolist() == [4] * 4
    states = np.load(result.folder.states / "block_02.npy")
    expected = np.mean([dimscope.dimension(states[row], "twonn").value for row in rows[:4]])
    assert result.profile.values("prompt_dimension")[2] == pytest.approx(expected, rel=1e-12)
    some = run_stages(small(bert, {"path": str(data)}, pool="tokens", tokens=100), tmp_path / "some", with_report=False)
    assert not some.profile.has("prompt_dimension")
    other = small(bert)
    assert not has_whole_prompts(other, Manifest(run_stages(other, tmp_path / "mean", with_report=False).folder.path))
