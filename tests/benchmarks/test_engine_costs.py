"""The cost model of an engine."""

import json

import numpy as np
import pytest

D, K = 1280, 50


@pytest.fixture
def model(benchmark):
    return benchmark("engine_costs")


@pytest.fixture
def costs(model):
    return model.Costs(product=2e-11, decision=3e-10, row=4e-7, task=0.01, row_bytes=1500)


def run_of(model, n, workers, costs):
    """What two stages take when every worker is always busy."""
    s = model.stretches_of(n, workers)
    pairs = costs.product * n * n * D / 2 + costs.row * n * s + costs.task * s * (s + 1) / 2
    stages = [("collect", pairs, n * costs.row_bytes), ("decided", costs.decision * n * K * D + costs.task * s, 12 * n * K)]
    return {"n": n, "seconds": 0.0, "stages": [
        {"name": name, "tasks": 1, "seconds": seconds / workers, "answer_bytes": size} for name, seconds, size in stages
    ]}  # fmt: skip


@pytest.fixture
def measured(model, costs):
    runs = [run_of(model, n, 2, costs) for n in (5000, 20_000, 80_000, 320_000)]
    return {"d": D, "k": K, "workers": 2, "runs": runs}


def test_the_costs_behind_measurements_are_found(model, costs, measured):
    found = model.fitted(measured, measured["runs"])
    assert [found.product, found.decision, found.row, found.task] == pytest.approx(
        [costs.product, costs.decision, costs.row, costs.task], rel=1e-6
    )
    assert found.row_bytes == 1500


def test_tasks_go_to_whoever_is_free(model):
    assert model.scheduled([4, 1, 1, 1, 1], 2) == 4
    assert model.scheduled([1, 1, 1, 1, 4], 2) == 6
    assert model.scheduled([], 3) == 0


def test_one_worker_takes_the_sum_and_the_bytes_are_those_of_the_candidates(model, costs):
    n = 1_000_000
    found, s = model.simulate(n, D, K, 1, costs), model.stretches_of(n, 1)
    read = found["read"]
    assert read == pytest.approx(
        n * D * model.ITEM * (s + 1)
    )  # each stretch in s pairs, its own included, and once when it is decided
    work = costs.product * n * n * D / 2 + costs.row * n * s + costs.decision * n * K * D + costs.task * found["tasks"]
    assert found["seconds"] == pytest.approx(work + read / model.DISK)
    assert found["tasks"] == s * (s + 1) / 2 + s
    assert found["moved"] == n * (2 * 1500 + 12 * K)


def test_more_workers_are_never_slower_and_the_network_is_the_end(model, costs):
    seconds = [model.simulate(1_000_000, D, K, workers, costs)["seconds"] for workers in (1, 4, 16, 64)]
    assert seconds == sorted(seconds, reverse=True)
    least = 1_000_000 * (2 * 1500 + 12 * K) / model.NETWORK
    assert model.simulate(1_000_000, D, K, 100_000, costs)["seconds"] >= least


def test_the_largest_measurement_is_foretold_by_the_others(model, measured, tmp_path, capsys):
    (tmp_path / "measured.json").write_text(json.dumps(measured))
    model.main(["foretell", str(tmp_path / "measured.json"), "--points", "1000000", "--workers", "2", "16"])
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads(json.dumps(model.foretell(measured, [1_000_000], [2, 16])))
    assert found["left out"]["foretold"] == pytest.approx(found["measured"][-1]["fitted"], rel=1e-6)
    assert [run["workers"] for run in found["simulated"]] == [2, 16]


def test_bytes_of_answers_are_those_of_their_arrays(model):
    assert model.n_bytes((np.zeros(10), [np.zeros(4, np.uint16)], "text", 3)) == 88
