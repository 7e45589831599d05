import numpy as np
import pytest

from dimscope.errors import InputError
from dimscope.paper import subset


def test_the_list_of_the_paper():
    found = subset.class_ids()
    assert len(set(found)) == 300
    assert found[:5] == [1, 4, 17, 18, 24]
    assert (min(found), max(found)) == (1, 993)


@pytest.mark.parametrize("one_hot", [True, False])
def test_rows_are_the_first_of_each_class_in_order(tmp_path, one_hot, monkeypatch):
    monkeypatch.setattr(subset, "LABEL_ROWS", 7)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, 100)
    np.save(tmp_path / "imagenet_vaX.npy", rng.integers(0, 5, (100, 4)))
    np.save(tmp_path / "imagenet_vaY.npy", np.eye(6)[labels] if one_hot else labels)
    images, found = subset.open_images(tmp_path, "valid")
    assert images.shape == (100, 4)
    assert np.array_equal(found, labels)
    expected = [row for name in (4, 1) for row in [place for place in range(100) if labels[place] == name][:3]]
    assert subset.choose_rows(found, [4, 1], 3).tolist() == expected
    assert len(subset.choose_rows(found, [4], 1000)) == (labels == 4).sum()


def test_folder_or_start_of_names(tmp_path):
    with pytest.raises(InputError, match=r"no .*/cifar10_trX\.npy, .* exists\.$"):
        subset.locate_images(tmp_path / "cifar10")
    np.save(tmp_path / "cifar10_teX.npy", np.zeros((3, 4), int))
    np.save(tmp_path / "cifar10_teY.npy", np.array([2, 0, 1]))
    assert subset.locate_images(tmp_path) == (tmp_path, "imagenet")
    assert subset.locate_images(tmp_path / "cifar10") == (tmp_path, "cifar10")
    assert subset.open_images(tmp_path, "test", "cifar10")[1].tolist() == [2, 0, 1]
    with pytest.raises(
        InputError, match=r"imagenet_teX\.npy does not exist; for the images of cifar10 give --data-path .*/cifar10"
    ):
        subset.open_images(tmp_path, "test")
    with pytest.raises(InputError, match=r"cifar10_trX\.npy does not exist\.$"):
        subset.open_images(tmp_path, "train", "cifar10")
    with pytest.raises(InputError, match=r"no .*/cifar_trX\.npy, .* There are arrays of cifar10 in"):
        subset.locate_images(tmp_path / "cifar")


def test_what_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"2 of 3 classes have no image \(ids 7, 9\)"):
        subset.choose_rows(np.array([1, 1]), [7, 1, 9], 2)
    with pytest.raises(InputError, match=r"imagenet_trX\.npy does not exist"):
        subset.open_images(tmp_path, "train")
    np.save(tmp_path / "imagenet_trX.npy", np.zeros((3, 4), int))
    with pytest.raises(InputError, match=r"imagenet_trY\.npy does not exist"):
        subset.open_images(tmp_path, "train")
    np.save(tmp_path / "imagenet_trY.npy", np.array([[1, 0], [1, 1], [0, 0]]))
    with pytest.raises(InputError, match=r"2 rows are not one-hot \(rows 1, 2, counted from 0\)"):
        subset.open_images(tmp_path, "train")
    np.save(tmp_path / "imagenet_trY.npy", np.zeros(2))
    with pytest.raises(InputError, match=r"has shape \(2,\) for 3 images"):
        subset.open_images(tmp_path, "train")


def test_class_files(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("class_id\n3\n1\n")
    assert subset.read_class_ids(path) == [3, 1]
    path.write_text("3\n3\n")
    with pytest.raises(InputError, match="holds 2 class ids, 1 of them different"):
        subset.read_class_ids(path)
    path.write_text("3\ntwo\n")
    with pytest.raises(InputError, match="cannot be read as class ids"):
        subset.read_class_ids(path)
