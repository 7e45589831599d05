"""Runs over neighbour tables that were given: the same numbers as from the points, and no others."""

import json

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from dimscope.config import config_from
from dimscope.errors import InputError, UsageError
from dimscope.pipeline.given import measure_arrays

N, K = 90, 30
RNG = np.random.default_rng(0)
LABELS = np.arange(N) % 3
LAYERS = [RNG.normal(size=(N, width)) @ RNG.normal(size=(width, 12)) + LABELS[:, None] for width in (3, 6, 5, 4)]


@pytest.fixture
def tables(tmp_path):
    """The files of the paper's scripts, made by scikit-learn, and the points beside them."""
    (tmp_path / "tables").mkdir()
    for layer, points in enumerate(LAYERS):
        far, index = NearestNeighbors(n_neighbors=K + 1).fit(points).kneighbors(points)
        far[:, 0] = 0
        np.save(tmp_path / "tables" / f"imagenet_small_layer{layer}_train_dist.npy", far)
        np.save(tmp_path / "tables" / f"imagenet_small_layer{layer}_train_index.npy", index.astype(np.int32))
    np.savez(tmp_path / "points.npz", **{f"layer{layer}": points for layer, points in enumerate(LAYERS)})
    np.save(tmp_path / "labels.npy", LABELS)
    return tmp_path / "tables"


def asked(**measure):
    return config_from({"measure": {"k": K, "overlap_k": 10, "replicates": 20, "duplicates": "keep", **measure}})


def run(source, out, config=None, **options):
    labels = source.parent / "labels.npy"
    return measure_arrays(source, config or asked(), out, labels=labels, with_report=False, **options)


def test_every_number_that_needs_no_points_is_that_of_the_points(tables, tmp_path):
    given, own = run(tables, tmp_path / "a"), run(tables.parent / "points.npz", tmp_path / "b")
    same = [name for name in own.profile.dataset.data_vars if given.profile.has(name) and name != "replicates"]
    assert {"dimension", "dimension_err", "gride_16", "overlap_next", "label_overlap", "knn_accuracy", "r1_median"} <= set(same)
    missing = set()
    for name in same:
        values = given.profile.dataset[name].values
        if values.dtype.kind == "f" and np.isnan(values).all() and not np.isnan(own.profile.dataset[name].values).all():
            missing.add(name)
        elif values.dtype.kind == "f":
            assert np.allclose(values, own.profile.dataset[name].values, rtol=1e-9, equal_nan=True), name
        else:
            assert (values == own.profile.dataset[name].values).all(), name
    assert missing == {
        "width", "effective_rank", "participation_ratio", "anisotropy", "von_neumann_entropy", "pca_99", "norm_median",
        "top_coordinate", "top_variance",
    }  # fmt: skip
    assert given.recommendation.headline == own.recommendation.headline


def test_the_folder_says_where_it_comes_from_and_is_not_made_twice(tables, tmp_path):
    first = run(tables, tmp_path / "run")
    manifest = json.loads((first.folder.path / "manifest.json").read_text())
    assert [layer["module"] for layer in manifest["layers"]] == [f"imagenet_small_layer{layer}_train" for layer in range(4)]
    before = (first.folder.path / "neighbors" / "array_00.npz").stat().st_mtime_ns
    again = run(tables, tmp_path / "run")
    assert again.profile.dataset.identical(first.profile.dataset)
    assert (first.folder.path / "neighbors" / "array_00.npz").stat().st_mtime_ns == before
    redone = run(tables, tmp_path / "run", on_existing="redo")
    assert redone.profile.values("dimension").tolist() == first.profile.values("dimension").tolist()
    assert (first.folder.path / "neighbors" / "array_00.npz").stat().st_mtime_ns != before


def test_narrow_tables_are_read_whole_and_that_is_said(tables, tmp_path):
    class Told:
        def __init__(self):
            self.lines = []

        def message(self, text):
            self.lines.append(text)

        def __getattr__(self, name):
            from dimscope.progress import Silent

            return getattr(Silent(), name)

    told = Told()
    result = run(tables, tmp_path / "run", asked(k=100), progress=told)
    assert told.lines[0] == f"the tables hold {K} neighbours of each point; --k 100 is lowered to it"
    assert result.profile.values("k").tolist() == [K] * 4


def test_a_report_is_drawn(tables, tmp_path):
    result = measure_arrays(tables, asked(replicates=5), tmp_path / "run", labels=None)
    assert "no value in any layer" in (result.folder.path / "report.html").read_text()


@pytest.mark.parametrize(
    ("measure", "what"),
    [
        ({"scale": "paper"}, "--scale paper"),
        ({"control": ["gaussian"]}, "--control gaussian"),
        ({"measures": ["cka"]}, "--measure cka"),
        ({"further_k": "5"}, "--further-k 5"),
    ],
)
def test_what_needs_points_is_refused(tables, tmp_path, measure, what):
    with pytest.raises(UsageError) as caught:
        run(tables, tmp_path / "run", asked(**measure))
    assert str(caught.value) == f"{what} reads points, but these are tables of neighbours; give the points, or leave it out."
    assert not (tmp_path / "run").exists()


def test_a_table_that_is_none_is_named(tables, tmp_path):
    path = tables / "imagenet_small_layer2_train_index.npy"
    index = np.load(path)
    index[5, 3] = N + 4
    np.save(path, index)
    with pytest.raises(InputError, match=r'^the table "imagenet_small_layer2_train": neighbour indices must lie in 0\.\.89\.$'):
        run(tables, tmp_path / "run")


def test_labels_must_fit(tables, tmp_path):
    np.save(tables.parent / "labels.npy", LABELS[:4])
    with pytest.raises(InputError, match=r"labels\.npy holds 4 labels for 90 examples"):
        run(tables, tmp_path / "run")
