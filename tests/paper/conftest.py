"""Arrays as the paper released them, from known dimensions and planted neighbours."""

import numpy as np
import pytest


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


@pytest.fixture
def tabled(tmp_path):
    """A results folder with the tables of two layers of `small` and one of `my-run`: 2 000 points in three dimensions."""
    from dimscope.paper.legacy import file_name, tables, write_array

    points = np.random.default_rng(0).uniform(size=(2000, 3))
    found = tables(points, 50)
    for word, layers in (("small", (0, 1)), ("my-run", (0,))):
        for layer in layers:
            for kind, array in found.items():
                write_array(tmp_path / word / "distance_matrices" / file_name(word, layer, "train", kind), array)
        write_array(tmp_path / word / "imagenet_labels.npy", np.arange(2000) % 4)
    return tmp_path
