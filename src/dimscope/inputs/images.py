"""Images from files and arrays, as 8-bit RGB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from dimscope.errors import InputError

IMAGE_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
WIDE_MODES = ("I", "F")
"""Beginnings of Pillow's modes with more than 8 bits per value; turning them into RGB would cut values off."""
PREVIEW = (32, 32)
"""Size to which a JPEG is decoded when it is only checked; its data are read to the end all the same."""


def read_image(path: Path) -> np.ndarray:
    """Shape (height, width, 3), uint8: turned as its EXIF data say, grey and palettes as RGB, the first frame, without alpha.

    Raises:
        InputError: Pillow is not installed, or the file is no whole image of 8 bits per value.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def check_image(path: Path) -> None:
    """Nothing when the image can be read to its end.

    Raises:
        InputError: as `read_image`.
    """
    with _opened(path) as image:
        image.draft("RGB", PREVIEW)
        image.load()


def rgb_of(row: np.ndarray) -> np.ndarray:
    """One stored image (height, width) or (height, width, 1, 3 or 4) as (height, width, 3); alpha is left out."""
    deep = row if row.ndim == 3 else row[:, :, None]
    return np.ascontiguousarray(deep[:, :, :3] if deep.shape[2] >= 3 else np.repeat(deep, 3, axis=2))


def require_pillow() -> Any:
    """The module `PIL.Image`.

    Raises:
        InputError: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise InputError(
            "images are read with Pillow, which is not installed. Install it with: pip install 'dimscope[images]'"
        ) from None
    return Image


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    Image = require_pillow()  # noqa: N806 - the name of the module
    try:
        with Image.open(path) as image:
            if image.mode.startswith(WIDE_MODES):
                raise InputError(f"{path} holds values of more than 8 bits (mode {image.mode}); save it with 8 bits per value.")
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        said = getattr(error, "strerror", None) or str(error)
        reason = said.replace(f" {str(path)!r}", "").rstrip(".") or type(error).__name__
        raise InputError(f"{path} cannot be read as an image ({reason}); replace or remove it.") from None
