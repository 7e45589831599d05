import shutil

import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper.curves import Source
from dimscope.paper.gather import all_curves


def test_known_dimensions_and_overlaps_come_back(arrays):
    curves, missing = all_curves(Source(arrays))
    found = {(curve.model, curve.quantity): curve for curve in curves}
    assert sorted(found) == [
        ("ESM-2 35M", "dimension"),
        ("ESM-2 3B", "label_overlap"),
        ("iGPT-S", "dimension"),
        ("iGPT-S", "label_overlap"),
    ]
    dimension, overlap = found["iGPT-S", "dimension"], found["iGPT-S", "label_overlap"]
    np.testing.assert_allclose(dimension.values, np.linspace(5, 30, 26), rtol=0.05)
    np.testing.assert_allclose(overlap.values, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert overlap.depth.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert (dimension.depth[0], dimension.depth[-1]) == (0, 1)
    stored = [name for _, name in (sentence.rstrip(".").removesuffix(" does not exist").rsplit("/", 1) for sentence in missing)]
    assert len(stored) == len(set(stored)) == 2 + 2 * 7 + 4  # ratios and seven indices of M and L, four curves of ESM-2
    assert any("imagenet_train_mus_medium_dec32_cpt1000_rep4.npy does not exist" in sentence for sentence in missing)


def test_every_array_of_both_archives(tmp_path):
    """All names and shapes: ratios (n + 2, 4, N) of S, M and L, 19 tables of indices with self first, labels, ESM-2."""
    rng = np.random.default_rng(0)
    same = np.arange(200) // 20 * 20  # ten classes of twenty, one after the other
    np.save(tmp_path / "imagenet_train_labels.npy", same // 20)
    expected = {}
    for model, word, n_blocks, step in (("iGPT-S", "small", 24, 6), ("iGPT-M", "medium", 36, 6), ("iGPT-L", "large", 48, 8)):
        dims = 4 + 20 * rng.random(n_blocks + 2)
        mus = (1 - (np.arange(3000) + 0.5) / 3000) ** (-1 / dims[:, None, None])  # the quantiles of Pareto's law
        np.save(tmp_path / f"imagenet_train_mus_{word}_dec32_cpt1000_rep4.npy", np.repeat(mus, 4, axis=1))
        own = rng.integers(0, 11, n_blocks // step + 1)  # of the ten neighbours have the same class
        for layer, count in zip(range(0, n_blocks + 1, step), own, strict=True):
            inside = same[:, None] + (np.arange(200)[:, None] + np.arange(1, 11)) % 20
            outside = (inside + 20) % 200
            index = np.column_stack([np.arange(200), np.where(np.arange(10) < count, inside, outside)])
            np.save(tmp_path / f"imagenet_train_nb_index_{word}_layer{layer}_k10_cpt1000.npy", index.astype(np.int32))
        expected |= {(model, "dimension"): dims, (model, "label_overlap"): own / 10}
    for size, ending, n_layers in (("35M", "35M", 13), ("650M", "650M", 34), ("3B", "3BM", 37)):
        for quantity, name in (("dimension", f"id-esm2-{size}"), ("label_overlap", f"no-gt-esm2-{ending}")):
            expected[f"ESM-2 {size}", quantity] = rng.random(n_layers)
            np.save(tmp_path / f"{name}.npy", expected[f"ESM-2 {size}", quantity])
    curves, missing = all_curves(Source(tmp_path))
    assert missing == []
    assert sorted((curve.model, curve.quantity) for curve in curves) == sorted(expected)
    for curve in curves:
        np.testing.assert_allclose(curve.values, expected[curve.model, curve.quantity], rtol=2e-3, atol=1e-12)
        assert curve.depth.tolist() == pytest.approx(np.linspace(0, 1, len(curve.values)).tolist())


def test_tables_of_any_model_are_found_and_named(tabled):
    curves, missing = all_curves(Source(None, from_distances=tabled, decimation=1))
    assert [(curve.model, curve.quantity) for curve in curves] == [
        ("iGPT-S", "dimension"),
        ("iGPT-S", "label_overlap"),
        ("my-run", "dimension"),
        ("my-run", "label_overlap"),
    ]
    assert len(missing) == 2  # one sentence for each size without tables
    assert all("_layer0_train_index.npy does not exist, nor that of another layer" in sentence for sentence in missing)
    shutil.rmtree(tabled / "small")
    curves, missing = all_curves(Source(None, from_distances=tabled, decimation=1))
    assert ([curve.model for curve in curves], missing) == (["my-run", "my-run"], [])
    with pytest.raises(InputError, match=r"there is no folder .*none"):
        all_curves(Source(None, from_distances=tabled / "none"))
    with pytest.raises(InputError, match=r"there is no folder .*none"):
        all_curves(Source(tabled / "none"))
    (tabled / "empty").mkdir()
    curves, missing = all_curves(Source(None, from_distances=tabled / "empty"))
    assert (curves, len(missing)) == ([], 3)


def test_other_images_than_those_of_the_published_curves_are_named(tabled):
    home = tabled / "small"
    for path in [home / "imagenet_labels.npy", *home.glob("distance_matrices/*.npy")]:
        path.rename(path.with_name(path.name.replace("imagenet", "cifar10")))
    curves, missing = all_curves(Source(None, from_distances=tabled, decimation=1))
    assert [curve.model for curve in curves] == ["my-run"] * 2 + ["iGPT-S, cifar10"] * 2
    assert missing == []
    np.testing.assert_allclose(curves[2].values, [3, 3], rtol=0.08)


def test_tables_stand_in_for_the_arrays_of_igpt_only(arrays, tabled):
    curves, _ = all_curves(Source(arrays, from_distances=tabled, decimation=1))
    assert [curve.model for curve in curves] == ["iGPT-S"] * 2 + ["my-run"] * 2 + ["ESM-2 35M", "ESM-2 3B"]
    assert len(curves[0].layers) == 2


def test_too_many_neighbours_leave_the_rest(arrays):
    curves, missing = all_curves(Source(arrays, k=30))
    assert ("iGPT-S", "dimension") in [(curve.model, curve.quantity) for curve in curves]
    assert any(sentence.startswith("iGPT-S: ") and "30" in sentence for sentence in missing)
