"""Folders of images or sound: labels from sub-folders, what is found broken or out of place."""

import shutil
from hashlib import sha256

import numpy as np
import pytest

from dimscope.config import DataConfig
from dimscope.errors import InputError, UsageError
from dimscope.inputs.folders import has_classes, holds_media, read_folder
from dimscope.inputs.images import read_image
from media import write_images, write_sounds


@pytest.fixture
def images(tmp_path):
    return write_images(tmp_path / "images", 6)


def read(folder, **options):
    return read_folder(DataConfig(path=str(folder), **options))


def refusal(folder, error=InputError, **options):
    with pytest.raises(error) as caught:
        read(folder, **options)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(str(folder), "FOLDER")


def test_a_sub_folder_is_a_class(images):
    found = read(images, label="class")
    assert found.ids == ["cat/000.png", "cat/002.png", "cat/004.png", "dog/001.png", "dog/003.png", "dog/005.png"]
    assert found.texts == found.ids
    assert found.labels == ["cat"] * 3 + ["dog"] * 3
    assert (found.kind, found.groups, found.n_dropped) == ("image", None, 0)
    assert np.array_equal(found.contents.read(4), read_image(images / "dog" / "003.png"))


def test_classes_are_labels_or_groups_only_when_they_are_named(images):
    assert read(images).labels is None
    assert read(images, group="class").groups == ["cat"] * 3 + ["dog"] * 3
    assert has_classes(images)


def test_deeper_folders_belong_to_the_class_above_them(images):
    (images / "dog" / "puppies").mkdir()
    shutil.move(images / "dog" / "001.png", images / "dog" / "puppies" / "001.png")
    found = read(images, label="class")
    assert dict(zip(found.ids, found.labels, strict=True))["dog/puppies/001.png"] == "dog"


def test_other_and_hidden_files_do_not_count(images):
    (images / "cat" / "README.md").write_text("notes")
    (images / "cat" / "._000.png").write_text("left by another system")
    (images / ".cache").mkdir()
    shutil.copy(images / "cat" / "000.png", images / ".cache" / "000.PNG")
    shutil.copy(images / "cat" / "000.png", images / "cat" / "006.PNG")
    assert len(read(images)) == 7


def test_the_hash_tells_names_and_contents(images):
    before = read(images)
    expected = "".join(f"{name} sha256:{sha256((images / name).read_bytes()).hexdigest()}\n" for name in before.ids)
    assert before.source_hash == f"sha256:{sha256(expected.encode()).hexdigest()}"
    shutil.copy(images / "cat" / "000.png", images / "cat" / "002.png")
    after = read(images)
    assert after.source_hash != before.source_hash
    assert after.contents.digest(0) == after.contents.digest(1) != after.contents.digest(2)


def test_a_sample_keeps_the_order_and_opens_only_what_it_draws(images):
    (images / "dog" / "999.png").write_text("broken")
    found = [read(images, points=4, seed=seed, incomplete="drop") for seed in range(12)]
    assert all(one.ids == sorted(one.ids) for one in found)
    assert {len(one) for one in found} == {3, 4}
    assert any(one.n_dropped == 0 for one in found)


def test_broken_files_stop_the_run_or_are_left_out(images):
    (images / "dog" / "001.png").write_text("x")
    (images / "cat" / "000.png").write_text("x")
    text = refusal(images)
    assert text == (
        "FOLDER/cat/000.png cannot be read as an image (cannot identify image file); replace or remove it. 1 more files cannot "
        "be read. Choose --incomplete drop to leave them out."
    )
    found = read(images, incomplete="drop", label="class")
    assert (found.n_dropped, found.ids[0], found.labels) == (2, "cat/002.png", ["cat"] * 2 + ["dog"] * 2)


def test_nothing_is_left(tmp_path):
    (tmp_path / "x.png").write_text("x")
    assert refusal(tmp_path, incomplete="drop").endswith("replace or remove it. No file is left.")


def test_an_empty_folder(tmp_path):
    assert not holds_media(tmp_path)
    assert refusal(tmp_path).startswith("FOLDER holds no image and no sound; their endings may be: .bmp, .gif, .jpeg,")


def test_images_without_sub_folders_have_no_classes(images):
    flat = images / "cat"
    assert not has_classes(flat)
    assert read(flat).labels is None
    assert refusal(flat, label="class") == "--label class was asked for; FOLDER has no sub-folders, which would be the classes."


def test_files_beside_the_sub_folders_have_no_class(images):
    shutil.copy(images / "cat" / "000.png", images / "stray.png")
    assert refusal(images) == (
        "FOLDER holds 1 files (stray.png) beside its sub-folders; move them into the sub-folder of their class, or move all "
        "files into one folder."
    )


def test_two_kinds_are_refused(images):
    write_sounds(images, 2)
    assert refusal(images) == "FOLDER holds 6 files of images and 2 files of sound; give each kind a folder of its own."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "image"}, "--text names a column of a table; FOLDER is a folder of files. Leave it out."),
        ({"id": "name"}, "--id names a column of a table; FOLDER is a folder of files. Leave it out."),
        ({"label": "breed"}, 'a folder has no column "breed" for --label.  Columns: class'),
        ({"group": "breed"}, 'a folder has no column "breed" for --group.  Columns: class'),
    ],
)
def test_columns_of_tables_are_refused(images, options, message):
    assert refusal(images, UsageError, **options) == message


def test_sound_is_read_in_the_same_way(tmp_path):
    found = read(write_sounds(tmp_path, 4), label="class")
    assert (found.kind, found.labels) == ("audio", ["high", "high", "low", "low"])
    assert found.contents.read(0).rate == 16_000


def test_a_class_may_be_a_link_to_a_folder_elsewhere(images, tmp_path):
    shutil.move(images / "dog", tmp_path / "dogs")
    (images / "dog").symlink_to(tmp_path / "dogs")
    found = read(images, label="class")
    assert found.labels == ["cat"] * 3 + ["dog"] * 3
    assert found.ids[-1] == "dog/005.png"


def test_links_that_lead_back_end(images):
    (images / "cat" / "all").symlink_to(images)
    (images / "dog" / "self").symlink_to(images / "dog")
    assert read(images).ids == [
        f"{kind}/{row:03d}.png" for kind, first in (("cat", 0), ("dog", 1)) for row in range(first, 6, 2)
    ]


def test_a_link_that_leads_nowhere_is_told_not_left_out(images):
    (images / "cat" / "gone.png").symlink_to(images / "nowhere.png")
    assert refusal(images).startswith("FOLDER/cat/gone.png cannot be read as an image (No such file or directory)")
    assert (read(images, incomplete="drop").n_dropped, len(read(images, incomplete="drop"))) == (1, 6)
