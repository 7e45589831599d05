"""The plan of a run against the run."""

from dataclasses import replace

import pytest

from cli_runs import content
from dimscope.config import config_from
from dimscope.errors import DimscopeError
from dimscope.pipeline.plan import Scope
from dimscope.pipeline.planning import plan_run
from dimscope.pipeline.run import run_stages
from dimscope.progress import Silent
from dimscope.store.manifest import Manifest


def bytes_below(folder, *names):
    """Of all files in folders of these names, at any depth."""
    return sum(path.stat().st_size for path in folder.rglob("*.np?") if path.parent.name in names)


CASES = {
    "plain": ({}, {}),
    "poolings": ({"pool": "mean,last"}, {}),
    "tokens": ({"pool": "tokens", "layers": "0:3:2"}, {}),
    "controls": ({}, {"control": ("shuffled", "gaussian")}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_plan_is_what_the_run_writes(case, small, bert, tmp_path):
    model, measure = CASES[case]
    config = small(bert, measure=measure, **model)
    plan = plan_run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    result = run_stages(config, tmp_path / "run", with_report=False)
    assert plan.disk["states"] == bytes_below(tmp_path / "run", "states")
    few = 0.2 if case == "tokens" else 0.05  # equal tokens are one point at the input of the first block
    assert plan.disk["neighbors"] == pytest.approx(bytes_below(tmp_path / "run", "neighbors"), rel=few)
    assert [layer.name for layer in plan.layers] == [layer.name for layer in result.profile.layers]
    data = Manifest(tmp_path / "run").content["data"]
    assert plan.examples["examples"] == data["n_examples"]
    assert plan.examples["distinct"] == data["n_examples"] - data["n_duplicate_texts"]
    assert plan.examples["rows"] == data.get("n_tokens", data["n_examples"])


def test_operations_and_counts_are_those_of_the_model(small, bert, tmp_path):
    plan = plan_run(small(bert), tmp_path / "run")
    hidden, inner, blocks = 32, 48, 3
    block = 4 * (hidden * hidden + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden  # attention, MLP, two norms
    other = hidden * (48 + 2) + 2 * hidden + hidden * hidden + hidden  # positions, types, their norm; the pooler
    pairs_cost = plan.operations["model"] - 2 * (blocks * block + other) * (batches := padded_positions(small(bert)))[0]
    assert pairs_cost == 4 * hidden * blocks * batches[1]
    assert plan.operations["neighbors"] == 4 * 59**2 * hidden


def padded_positions(config):
    from dimscope.inputs.examples import read_examples
    from dimscope.pipeline.reading import open_reading
    from dimscope.pipeline.trial_reading import planned_batches

    reading = open_reading(config, read_examples(config.data), Silent(), block_rows=16)
    lengths = reading.tokens.lengths
    shapes = [(len(rows), int(lengths[rows].max())) for rows in planned_batches(reading)]
    return sum(size * length for size, length in shapes), sum(size * length**2 for size, length in shapes)


def test_nothing_is_written_or_removed(small, bert, tmp_path):
    run_stages(small(bert), tmp_path / "run", with_report=False)
    leftover = tmp_path / "run" / ".profile.csv.99999.part.csv"
    leftover.write_text("half")
    (tmp_path / "run" / "profile.csv").unlink()
    before = content(tmp_path)
    plan = plan_run(small(bert), tmp_path / "run")
    assert {stage.name: stage.seconds for stage in plan.stages}["read"] == 0
    plan_run(small(bert, pool="last"), tmp_path / "run", Scope("redo"))
    assert content(tmp_path) == before


def test_workers_share_the_blocks_and_the_layers(small, bert, tmp_path, monkeypatch):
    monkeypatch.setattr("dimscope.pipeline.trial_reading.time_of", lambda work: work() or work() or 1.0)
    monkeypatch.setattr("dimscope.pipeline.trial_measures.time_of", lambda work, warm=True: work() or 1.0)

    def seconds(workers):
        plan = plan_run(small(bert), tmp_path / "run", Scope(workers=workers))
        assert any("moving data" in note for note in plan.notes) == (workers > 1)
        return {stage.name: stage.seconds for stage in plan.stages}

    one, three = seconds(1), seconds(3)
    assert one["neighbors"] == pytest.approx(4)  # four layers, a second each
    assert three["read"] == pytest.approx(one["read"] * 2 / 4)  # four blocks: two rounds
    assert three["neighbors"] == pytest.approx(4 / 3)
    assert three["measures"] == pytest.approx(2)  # four layers: two rounds


def test_without_measures_the_plan_ends_with_the_states(small, bert, tmp_path):
    plan = plan_run(small(bert, measure={"control": ("untrained",)}), tmp_path / "run", Scope(measures=False))
    assert [stage.name for stage in plan.stages] == ["load", "read"]
    assert set(plan.disk) == {"states", "free"}
    assert plan.disk["states"] == sum(layer.bytes for layer in plan.layers)


BROKEN = {
    "layers": ({}, {}, {"layers": "7"}),
    "few": ({"points": 10}, {}, {}),
    "rule": ({}, {"rule": "nearest-to-me"}, {}),
    "column": ({"label": "colour"}, {}, {}),
    "model": ({}, {}, {"name": "./absent"}),
    "other configuration": ({"seed": 5}, {}, {}),
}


@pytest.mark.parametrize("case", BROKEN)
def test_bad_input_gets_the_sentence_of_the_run(case, small, bert, tmp_path):
    data, measure, model = BROKEN[case]
    out = tmp_path / "run"
    if case == "other configuration":
        run_stages(small(bert), out, with_report=False)
    config = small(bert, data, measure, **{name: value for name, value in model.items() if name != "name"})
    config = replace(config, model=replace(config.model, name=model.get("name", config.model.name)))
    before = content(tmp_path)
    with pytest.raises(DimscopeError) as planned:
        plan_run(config, out)
    assert content(tmp_path) == before
    with pytest.raises(DimscopeError) as run:
        run_stages(config, out)
    assert (type(planned.value), str(planned.value)) == (type(run.value), str(run.value))


def test_too_small_a_disk_is_a_note(small, bert, tmp_path, monkeypatch):
    monkeypatch.setattr("dimscope.pipeline.limits.free_space", lambda path: (tmp_path, 1000))
    (note,) = (note for note in plan_run(small(bert), tmp_path / "run").notes if "free" in note)
    assert note.startswith("the states need 31.2 kB (60 examples, 4 layers), 1 kB are free at")


@pytest.mark.slow
def test_the_time_is_that_of_the_run_within_a_factor_of_two_and_a_half(tmp_path):
    from dimscope.demos import DEMOS

    config = DEMOS.load("glosses")(tmp_path / "data").config
    config = config_from({"data": {"points": 1500}}, config)
    plan = plan_run(config, tmp_path / "run")
    run_stages(config, tmp_path / "run", with_report=False)
    stages = Manifest(tmp_path / "run").content["stages"]
    planned = {stage.name: stage.seconds for stage in plan.stages}
    assert 0.4 < (planned["load"] + planned["read"]) / stages["extract"]["seconds"] < 2.5
    assert 0.4 < (planned["neighbors"] + planned["measures"]) / stages["measure"]["seconds"] < 2.5
