"""The ways that the benchmark compares read the same vectors of the same proteins."""

import numpy as np
import pytest


@pytest.fixture
def extraction(benchmark):
    return benchmark("extraction")


@pytest.mark.parametrize("family", ["esm", "gpt2", "llama", "bert"])
def test_all_ways_give_the_same_vectors(extraction, family, tmp_path):
    extraction.write_case(tmp_path, family, 2, 32, 5)
    found = extraction.dimscope(tmp_path)
    expected = extraction.loop(tmp_path)
    if family != "bert":
        del found[2]  # the last block before the norm: transformers reports it normed only
    assert len(found) == len(expected) == 3
    for one, other, short in zip(found, expected, extraction.batch_loop(tmp_path), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())
        np.testing.assert_allclose(short, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())
    extraction.bare(tmp_path)


def test_lengths_are_those_of_proteins(extraction):
    lengths = extraction.draw_lengths(20_000, np.random.default_rng(1))
    assert lengths.mean() == pytest.approx(354, rel=0.02)
    assert (lengths.min(), lengths.max()) == (30, 1022)


def test_the_table_has_the_fastest_rounds_and_their_ratios(extraction):
    times = [{"bare": 2.0, "loop": 3.5}, {"bare": 1.0, "loop": 3.0}, {"bare": 4.0, "loop": 20.0}]
    memory = {"bare": 100.0, "loop": 250.0}
    assert extraction.table_line(64, "bare", times, memory) == "| 64 | bare | 1.0 | 1.00 | 100 | 1.00 |"
    assert extraction.table_line(64, "loop", times, memory) == "| 64 | loop | 3.0 | 3.00 | 250 | 2.50 |"
    assert extraction.table_line(64, "loop", [{"loop": 3.0}], {"loop": 250.0}) == "| 64 | loop | 3.0 | - | 250 | - |"
    assert extraction.table_line(64, "loop", [], memory) == "| 64 | loop | - | - | 250 | 2.50 |"
    assert extraction.table_line(64, "loop", times, {}) == "| 64 | loop | 3.0 | 3.00 | - | - |"


def test_a_way_is_measured_in_a_process_of_its_own(extraction, tmp_path):
    for folder in (tmp_path, tmp_path / "tiny"):
        extraction.write_case(folder, "gpt2", 2, 32, 4)
    seconds, megabytes = extraction.in_child("bare", tmp_path, extraction.OWN_PAGES)
    assert 0 < seconds < 60
    assert 0 < megabytes < 2000
