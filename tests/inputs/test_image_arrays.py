"""Arrays of images and token ids: which is which, where the labels are, and what is refused with a hint."""

import numpy as np
import pytest

from dimscope.config import DataConfig
from dimscope.errors import InputError, UsageError
from dimscope.files import hash_file
from dimscope.inputs.image_arrays import kind_of, label_sibling, read_array_examples, read_clusters

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(5, 6, 7, 3)).astype(np.uint8)
TOKENS = RNG.integers(0, 512, size=(5, 42))


def save(folder, array, name="x.npy"):
    np.save(folder / name, array)
    return folder / name


def read(place, **options):
    return read_array_examples(DataConfig(path=str(place), **options))


def refusal(place, error=InputError, **options):
    with pytest.raises(error) as caught:
        read(place, **options)
    return str(caught.value).replace(str(place), "FILE")


@pytest.mark.parametrize(
    ("array", "kind", "content"),
    [
        (IMAGES, "image", IMAGES[2]),
        (IMAGES[..., 0], "image", np.repeat(IMAGES[2, :, :, :1], 3, axis=2)),
        (TOKENS, "tokens", TOKENS[2]),
        (TOKENS.astype(np.uint16), "tokens", TOKENS[2]),
        (TOKENS.reshape(5, 6, 7), "tokens", TOKENS[2]),
        (IMAGES.reshape(5, -1), "tokens", IMAGES[2].ravel()),
    ],
    ids=["colour", "gray", "ids", "narrow ids", "ids of a square", "8-bit ids"],
)
def test_shape_and_dtype_say_what_it_is(tmp_path, array, kind, content):
    place = save(tmp_path, array)
    found = read(place)
    assert (found.kind, found.ids, found.labels) == (kind, ["0", "1", "2", "3", "4"], None)
    assert found.source_hash == hash_file(place)
    assert np.array_equal(found.contents.read(2), content)
    assert isinstance(found.contents.array, np.memmap)


@pytest.mark.parametrize(
    "labels", [np.array([1, 0, 2, 2, 1]), np.eye(3, dtype=np.float32)[[1, 0, 2, 2, 1]]], ids=["plain", "hot"]
)
def test_labels_of_a_file_follow_the_sample(tmp_path, labels):
    found = read(save(tmp_path, TOKENS), label=str(save(tmp_path, labels, "y.npy")), points=4, seed=3)
    assert len(found) == 4
    assert found.labels == [["1", "0", "2", "2", "1"][int(row)] for row in found.ids]
    assert np.array_equal(found.contents.read(3), TOKENS[int(found.ids[3])])


def test_an_archive_names_its_entries(tmp_path):
    place = tmp_path / "x.npz"
    np.savez(place, images=IMAGES, target=np.array(list("aabbb")), group=np.arange(5))
    found = read(place, label="target", group="group")
    assert (found.kind, found.labels, found.groups) == ("image", list("aabbb"), list("01234"))
    assert refusal(place, label="traget") == (
        'FILE has no entry "traget" for --label. Did you mean "target"?  Entries: images (5, 6, 7, 3), target (5,), group (5,)'
    )
    np.savez(place, a=IMAGES, b=TOKENS)
    assert refusal(place) == ("FILE holds 2 arrays with rows; say which one with --text.  Entries: a (5, 6, 7, 3), b (5, 42)")
    assert read(place, text="b").kind == "tokens"


def test_openai_puts_labels_beside_the_images(tmp_path):
    images = save(tmp_path, TOKENS, "imagenet_trX.npy")
    assert label_sibling(images) is None
    labels = save(tmp_path, np.eye(5), "imagenet_trY.npy")
    assert label_sibling(images) == labels
    assert label_sibling(labels) is None


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (IMAGES.astype(np.float32) / 255, "Save 8-bit values (0 to 255) as uint8."),
        (IMAGES.astype(np.int64), "Save 8-bit values (0 to 255) as uint8."),
        (IMAGES.transpose(0, 3, 1, 2), "The channels seem to stand second; move them to the end."),
        (RNG.normal(size=(5, 8)), "These look like points: dimscope measure reads them."),
        (np.arange(5), "are expected."),
        (np.zeros((0, 4), dtype=int), "are expected."),
        (np.zeros((5, 6, 6, 2), dtype=np.uint8), "are expected."),
        (np.zeros((5, 4, 4, 3, 1), dtype=np.uint8), "are expected."),
    ],
)
def test_other_forms_are_refused(tmp_path, array, hint):
    text = refusal(save(tmp_path, array))
    assert text.startswith(f"FILE holds an array of shape {array.shape} and dtype {array.dtype}; images (n, height, width) or")
    assert text.endswith(hint)


def test_what_cannot_be_read(tmp_path):
    place = tmp_path / "x.npy"
    place.write_text("nothing")
    assert refusal(place) == "FILE cannot be read as numpy arrays: it does not begin like a .npy file."
    save(tmp_path, TOKENS)
    place.write_bytes(place.read_bytes()[:-8])
    assert refusal(place).startswith("FILE cannot be read as numpy arrays: mmap length is greater than file size")
    place = tmp_path / "x.npz"
    place.write_text("nothing")
    assert refusal(place).startswith("FILE cannot be read as numpy arrays: ")


def test_options_of_tables_are_refused(tmp_path):
    place = save(tmp_path, TOKENS)
    assert refusal(place, UsageError, id="x") == "--id names a column of a table; FILE holds arrays. Leave it out."
    assert refusal(place, UsageError, text="x") == (
        "--text names a column of a table or an entry of a .npz; FILE holds one array. Leave it out."
    )
    assert refusal(place, label="nowhere.npy").startswith("no labels at nowhere.npy (looked in ")
    np.savez(tmp_path / "x.npz", a=TOKENS, b=np.arange(3))
    assert refusal(tmp_path / "x.npz", label="b") == "FILE: 3 values of --label for 5 examples."


def test_kinds_need_no_file(tmp_path):
    assert kind_of(IMAGES, tmp_path) == "image"


def test_clusters(tmp_path):
    colors = RNG.uniform(-1, 1, size=(4, 3))
    assert np.array_equal(read_clusters(save(tmp_path, colors)), colors)
    with pytest.raises(InputError, match=r"^no colour clusters at none\.npy \(looked in "):
        read_clusters(tmp_path.relative_to(tmp_path) / "none.npy")
    (tmp_path / "x.npy").write_text("x")
    with pytest.raises(InputError, match=r"x\.npy cannot be read as colour clusters: it does not begin like a \.npy file\.$"):
        read_clusters(tmp_path / "x.npy")
