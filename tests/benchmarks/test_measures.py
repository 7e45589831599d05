"""The benchmark of the measures: its parts are those of the measure stage, and its sums are right."""

import numpy as np
import pytest

from dimscope.config import MeasureConfig
from dimscope.pipeline import layers as stage
from dimscope.pipeline.requested import REQUESTS
from loading import loaded

CONFIG = MeasureConfig(k=20, overlap_k=10, replicates=5)


@pytest.fixture(scope="module")
def script():
    with loaded("benchmarks/measures.py", "measures_benchmark") as module:
        yield module


@pytest.fixture(scope="module")
def layers(script):
    points = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)
    return script.make_layers(points, 20, 0)


def test_the_parts_are_those_of_the_stage(script, layers):
    found = {name: work() for name, work in script.parts(layers, CONFIG).items()}
    row = stage.measure_points(layers.points, layers.table.duplicates)
    row |= stage.measure_table(layers.table, CONFIG, layers.labels)
    assert found["spectrum"].effective_rank == row["effective_rank"]
    assert np.median(found["norms"]) == row["norm_median"]
    for name in ("twonn", "gride_2", "gride_4", "gride_8", "gride_16"):
        assert (found[name].value, found[name].stderr) == (row[name], row[f"{name}_err"])
    for name, estimate in found["labels"].items():
        assert estimate.value == row[name]
    assert found["overlap"] == stage.measure_step(layers.table, layers.next_table, 10)
    np.testing.assert_array_equal(found["replicates"], stage.replicate_dimension(layers.table, CONFIG, 0))
    read = {name for name in row if name.endswith("_err")} - {"dimension_err"}
    assert {f"{name}_err" for name in (*found, *found["labels"])} >= read  # nothing of the stage is left out


def test_shares_are_of_the_table_and_of_the_product(script, capsys):
    script.show({script.PRODUCT: 4.0, script.TABLE: 2.0, "spectrum": 0.5, "labels": 0.1})
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split() == ["spectrum", "0.500", "0.250", "0.125"]
    assert lines[5].split() == ["all", "but", "the", "table", "0.600", "0.300", "0.150"]


def test_the_command_prints_a_line_per_part_and_per_request(script, capsys):
    script.main(["--points", "150", "--features", "5", "--neighbors", "12", "--threads", "1", "--repeats", "1", "--requested"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "n=150 d=5 k=12 threads=1, median of 1"
    names = [line.partition("  ")[0] for line in lines[2:]]
    assert names == [
        script.PRODUCT, script.TABLE, "spectrum", "norms", "twonn", "gride_2", "gride_4", "gride_8", "labels", "overlap",
        "replicates", "all but the table", *REQUESTS,
    ]  # fmt: skip
