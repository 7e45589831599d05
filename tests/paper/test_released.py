import numpy as np
import pytest

from dimscope.errors import InputError, UsageError
from dimscope.paper.curves import Source
from dimscope.paper.fit import slope
from dimscope.paper.released import esm_curve, igpt_dimension, igpt_overlap


def test_dimensions_are_means_over_repeats(arrays):
    stored = np.load(arrays / "imagenet_train_mus_small_dec32_cpt1000_rep4.npy")
    curve = igpt_dimension(Source(arrays, fraction=0.9), arrays, "iGPT-S", "small")
    by_hand = np.array([[slope(row, 0.9) for row in layer] for layer in stored])
    np.testing.assert_allclose(curve.values, by_hand.mean(1))
    np.testing.assert_allclose(curve.errors, by_hand.std(1, ddof=1) / 2)
    assert curve.depth[-1] == 1


def test_overlap_is_the_mean_over_points(arrays):
    labels = np.load(arrays / "imagenet_train_labels.npy")
    labels[:30] = 11  # a class of another size, whose neighbours differ
    np.save(arrays / "imagenet_train_labels.npy", labels)
    curve = igpt_overlap(Source(arrays, k=7), arrays, "iGPT-S", "small")
    for layer, value in zip(range(0, 25, 6), curve.values, strict=True):
        index = np.load(arrays / f"imagenet_train_nb_index_small_layer{layer}_k10_cpt1000.npy")
        assert value == pytest.approx(np.mean([labels[row[1:8]] == labels[row[0]] for row in index]))


def test_both_spellings_of_an_array(arrays):
    assert esm_curve(arrays, "ESM-2 3B", "3B", "label_overlap").values[-1] == 1
    (arrays / "no-gt-esm2-3BM.npy").rename(arrays / "no-gt-esm2-3B.npy")
    assert esm_curve(arrays, "ESM-2 3B", "3B", "label_overlap").layers.tolist() == list(range(37))


def test_what_is_refused(arrays):
    with pytest.raises(InputError, match=r"id-esm2-3B\.npy does not exist"):
        esm_curve(arrays, "ESM-2 3B", "3B", "dimension")
    with pytest.raises(UsageError, match="30"):
        igpt_overlap(Source(arrays, k=30), arrays, "iGPT-S", "small")
    np.save(arrays / "imagenet_train_labels.npy", np.arange(7))
    foreign = igpt_overlap(Source(arrays), arrays, "iGPT-S", "small")
    assert len(foreign.layers) == 0
    assert len(foreign.left_out) == 1
    assert foreign.left_out[0].startswith("layers 0, 6, 12, 18, 24: ")
    assert "7" in foreign.left_out[0]
    stored = np.load(arrays / "imagenet_train_mus_small_dec32_cpt1000_rep4.npy")
    stored[3, 1] = 1
    np.save(arrays / "imagenet_train_mus_small_dec32_cpt1000_rep4.npy", stored)
    curve = igpt_dimension(Source(arrays), arrays, "iGPT-S", "small")
    assert curve.layers.tolist() == [0, 1, 2, *range(4, 26)]
    assert curve.left_out[0].startswith("layer 3: the ratios have no spread")


def test_missing_arrays_leave_their_layers_out(arrays):
    whole = igpt_overlap(Source(arrays), arrays, "iGPT-S", "small")
    gone = [arrays / f"imagenet_train_nb_index_small_layer{layer}_k10_cpt1000.npy" for layer in (6, 24)]
    for path in gone:
        path.unlink()
    rest = igpt_overlap(Source(arrays), arrays, "iGPT-S", "small")
    assert rest.left_out == tuple(f"layer {layer}: {path} does not exist." for layer, path in zip((6, 24), gone, strict=True))
    assert rest.values.tolist() == whole.values[[0, 2, 3]].tolist()
    assert rest.depth.tolist() == [0, 0.5, 0.75]  # of 24 blocks, although the last layer is not there
    (arrays / "imagenet_train_labels.npy").unlink()
    none = igpt_overlap(Source(arrays), arrays, "iGPT-S", "small")
    assert len(none.layers) == 0
    assert none.left_out == tuple(f"{path} does not exist." for path in (arrays / "imagenet_train_labels.npy", *gone))


@pytest.mark.parametrize(("labels", "k"), [("labels_bal", 10), ("labels_imb", 10), ("labels_bal", 30), ("labels_imb", 30)])
def test_overlaps_of_the_scripts(recipes, oracles, tmp_path, labels, k):
    """DADApy's plain mean over points, which the scripts used."""
    from dimscope.paper.legacy import tables, write_array
    from dimscope.paper.released import overlap_curve

    write_array(tmp_path / "index.npy", tables(recipes["A"], 50)["index"])
    write_array(tmp_path / "labels.npy", recipes[labels])
    curve = overlap_curve("A", {0: tmp_path / "index.npy"}, tmp_path / "labels.npy", k)
    expected = oracles["dadapy"][f"A.return_label_overlap({labels},k={k},weighted=False)"]
    assert curve.values[0] == pytest.approx(expected, rel=1e-10)
