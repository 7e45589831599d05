"""Images as RGB: every common format gives the pixels that were saved; what is no image is named."""

import builtins

import numpy as np
import pytest
from PIL import Image

from dimscope.errors import InputError
from dimscope.inputs.images import check_image, read_image, rgb_of
from media import make_images

IMAGE = make_images(1)[0]


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm", "webp"])
def test_pixels_come_back(tmp_path, ending):
    place = tmp_path / f"x.{ending}"
    Image.fromarray(IMAGE).save(place, **({"lossless": True} if ending == "webp" else {}))
    check_image(place)
    found = read_image(place)
    assert found.dtype == np.uint8
    assert np.array_equal(found, IMAGE)


def test_a_jpeg_is_near(tmp_path):
    smooth = np.add.outer(np.arange(40), np.arange(40)).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "x.jpg", quality=95)
    check_image(tmp_path / "x.jpg")
    assert np.abs(read_image(tmp_path / "x.jpg").astype(int) - smooth[:, :, None]).max() <= 4


def test_gray_palettes_and_alpha_become_rgb(tmp_path):
    gray = IMAGE[:, :, 0]
    Image.fromarray(gray).save(tmp_path / "gray.png")
    assert np.array_equal(read_image(tmp_path / "gray.png"), np.repeat(gray[:, :, None], 3, axis=2))
    Image.fromarray(np.dstack([IMAGE, gray])).save(tmp_path / "alpha.png")
    assert np.array_equal(read_image(tmp_path / "alpha.png"), IMAGE)
    two = np.where(IMAGE[:, :, :1] > 99, [[[255, 0, 0]]], [[[0, 0, 255]]]).astype(np.uint8)
    Image.fromarray(two).quantize(2).save(tmp_path / "palette.gif")
    assert np.array_equal(read_image(tmp_path / "palette.gif"), two)


def test_an_image_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is on the right
    Image.fromarray(IMAGE).save(tmp_path / "x.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "x.png"), np.rot90(IMAGE, -1))


@pytest.mark.parametrize("read", [check_image, read_image])
def test_what_is_no_whole_image_is_refused(tmp_path, read):
    place = tmp_path / "x.png"
    place.write_text("no image")
    with pytest.raises(
        InputError, match=r"x\.png cannot be read as an image \(cannot identify image file\); replace or remove"
    ):
        read(place)
    rough = np.random.default_rng(0).integers(0, 256, size=(200, 200, 3)).astype(np.uint8)
    Image.fromarray(rough).save(tmp_path / "x.jpg")
    whole = (tmp_path / "x.jpg").read_bytes()
    (tmp_path / "x.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"x\.jpg cannot be read as an image \(image file is truncated"):
        read(tmp_path / "x.jpg")


def test_wide_values_are_refused_before_they_are_cut_off(tmp_path):
    Image.fromarray(np.full((4, 4), 40_000, dtype=np.uint16)).save(tmp_path / "x.png")
    with pytest.raises(InputError, match=r"holds values of more than 8 bits \(mode I;16\); save it with 8 bits per value\.$"):
        read_image(tmp_path / "x.png")


def test_rows_of_arrays_become_rgb():
    gray = IMAGE[:, :, 0]
    three = np.repeat(gray[:, :, None], 3, axis=2)
    assert np.array_equal(rgb_of(gray), three)
    assert np.array_equal(rgb_of(gray[:, :, None]), three)
    assert np.array_equal(rgb_of(IMAGE), IMAGE)
    assert np.array_equal(rgb_of(np.dstack([IMAGE, gray])), IMAGE)


def test_without_pillow_the_remedy_is_named(tmp_path, monkeypatch):
    usual = builtins.__import__

    def absent(name, *rest, **options):
        if name == "PIL":
            raise ImportError(name)
        return usual(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InputError, match=r"which is not installed\. Install it with: pip install 'dimscope\[images\]'$"):
        check_image(tmp_path / "x.png")
