"""Controls beside a run: the columns are those of the control's own folder, which is a run of its own."""

import json

import numpy as np
import pandas as pd
import pytest

import dimscope
from dimscope.config import config_from
from dimscope.errors import InputError, UsageError
from dimscope.knn.duplicates import find_duplicates
from dimscope.pipeline import controls
from dimscope.pipeline.controls import gaussian_like
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.run import finish_run, run_stages
from dimscope.progress import Silent
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest
from dimscope.store.tables import read_table
from fakes import Shuffled


def run_with(config, out, *names):
    return run_stages(config_from({"measure": {"control": list(names)}}, config), out, with_report=False)


def measure_again(config, out, *names):
    """What `dimscope measure RUN --control ...` does."""
    return finish_run(config_from({"measure": {"control": list(names)}}, config), RunFolder(out), Silent(), with_report=False)


def states_of(folder, layer):
    return np.load(folder / "states" / f"{layer}.npy")


def test_all_four_controls_of_one_run(small, bert, tmp_path):
    out = tmp_path / "run"
    result = run_with(small(bert), out, "untrained", "shuffled", "gaussian", "permuted")
    profile = result.profile
    assert profile.controls == ["untrained", "shuffled", "gaussian", "permuted"]
    for name in ("untrained", "shuffled", "gaussian"):
        own = pd.read_csv(out / "controls" / name / "profile.csv")
        assert list(own["name"]) == [layer.name for layer in profile.layers]
        for column in ("dimension", "dimension_err", *(("overlap_next", "label_overlap") if name != "gaussian" else ())):
            stem, error, _ = column.partition("_err")
            stored = profile.values(f"{stem}_{name}{error}")
            np.testing.assert_allclose(stored, own[column], rtol=1e-14)
        assert not np.array_equal(states_of(out, "block_02"), states_of(out / "controls" / name, "block_02"))
        assert Manifest(out / "controls" / name).content["control"] == name
    assert not profile.has("label_overlap_gaussian")
    assert not profile.has("overlap_next_gaussian")
    table = pd.read_csv(out / "profile.csv")
    assert {"dimension_untrained", "dimension_gaussian_err", "label_overlap_permuted"} <= set(table.columns)
    assert Manifest(out).damaged_files() == []


def test_fresh_weights_are_those_of_the_seed(small, bert, tmp_path):
    run_with(small(bert), tmp_path / "a", "untrained")
    run_with(small(bert), tmp_path / "b", "untrained")
    run_with(small(bert, data={"seed": 1}), tmp_path / "c", "untrained")
    a, b, c = (states_of(tmp_path / name / "controls" / "untrained", "block_03") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_shuffling_leaves_a_bag_of_words_alone(small, bert, tmp_path):
    """BERT adds positions to the embedding, so the mean of layer 0 over all places of a text does not see the order."""
    run_with(small(bert, special_tokens="include"), tmp_path / "run", "shuffled")
    before, after = (states_of(place, "embed_00") for place in (tmp_path / "run", tmp_path / "run" / "controls" / "shuffled"))
    deep = [states_of(place, "block_03") for place in (tmp_path / "run", tmp_path / "run" / "controls" / "shuffled")]
    # The layer norm comes after the sum, token by token: near, not equal.
    assert np.abs(before - after).mean() < 0.3 * np.abs(before - before.mean(axis=0)).mean()
    assert np.abs(deep[0] - deep[1]).max() > 1e-3


def test_controls_are_added_to_a_finished_run_and_taken_away_again(small, bert, tmp_path):
    config, out = small(bert), tmp_path / "run"
    plain = run_with(config, out).profile
    with pytest.raises(UsageError, match=r"measure.control = \[\], now \['gaussian'\].*dimscope measure"):
        run_with(config, out, "gaussian")
    measure_again(config, out, "gaussian", "permuted")
    with_controls = dimscope.load(out)
    assert with_controls.controls == ["gaussian", "permuted"]
    assert with_controls.provenance["measure"]["control"] == ["gaussian", "permuted"]
    for quantity in plain.quantities:
        np.testing.assert_array_equal(with_controls.values(quantity), plain.values(quantity))
    again = run_with(config, tmp_path / "other", "gaussian").profile
    np.testing.assert_array_equal(again.values("dimension_gaussian"), with_controls.values("dimension_gaussian"))
    measure_again(config, out)
    assert dimscope.load(out).controls == []


def test_a_finished_control_is_not_made_again(small, bert, tmp_path, monkeypatch):
    config, out = small(bert), tmp_path / "run"
    first = run_with(config, out, "untrained", "gaussian").profile

    def refuse(*_):
        raise AssertionError("made again")

    monkeypatch.setattr(controls, "_draw_layer", refuse)
    monkeypatch.setattr("dimscope.pipeline.prepare.load_model", refuse)
    again = run_with(config, out, "untrained", "gaussian").profile
    assert again.dataset.identical(first.dataset)


def test_an_interrupted_control_goes_on(small, bert, tmp_path, monkeypatch):
    config, out = small(bert), tmp_path / "run"
    made = []
    whole = controls.gaussian_like

    def failing(*args):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(1)
        return whole(*args)

    monkeypatch.setattr(controls, "gaussian_like", failing)
    with pytest.raises(KeyboardInterrupt):
        run_with(config, out, "gaussian")
    assert dimscope.load(out).controls == []  # the run itself is whole
    monkeypatch.setattr(controls, "gaussian_like", lambda *args: made.append(1) or whole(*args))
    resumed = run_with(config, out, "gaussian").profile
    assert len(made) == len(resumed.layers)
    monkeypatch.setattr(controls, "gaussian_like", whole)
    fresh = run_with(config, tmp_path / "fresh", "gaussian").profile
    np.testing.assert_array_equal(resumed.values("dimension_gaussian"), fresh.values("dimension_gaussian"))


def test_redo_makes_controls_anew(small, bert, tmp_path):
    config, out = small(bert), tmp_path / "run"
    run_with(config, out, "gaussian")
    run_stages(config, out, on_existing="redo", with_report=False)
    assert not (out / "controls").exists()


def test_permuted_labels_scatter_around_the_closed_form(small, bert, tmp_path):
    out = tmp_path / "run"
    profile = run_with(small(bert), out, "permuted").profile
    labels = np.array(pd.read_parquet(out / "points.parquet")["label"])
    chance = profile.values("label_overlap_chance")
    spread = profile.values("label_overlap_permuted_err")
    assert (np.abs(profile.values("label_overlap_permuted") - chance) < 4 * spread / 10).all()
    table = read_table(out / "neighbors" / "block_02.npz")
    rng = np.random.default_rng(9)
    own = labels[table.duplicates.rows]
    draws = []
    for _ in range(400):
        dealt = rng.permutation(own)
        draws.append((dealt[table.indices[:, :10]] == dealt[:, None]).mean())
    row = [layer.name for layer in profile.layers].index("block_02")
    assert spread[row] == pytest.approx(np.std(draws), rel=0.25)
    assert not (out / "controls").exists()


def test_one_scale_for_the_profile_and_its_controls(small, bert, tmp_path):
    profile = run_with(small(bert, measure={"scale": "auto"}), tmp_path / "run", "gaussian").profile
    rank = int(profile.values("dimension_scale")[0])
    own = pd.read_csv(tmp_path / "run" / "controls" / "gaussian" / "profile.csv")
    np.testing.assert_allclose(profile.values("dimension_gaussian"), own[f"gride_{rank}"], rtol=1e-14)
    np.testing.assert_array_equal(profile.values("dimension"), profile.values(f"gride_{rank}"))


def test_gaussian_points_have_the_moments_and_the_duplicates_of_the_data():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, 6)) * np.array([5, 3, 1, 1, 0.1, 0])[:, None]
    points = (rng.exponential(size=(20_000, 6)) @ mixing + 7).astype(np.float32)
    points[100:200] = points[0:100]
    duplicates = find_duplicates(points)
    drawn = gaussian_like(points, duplicates, np.random.default_rng(1))
    assert drawn.dtype == points.dtype
    np.testing.assert_array_equal(drawn[100:200], drawn[0:100])
    assert find_duplicates(drawn).n_unique == duplicates.n_unique
    expected, found = np.cov(points.T), np.cov(drawn.T)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((found - expected) / scale).max() < 0.05
    np.testing.assert_allclose(drawn.mean(axis=0), points.mean(axis=0), atol=0.03 * np.sqrt(np.diag(expected).max()))
    kurtosis = ((drawn - drawn.mean(axis=0)) ** 4).mean(axis=0) / drawn.var(axis=0) ** 2
    np.testing.assert_allclose(kurtosis, 3, atol=0.2)  # the data have 9 along their own axes


