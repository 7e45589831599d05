"""The profile of a run at the scale that was asked for."""

import numpy as np
import pytest

from dimscope import dimension, load, neighbors
from dimscope.config import config_from
from dimscope.errors import UsageError
from dimscope.pipeline.given import measure_arrays
from dimscope.pipeline.scale import find_scale, require_scale


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(0)
    made = []
    for d in (2, 3, 4, 6, 5, 3):
        flat = np.c_[rng.standard_normal((600, d)), np.zeros((600, 12 - d))]
        made.append(flat + 0.02 * rng.standard_normal((600, 12)))
    return made


@pytest.fixture(scope="module")
def run(layers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scale")
    np.savez(folder / "layers.npz", **{f"layer_{i}": points for i, points in enumerate(layers)})

    def measured(scale, **more):
        config = config_from({"measure": {"k": 64, "replicates": 30, "scale": scale, **more}})
        measure_arrays(folder / "layers.npz", config, folder / f"run-{scale}", with_report=False)
        return load(folder / f"run-{scale}")

    return measured


def test_auto_reads_every_layer_at_one_rank(layers, run):
    profile = run("auto")
    rank = profile.provenance["scale"]["least_change_at"]
    assert rank in (4, 8, 16, 32)
    np.testing.assert_array_equal(profile.values("dimension_scale"), [rank] * 6)
    expected = [dimension(neighbors(points, 64), "gride", ranks=rank) for points in layers]
    np.testing.assert_allclose(profile.values("dimension"), [found.value for found in expected], rtol=1e-12)
    np.testing.assert_allclose(profile.values("dimension_err"), [found.stderr for found in expected], rtol=1e-12)
    draws = profile.dataset["dimension_replicates"].values
    assert draws.shape == (6, 30)
    assert (np.abs(draws.mean(axis=1) - profile.values("dimension")) < 2 * draws.std(axis=1)).all()
    assert profile.provenance["scale"]["rule"] == "auto"


def test_paper_reads_twonn_on_quarters(layers, run):
    profile = run("paper")
    order = np.random.default_rng(0).permutation(600)
    for points, value, error in zip(layers, profile.values("dimension"), profile.values("dimension_err"), strict=True):
        parts = [dimension(points[np.sort(part)], fraction=0.98).value for part in np.array_split(order, 4)]
        assert value == pytest.approx(np.mean(parts), rel=1e-12)
        assert error == pytest.approx(np.std(parts, ddof=1) / 2, rel=1e-9)


def test_first_reads_the_first_column_and_notes_the_scale(run):
    profile = run("first")
    np.testing.assert_array_equal(profile.values("dimension"), profile.values("twonn"))
    facts = profile.provenance["scale"]
    assert facts["rule"] == "first"
    assert facts["change_per_doubling"]["2"] is None
    assert facts["change_per_doubling"]["8"] >= 0


@pytest.mark.parametrize("options", [{"k": 7, "overlap_k": 5}, {"estimators": ("twonn",)}])
def test_auto_without_ranks_is_refused_before_anything_is_read(options):
    with pytest.raises(UsageError, match="several ranks"):
        config_from({"measure": {"scale": "auto", **options}})


def test_layers_without_ranks_have_no_common_scale():
    assert find_scale([{"gride_2": 3.0, "gride_2_err": 0.1, "gride_4": 3.0, "gride_4_err": 0.1}]) is None
    with pytest.raises(UsageError, match="scale=first"):
        require_scale(None)
