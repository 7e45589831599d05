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
