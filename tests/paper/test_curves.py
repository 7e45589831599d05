import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper.curves import Source, all_curves, dimension_from_ratios, label_overlap, slope
from dimscope.paper.legacy import PAPER_ZERO


@pytest.fixture
def arrays(tmp_path):
    """The released arrays of iGPT-S with known dimensions and planted neighbours, and one of ESM-2."""
    rng = np.random.default_rng(0)
    dims = np.linspace(5, 30, 26)
    np.save(tmp_path / "imagenet_train_mus_small_dec32_cpt1000_rep4.npy", rng.pareto(dims[:, None, None], (26, 4, 4000)) + 1)
    labels = np.arange(100) % 10
    np.save(tmp_path / "imagenet_train_labels.npy", labels)
    for layer in (0, 6, 12, 18, 24):
        same = layer // 6 + 1  # of 10 neighbours carry the own label
        steps = np.array([10 * step if step <= same else step for step in range(1, 10)] + [11])
        index = np.column_stack([np.arange(100), (np.arange(100)[:, None] + steps) % 100])
        np.save(tmp_path / f"imagenet_train_nb_index_small_layer{layer}_k10_cpt1000.npy", index.astype(np.int32))
    np.save(tmp_path / "id-esm2-35M.npy", np.arange(13.0))
    np.save(tmp_path / "no-gt-esm2-3BM.npy", np.linspace(0, 1, 37))
    return tmp_path


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
    assert len(missing) == 8
    assert any("imagenet_train_mus_medium_dec32_cpt1000_rep4.npy does not exist" in sentence for sentence in missing)


def test_slope_is_the_least_squares_line():
    ratios = np.random.default_rng(1).pareto(7, 500) + 1
    x, y = np.log(np.sort(ratios)[:490]), -np.log(1 - np.arange(1, 491) / 500)
    assert slope(ratios, 0.98) == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0], rel=1e-12)
    assert slope(ratios[::-1] ** 0.5, 0.98) == pytest.approx(2 * slope(ratios, 0.98))
    with pytest.raises(InputError, match="9 ratios remain"):
        slope(ratios[:10], 0.98)
    with pytest.raises(InputError, match="no spread"):
        slope(np.ones(50), 0.9)


def test_conventions_differ_in_duplicates_and_error():
    ratios = np.random.default_rng(1).pareto(7, (4, 500)) + 1
    plain, error = dimension_from_ratios(ratios, 0.9, "exact")
    same, theirs = dimension_from_ratios(ratios, 0.9, "paper")
    assert same == plain
    assert error / theirs == pytest.approx((4 / 3) ** 0.5)
    holes, huge = ratios.copy(), ratios.copy()
    holes[:, :5], huge[:, :5] = np.nan, 1 / PAPER_ZERO
    assert dimension_from_ratios(holes, 0.9, "exact")[0] == pytest.approx(dimension_from_ratios(ratios[:, 5:], 0.9, "exact")[0])
    assert dimension_from_ratios(huge, 0.9, "paper")[0] != pytest.approx(plain, rel=1e-4)


def test_tables_of_one_layer_set(tmp_path):
    from dimscope.paper.legacy import file_name, tables, write_array

    points = np.random.default_rng(0).uniform(size=(2000, 3))
    for layer in (0, 1):
        for kind, array in tables(points, 50).items():
            write_array(tmp_path / "small/distance_matrices" / file_name("small", layer, "train", kind), array)
    write_array(tmp_path / "small/imagenet_labels.npy", np.arange(2000) % 4)
    curves, _ = all_curves(Source(tmp_path, from_distances=tmp_path, decimation=1, repeats=2))
    dimension = next(curve for curve in curves if curve.quantity == "dimension")
    np.testing.assert_allclose(dimension.values, 3, rtol=0.08)
    assert dimension.kept == 1
    decimated, _ = all_curves(Source(tmp_path, from_distances=tmp_path))
    assert 0.3 < decimated[0].kept < 0.65  # about 46 % hold two survivors among 50


def test_label_overlap_weighs_classes_alike():
    neighbors = np.array([[1, 2], [0, 2], [0, 1], [0, 1]])
    assert label_overlap(neighbors, np.array([0, 0, 0, 1]), 2) == 0.5
    with pytest.raises(InputError, match="do not fit"):
        label_overlap(neighbors, np.array([0, 0, 0, 1]), 3)
