"""`dimscope measure`: a run folder in place, or arrays."""

import json
import tomllib

import numpy as np
import pandas
import pytest
from scipy.spatial.distance import cdist

from cli_runs import SMALL, content


def fit(points):
    """The line fit over the lowest nine tenths of log(r2 / r1)."""
    distances = np.sort(cdist(points, points), axis=1)
    x = np.sort(np.log(distances[:, 2] / distances[:, 1]))
    n = len(x)
    kept = int(0.9 * n)
    y = -np.log(1 - np.arange(1, kept + 1) / n)
    return (x[:kept] @ y) / (x[:kept] @ x[:kept])


def shared(first, second, k):
    """Mean shared fraction of k nearest neighbours."""
    near = [
        np.argsort(cdist(points, points) + np.diag(np.full(len(points), np.inf)), axis=1)[:, :k] for points in (first, second)
    ]
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])


@pytest.fixture
def layers(tmp_path):
    rng = np.random.default_rng(3)
    base = rng.normal(size=(80, 3))
    made = [base @ rng.normal(size=(3, 12)) + 0.01 * rng.normal(size=(80, 12)), base @ rng.normal(size=(3, 8)), base]
    np.savez(tmp_path / "layers.npz", layer_10=made[2], layer_2=made[1], layer_1=made[0])
    labels = np.where(base[:, 0] > 0, "größer", "kleiner")
    (tmp_path / "labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")
    return made, labels


def test_arrays_are_measured_in_natural_order(call, layers, tmp_path):
    made, labels = layers
    left = call("measure", "layers.npz", "--labels", "labels.txt", *SMALL, "--no-report", "-o", "my run")
    assert left.code == 0
    assert left.err.splitlines()[-1].startswith("measure: 3/3 layers (")
    stored = pandas.read_csv(tmp_path / "my run" / "profile.csv")
    assert stored["name"].tolist() == ["array_00", "array_01", "array_02"]
    np.testing.assert_allclose(stored["twonn"], [fit(points) for points in made], rtol=1e-9)
    np.testing.assert_allclose(stored["overlap_next"][:2], [shared(made[0], made[1], 10), shared(made[1], made[2], 10)])
    near = np.argsort(cdist(made[2], made[2]) + np.diag(np.full(80, np.inf)), axis=1)[:, :10]
    assert stored["label_overlap"][2] == pytest.approx((labels[near] == labels[:, None]).mean())
    for row, layer in enumerate(made):
        np.testing.assert_array_equal(np.load(tmp_path / "my run" / "states" / f"array_0{row}.npy"), layer)


def test_without_o_the_folder_is_named_after_the_arrays(call, layers, tmp_path):
    assert call("measure", "layers.npz", *SMALL, "-q", "--no-report").code == 0
    assert (tmp_path / "runs" / "arrays-layers" / "profile.csv").is_file()


def test_a_run_folder_is_measured_again_in_place(call, mine):
    before = content(mine)
    left = call("measure", mine, "--k", 25, "--overlap-k", 5, "--estimator", "mle", "--estimator", "twonn", "--no-report")
    assert left.code == 0
    after = content(mine)
    assert all(after[path] == data for path, data in before.items() if path.startswith("states/") or path == "points.parquet")
    stored = pandas.read_csv(mine / "profile.csv")
    assert (stored["k"] == 25).all()
    np.testing.assert_array_equal(stored["dimension"], stored["mle"])
    config = tomllib.loads((mine / "config.toml").read_text(encoding="utf-8"))
    assert (config["measure"]["k"], config["measure"]["overlap_k"], config["measure"]["replicates"]) == (25, 5, 10)
    states = np.unique(np.load(mine / "states" / "block_03.npy").astype(np.float64), axis=0)
    assert stored["twonn"][3] == pytest.approx(fit(states), rel=1e-9)
    assert len(states) == stored["n_unique"][3] == 59


def test_another_seed_moves_only_what_is_resampled(call, mine):
    before = pandas.read_csv(mine / "profile.csv")
    assert call("measure", mine, "--seed", 5, "--no-report", "-q").code == 0
    pandas.testing.assert_frame_equal(pandas.read_csv(mine / "profile.csv"), before)


@pytest.mark.parametrize("words", [["-o", "out"], ["--labels", "labels.txt"], ["--on-existing", "redo"]], ids=" ".join)
def test_options_for_arrays_are_refused_for_a_run_folder(words, call, mine):
    before = content(mine)
    left = call("measure", mine, *words)
    assert (left.code, left.out) == (2, "")
    said = "is a run folder and is measured in place; -o, --on-existing and --labels are for arrays."
    assert left.err == f"Error: {mine} {said}\n"
    assert content(mine) == before


def test_a_folder_without_states_says_what_is_next(call, mine):
    manifest = json.loads((mine / "manifest.json").read_text(encoding="utf-8"))
    (mine / "manifest.json").write_text(json.dumps({**manifest, "stages": {}}), encoding="utf-8")
    left = call("measure", mine)
    assert (left.code, left.out) == (1, "")
    assert left.err == f"Error: {mine} has no finished states; run `dimscope extract` (or `run`) first.\n"


def test_too_many_neighbours_for_the_run_are_refused(call, mine):
    before = content(mine)
    left = call("measure", mine, "--k", 59)
    assert (left.code, left.out) == (1, "")
    assert (
        left.err
        == "Error: 60 examples were found, but --k 59 needs at least 61. Give more examples, or choose --k 58 or less.\n"
    )
    assert content(mine) == before


def test_an_estimator_that_reads_more_neighbours_than_k_is_refused(call, mine):
    before = content(mine)
    left = call("measure", mine, "--k", 12, "--overlap-k", 5, "--estimator", "mle", "--estimator", "twonn")
    assert (left.code, left.out) == (2, "")
    assert left.err == "Error: --estimator mle reads at least 20 neighbours; --k 12 was asked for, raise it.\n"
    assert content(mine) == before


def test_groups_must_have_been_named(call, mine, layers):
    left = call("measure", "layers.npz", *SMALL, "--exclude-group", "-o", "out")
    assert (left.code, left.out) == (2, "")
    assert left.err.startswith("Error: --exclude-group was asked for, but the examples have no groups;")


def test_json_and_strict_are_as_in_run(call, mine):
    left = call("measure", mine, "--json", "--strict", "-q", "--no-report")
    assert (left.code, left.err) == (3, "")
    assert json.loads(left.out)["recommendation"] == json.loads((mine / "recommendation.json").read_text(encoding="utf-8"))
