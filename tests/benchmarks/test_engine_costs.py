"""The cost model of an engine."""

import json

import numpy as np
import pytest

from fakes import Shuffled

D, K = 1280, 50


@pytest.fixture
def model(benchmark):
    return benchmark("engine_costs")


@pytest.fixture
def costs(model):
    return model.Costs(product=2e-11, decision=3e-10, row=4e-10, task=0.01, row_bytes=1500)


def run_of(model, n, workers, costs):
    """Tasks that take what the costs say."""
    tasks = []
    for kind, lengths in model.lengths_of(n, D, K, workers).items():
        for pairs, rows in lengths:
            seconds = costs.product * pairs * D + costs.task
            seconds += rows * D * (costs.decision * K if kind == "decision" else costs.row)
            left = 0 if kind == "decision" else 1500 * n / sum(map(len, list(model.lengths_of(n, D, K, workers).values())[:2]))
            tasks.append(
                {"kind": kind, "pairs": pairs, "rows": rows, "seconds": seconds, "answer_bytes": 0, "folder_bytes": left}
            )
    tasks.append({"kind": "other", "pairs": 0, "rows": 0, "seconds": 5.0, "answer_bytes": 0, "folder_bytes": 0})
    return {"n": n, "seconds": 0.0, "tasks": tasks}


@pytest.fixture
def measured(model, costs):
    runs = [run_of(model, n, 2, costs) for n in (5000, 20_000, 80_000, 320_000)]
    return {"d": D, "k": K, "workers": 2, "runs": runs}


def test_the_costs_behind_measurements_are_found(model, costs, measured):
    found = model.fitted(measured, measured["runs"])
    assert [found.product, found.decision, found.row, found.task] == pytest.approx(
        [costs.product, costs.decision, costs.row, costs.task], rel=1e-6
    )
    assert found.row_bytes == pytest.approx(1500)


@pytest.mark.parametrize(("n", "workers"), [(5000, 2), (20_000, 3), (300_000, 7), (1_000_000, 64)])
def test_all_pairs_of_rows_are_multiplied_and_all_rows_decided(model, n, workers):
    found = model.lengths_of(n, D, K, workers)
    sample, _ = model.cut_of(n, D, K, workers)
    again = sample**2 / 2 * (len(found["start"]) - 1)  # each start multiplies the sample with itself
    assert sum(pairs for kind in found.values() for pairs, _ in kind) == pytest.approx(n**2 / 2 + again)
    assert sum(rows for _, rows in found["decision"]) == n
    assert sum(rows - sample for _, rows in found["start"]) == n - sample


def test_tasks_go_to_whoever_is_free(model):
    assert model.scheduled([4, 1, 1, 1, 1], 2) == 4
    assert model.scheduled([1, 1, 1, 1, 4], 2) == 6
    assert model.scheduled([], 3) == 0


def test_one_worker_takes_the_sum_of_its_tasks_and_reads_the_points_once(model, costs):
    n = 1_000_000
    found, lengths = model.simulate(n, D, K, 1, costs), model.lengths_of(n, D, K, 1)
    joins = [*lengths["start"], *lengths["pair"]]
    work = costs.product * D * sum(pairs for pairs, _ in joins) + costs.row * D * sum(rows for _, rows in joins)
    work += costs.decision * n * K * D + costs.task * (len(joins) + len(lengths["decision"]))
    assert found["seconds"] == pytest.approx(work + n * D * model.ITEM / model.DISK)
    assert found["tasks"] == len(joins) + len(lengths["decision"])
    assert found["folder"] == n * 1500
    assert found["moved"] == n * (24 + 12 * K + 8) + 8 * sum(rows for _, rows in lengths["pair"])


def test_more_workers_are_never_slower_and_the_network_is_the_end(model, costs):
    seconds = [model.simulate(1_000_000, D, K, workers, costs)["seconds"] for workers in (1, 4, 16, 64)]
    assert seconds == sorted(seconds, reverse=True)
    least = 1_000_000 * (24 + 12 * K + 8) / model.NETWORK
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


def test_tasks_are_noted_with_their_kind_and_size(model, tmp_path):
    points = np.random.default_rng(0).standard_normal((5000, 16), dtype=np.float32)
    np.save(tmp_path / "x.npy", points)
    engine = model.Counting(Shuffled(0, 2))
    indices, distances, _ = model.search(points, 5, path=tmp_path / "x.npy", engine=engine, coarse="float32")
    assert (indices.shape, distances.shape) == ((5000, 5), (5000, 5))
    expected = model.lengths_of(5000, 16, 5, 2)
    for kind, lengths in expected.items():
        assert sorted((task.pairs, task.rows) for task in engine.done if task.kind == kind) == sorted(lengths)
    assert sum(task.folder_bytes for task in engine.done) > 5000 * 5 * 4
    assert sum(task.answer_bytes for task in engine.done if task.kind == "decision") == 5000 * (12 * 5 + 1)
    assert all(task.seconds > 0 for task in engine.done)
