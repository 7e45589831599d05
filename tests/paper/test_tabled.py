import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper.curves import Source
from dimscope.paper.fit import slope
from dimscope.paper.legacy import file_name, tables, write_array
from dimscope.paper.tabled import Tables, results_of, tabled_dimension, tabled_overlap, tables_in


def write(home, points, *, layer=0, split="train", convention="exact"):
    for kind, array in tables(points, 50, convention=convention).items():
        write_array(home / file_name(home.parent.name, layer, split, kind), array)


def test_dimension_overlap_and_the_share_that_could_be_used(tabled):
    source = Source(None, tabled, decimation=1, repeats=2)
    curve = tabled_dimension(source, Tables(tabled, "small"), "iGPT-S")
    np.testing.assert_allclose(curve.values, [3, 3], rtol=0.08)
    assert curve.kept == 1
    assert (curve.errors == 0).all()  # two times all points
    decimated = tabled_dimension(Source(None, tabled), Tables(tabled, "small"), "iGPT-S")
    assert 0.3 < decimated.kept < 0.65  # about 46 % hold two survivors among 50
    labels = np.load(tabled / "small" / "imagenet_labels.npy")
    index = np.load(tabled / "small" / "distance_matrices" / "imagenet_small_layer1_train_index.npy")
    overlap = tabled_overlap(source, Tables(tabled, "small"), "iGPT-S")
    assert overlap.values[1] == pytest.approx((labels[index[:, 1:11]] == labels[:, None]).mean())


def test_a_subset_gives_what_its_own_points_give(tabled):
    """With lists that hold everybody, a decimated table equals the table of the subset."""
    points = np.random.default_rng(3).standard_normal((51, 4))
    write(tabled / "whole" / "distance_matrices", points)
    found = tabled_dimension(Source(None, tabled, decimation=2, repeats=1, fraction=0.9), Tables(tabled, "whole"), "whole")
    subset = points[np.random.default_rng(0).permutation(np.arange(51))[:25]]
    far = np.sort(np.linalg.norm(subset[:, None] - subset, axis=-1), axis=1)
    assert found.values[0] == pytest.approx(slope(far[:, 2] / far[:, 1], 0.9))
    assert found.kept == 1


@pytest.mark.parametrize("convention", ["exact", "paper"])
def test_repeated_rows(recipes, tmp_path, convention):
    """`exact`: the value without them, whoever wrote the tables; `paper`: they pull it to nearly nothing."""
    for name in "AD":
        write(tmp_path / name / "distance_matrices", recipes[name], convention=convention)
    source = Source(None, tmp_path, decimation=1, repeats=1)
    clean = tabled_dimension(source, Tables(tmp_path, "A"), "A").values[0]
    assert clean == pytest.approx(5.314090191667638)
    assert tabled_dimension(source, Tables(tmp_path, "D"), "D").values[0] == pytest.approx(clean)
    theirs = Source(None, tmp_path, decimation=1, repeats=1, convention="paper")
    assert tabled_dimension(theirs, Tables(tmp_path, "D"), "D").values[0] < 0.2


def test_which_tables_there_are(tabled):
    assert tables_in(tabled) == [Tables(tabled, "my-run"), Tables(tabled, "small")]
    assert tables_in(tabled / "none") == []
    (tabled / "my-run" / "distance_matrices").rename(tabled / "moved")
    (tabled / "moved" / "imagenet_my-run_layer0_train_index.npy").rename(
        tabled / "my-run" / "cifar10_my-run_layer0_train_300cl_300im_index.npy"
    )
    older = Tables(tabled, "my-run", "cifar10", "train_300cl_300im")  # names and place of the older scripts
    assert tables_in(tabled) == [older, Tables(tabled, "small")]
    assert older.layers == [0]
    assert older.path(0, "index").is_file()


def test_the_results_folder_of_the_released_arrays(tabled):
    (tabled / "data").mkdir()
    assert results_of(tabled / "data") == tabled == results_of(tabled)
    (tabled / "data" / "inner").mkdir()
    assert results_of(tabled / "data" / "inner") == tabled / "data" / "inner"


def test_a_missing_table_leaves_its_layer_out(tabled):
    whole = tabled_dimension(Source(None, decimation=1), Tables(tabled, "small"), "iGPT-S")
    gone = tabled / "small" / "distance_matrices" / "imagenet_small_layer0_train_dist.npy"
    gone.unlink()
    rest = tabled_dimension(Source(None, decimation=1), Tables(tabled, "small"), "iGPT-S")
    assert (rest.layers.tolist(), rest.left_out) == ([1], (f"layer 0: {gone} does not exist.",))
    assert rest.values[0] == whole.values[1]
    assert rest.depth.tolist() == [1 / 24]  # of the blocks of iGPT-S, whichever layers were read
    assert tabled_overlap(Source(None), Tables(tabled, "small"), "iGPT-S").depth.tolist() == [0, 1 / 24]


def test_another_split_is_named(tabled):
    there = r"There are tables of: my-run train of imagenet, small train of imagenet \(--split\)"
    with pytest.raises(InputError, match=rf"layer0_valid_index\.npy does not exist, .* {there}"):
        tabled_dimension(Source(None, tabled), Tables(tabled, "small", split="valid"), "iGPT-S")