def test_gaussian_points_of_fewer_rows_than_features_stay_in_their_span():
    points = np.random.default_rng(0).normal(size=(12, 40))
    drawn = gaussian_like(points, find_duplicates(points), np.random.default_rng(1))
    assert np.linalg.matrix_rank(drawn - points.mean(axis=0)) == 11


def test_arrays_have_the_controls_that_need_no_model(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "points.npy", rng.random((2, 90, 4)))
    (tmp_path / "labels.txt").write_text("\n".join(map(str, np.arange(90) % 3)))
    measures = {"k": 20, "overlap_k": 5, "replicates": 5}
    config = config_from({"measure": {**measures, "control": ["gaussian", "permuted"]}})
    result = measure_arrays(
        tmp_path / "points.npy", config, tmp_path / "run", labels=tmp_path / "labels.txt", with_report=False
    )
    assert result.profile.controls == ["gaussian", "permuted"]
    with pytest.raises(UsageError, match="--control untrained runs the model again, but these are arrays"):
        measure_arrays(
            tmp_path / "points.npy", config_from({"measure": {**measures, "control": ["untrained"]}}), tmp_path / "r2"
        )
    assert not (tmp_path / "r2").exists()


def test_permuted_labels_need_labels(small, bert, tmp_path):
    with pytest.raises(UsageError, match="--control permuted deals labels anew, but there are none"):
        run_with(small(bert, data={"label": None}), tmp_path / "run", "permuted")
    assert not (tmp_path / "run").exists()


def test_a_control_of_other_data_is_refused(small, bert, texts, tmp_path):
    out = tmp_path / "run"
    run_with(small(bert), out)
    texts.write_text(texts.read_text().replace("w1 ", "w2 "))
    with pytest.raises(InputError, match=r"the data changed since .* was extracted"):
        measure_again(small(bert), out, "shuffled")


def test_the_last_event_names_the_controls(small, bert, tmp_path):
    run_with(small(bert), tmp_path / "run", "gaussian")
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["name"] for event in events if event["event"] == "control"] == ["gaussian"]


def test_workers_give_the_same_columns(small, bert, tmp_path):
    config = config_from({"measure": {"control": ["permuted", "gaussian"]}}, small(bert))
    run_stages(config, tmp_path / "here", with_report=False)
    engine = Shuffled(4, 3)
    run_stages(config, tmp_path / "there", with_report=False, engine=engine)
    for name in ("profile.csv", "profile.nc", "controls/gaussian/profile.nc"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert engine.n_tasks >= 4 + 2 * (4 + 4 + 3) + 4  # blocks; tables, layers and steps twice; permuted labels
